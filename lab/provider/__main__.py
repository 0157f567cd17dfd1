"""`python -m lab.provider --run RUN`: serve the stand-in provider for one lab until SIGTERM."""

import argparse
from pathlib import Path

from lab.provider.server import serve


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m lab.provider", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the lab's directory")
    run: Path = parser.parse_args().run
    if not run.is_dir():
        parser.error(f"{run} is not a directory: create the lab first")
    serve(run.resolve())


if __name__ == "__main__":
    main()
