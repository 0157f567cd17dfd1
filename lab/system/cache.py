"""Folders of the cache that are whole or not there: made once, under a lock, whatever kills the maker."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.system.file_lock import held


def make_once(folder: Path, fill: Callable[[Path], None]) -> None:
    """Have `folder`; unless it is there, `fill` makes its content in an empty folder that is then renamed.

    One maker at a time per parent folder, others wait. What a killed maker left is removed by the next.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with held(folder.parent / "lock"):
        for left in folder.parent.glob("unfinished-*"):
            shutil.rmtree(left)
        if folder.is_dir():
            return
        work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
        work.chmod(0o755)  # apt's unprivileged user walks through it while an image is built
        fill(work)
        work.rename(folder)
