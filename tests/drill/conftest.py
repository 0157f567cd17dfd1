"""The lab that most drills' tests have; a file that needs another one has a fixture `lab` of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.hardware.image.variants.catalogue import DEBIAN
from lab.site.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """nfs-srv-1 serves, nfs-cli writes, nfs-srv-2 stands by."""
    with brought_up(tmp_path, standby=True) as made:
        yield made


@contextmanager
def brought_up(folder: Path, standby: bool, guests: str = DEBIAN) -> Iterator[Lab]:
    """A lab below this folder, of guests of this kind; a test that fails has its evidence kept."""
    made = Lab(folder / "lab", print)
    try:
        made.up(standby=standby, guests=guests)
        yield made
    except BaseException:
        made.keep_evidence()
        raise
    finally:
        made.down()
