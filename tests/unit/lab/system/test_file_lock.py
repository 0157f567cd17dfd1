"""A lock between processes: the second is refused with the first one's number until that has gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.system.errors import HardwareError
from lab.system.file_lock import held_alone

HOLDER = """
import sys
from pathlib import Path
from lab.system.file_lock import held_alone
with held_alone(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused_until_the_first_has_died(tmp_path: Path) -> None:
    lock = tmp_path / "new" / "lab.lock"
    argv = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        refused = pytest.raises(HardwareError, match=rf"^a drill runs there \(process {first.pid}\)$")
        with refused, held_alone(lock, "a drill runs there"):
            pytest.fail("two held it")
        first.kill()
    with held_alone(lock, "a drill runs there"):
        assert lock.read_text() == str(os.getpid())
