"""A zipapp that was packed once is kept, and used for exactly what it was packed from."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover.bundle import kept, zipapp

pytestmark = pytest.mark.own_rule


class Packer:
    """Counts how often it packs; what it packs is another one each time."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> bytes:
        self.times += 1
        return b"line\n" * self.times


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hooks"
    folder.mkdir()
    (folder / "cli.py").write_text("one = 1\n")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(kept, "HOOKS", folder)
    monkeypatch.setattr(kept, "HOME", tmp_path / ".venv")
    return folder


def test_it_is_packed_once(hooks: Path) -> None:
    pack = Packer()
    assert [kept.kept("hooks.cli", pack) for _ in range(3)] == [b"line\n"] * 3
    assert pack.times == 1
    assert kept.kept("hooks.boot.load", pack) == b"line\n" * 2, "each entry has a zipapp of its own"


@pytest.mark.parametrize("change", ["text", "name", "another", "python"])
def test_what_was_packed_from_anything_else_is_not_used(
    hooks: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = Packer()
    kept.kept("hooks.cli", pack)
    if change == "text":
        (hooks / "cli.py").write_text("one = 2\n")
    elif change == "name":
        (hooks / "cli.py").rename(hooks / "cli2.py")
    elif change == "another":
        (hooks / "host.py").touch()
    else:
        monkeypatch.setattr(kept.sys, "version", "another one")
    assert kept.kept("hooks.cli", pack) == b"line\n" * 2
    assert kept.kept("hooks.cli", pack) == b"line\n" * 2
    assert pack.times == 2


@pytest.mark.parametrize("content", [b"", b"no line", b"a b\nline\n", "cut"])
def test_a_file_that_was_damaged_is_packed_again(hooks: Path, content: bytes | str) -> None:
    pack = Packer()
    kept.kept("hooks.cli", pack)
    (file,) = (hooks.parent / ".venv/packed").iterdir()
    whole = file.read_bytes()
    file.write_bytes(content if isinstance(content, bytes) else whole[:-1])
    assert kept.kept("hooks.cli", pack) == b"line\n" * 2
    assert kept.kept("hooks.cli", pack) == b"line\n" * 2
    assert pack.times == 2


def test_nothing_is_kept_where_there_is_no_place(hooks: Path) -> None:
    (hooks.parent / ".venv").rmdir()
    pack = Packer()
    assert [kept.kept("hooks.cli", pack) for _ in range(2)] == [b"line\n", b"line\n" * 2]
    assert sorted(hooks.parent.iterdir()) == [hooks]


def test_a_place_that_cannot_be_written_to_is_no_error(hooks: Path) -> None:
    (hooks.parent / ".venv/packed").write_text("a file where the folder would be")
    pack = Packer()
    assert [kept.kept("hooks.cli", pack) for _ in range(2)] == [b"line\n", b"line\n" * 2]


def test_of_the_real_tree_it_is_what_packing_gives() -> None:
    assert zipapp.hooks_bytes() == zipapp.packed("hooks.cli")
    assert zipapp.loader_bytes() == zipapp.packed("hooks.boot.load")
