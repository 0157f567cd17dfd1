"""`python -m lab.metadata`: serve the guests of one lab until SIGTERM; runs inside the lab's namespace."""

import argparse
import os
import signal
import sys
from pathlib import Path

from lab.metadata.server import MetadataServer

ADDRESS, PORT = "169.254.169.254", 80


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.metadata", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the lab's directory")
    parser.add_argument("--address", default=ADDRESS)
    parser.add_argument("--port", type=int, default=PORT, help="0: any free one; see RUN/metadata.port")
    options = parser.parse_args()
    run: Path = options.run.resolve()
    server = MetadataServer(run, options.address, options.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    (run / "metadata.pid").write_text(f"{os.getpid()}\n")
    (run / "metadata.port.new").write_text(f"{server.server_port}\n")
    (run / "metadata.port.new").replace(run / "metadata.port")
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
