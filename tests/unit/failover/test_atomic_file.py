"""A file that others read is whole at every moment, also with two writers, and when one dies half-way."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from failover.atomic_file import write_whole


def test_it_is_written_with_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "made" / "file"
    write_whole(file, b"one", 0o755)
    write_whole(file, b"two")
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_two_writers_and_a_reader_never_meet_half_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    contents = {letter * 200_000 for letter in (b"a", b"b")}
    write_whole(file, b"a" * 200_000)
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write_whole, file, content) for content in contents for _ in range(20)]
        while not all(writer.done() for writer in writers):
            assert file.read_bytes() in contents
    assert [w.exception() for w in writers if w.exception()] == []


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_whole(file, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
