"""One way to run a tool on this machine: an argv list, a deadline, and an error that names all of it."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.system.errors import HardwareError


def run(
    argv: Sequence[str | Path],
    *,
    tolerated: tuple[int, ...] = (0,),
    deadline_seconds: float = 60,
    stdin: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` to its end. Raises HardwareError on any other exit code, a missing tool or the deadline."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline_seconds,
            cwd=cwd,
            env=env,
            check=False,
        )
    except FileNotFoundError as error:
        raise HardwareError(
            f"{error.filename} is not there, needed by: {' '.join(words)}; run lab.system.packages"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise HardwareError(f"not done after {deadline_seconds:g} s: {' '.join(words)}") from error
    if done.returncode not in tolerated:
        message = (done.stderr.strip() or done.stdout.strip())[-800:]
        raise HardwareError(f"exit code {done.returncode} from: {' '.join(words)}: {message}")
    return done
