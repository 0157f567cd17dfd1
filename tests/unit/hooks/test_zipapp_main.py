"""What the zipapp compiled is kept in /run for its next start: whole, of this payload, and root's own."""

from __future__ import annotations

import bz2
import json
import marshal
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from hooks import zipapp_main
from hooks.zipapp_main import Unpacked, unpack

SOURCES = {"hooks_one": "", "hooks": "", "hooks.kept_a": "", "hooks.kept_a.b": "VALUE = 7\n"}


def payload(sources: dict[str, str]) -> bytes:
    return bz2.compress(json.dumps(sources).encode())


def value_of(unpacked: Unpacked, name: str) -> object:
    """VALUE of this module, as an import has it."""
    spec = unpacked.find_spec(name)
    assert spec is not None
    module = type(sys)(name)
    unpacked.exec_module(module)
    return vars(module).get("VALUE")


def kept_in(file: Path) -> set[str]:
    return set(marshal.loads(file.read_bytes()))  # noqa: S302 - the test's own


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept.bytecode"


def test_a_second_start_compiles_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Unpacked(payload(SOURCES), str(kept))
    assert value_of(first, "hooks.kept_a.b") == 7
    first.keep()
    assert kept.stat().st_mode & 0o077 in (0, 0o044)
    assert [p.name for p in kept.parent.iterdir()] == [kept.name]
    monkeypatch.setattr(bz2, "decompress", lambda _: pytest.fail("the payload was read again"))
    again = Unpacked(payload(SOURCES), str(kept))
    assert value_of(again, "hooks.kept_a.b") == 7


def test_a_package_stays_one(kept: Path) -> None:
    first = Unpacked(payload(SOURCES), str(kept))
    specs = [first.find_spec(name) for name in ("hooks.kept_a", "hooks.kept_a.b")]
    first.keep()
    again = Unpacked(payload(SOURCES), str(kept))
    for one in specs:
        assert one is not None
        spec = again.find_spec(one.name)
        assert spec is not None
        assert (spec.submodule_search_locations is None) == (one.submodule_search_locations is None)


def test_a_module_that_no_start_needed_yet_is_compiled_and_added(kept: Path) -> None:
    first = Unpacked(payload(SOURCES), str(kept))
    first.find_spec("hooks.kept_a")
    first.keep()
    second = Unpacked(payload(SOURCES), str(kept))
    assert value_of(second, "hooks.kept_a.b") == 7
    second.keep()
    assert kept_in(kept) == {"hooks.kept_a", "hooks.kept_a.b"}


@pytest.mark.parametrize("name", ["json", "hooks_one", "hooks.none", "hook"])
def test_other_modules_are_left_to_python(name: str, kept: Path) -> None:
    assert Unpacked(payload(SOURCES), str(kept)).find_spec(name) is None


@pytest.mark.parametrize("content", [b"", b"\0", b"no marshal", marshal.dumps(7), marshal.dumps("text")[:3]])
def test_a_file_that_is_none_of_ours_is_compiled_over(content: bytes, kept: Path) -> None:
    kept.write_bytes(content)
    unpacked = Unpacked(payload(SOURCES), str(kept))
    assert value_of(unpacked, "hooks.kept_a.b") == 7
    unpacked.keep()
    assert kept_in(kept) == {"hooks.kept_a.b"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_somebody_else_is_not_read(kept: Path) -> None:
    code = marshal.dumps(compile("VALUE = 'theirs'", "x", "exec"))
    kept.write_bytes(marshal.dumps({"hooks.kept_a.b": (False, code)}))
    assert value_of(Unpacked(payload(SOURCES), str(kept)), "hooks.kept_a.b") == "theirs"
    os.chown(kept, 65534, 65534)
    assert value_of(Unpacked(payload(SOURCES), str(kept)), "hooks.kept_a.b") == 7


def test_only_root_keeps(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = Unpacked(payload(SOURCES), str(kept))
    unpacked.find_spec("hooks.kept_a")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    unpacked.keep()
    assert not kept.exists()


def test_a_full_disk_costs_nothing_but_the_next_compile(tmp_path: Path) -> None:
    unpacked = Unpacked(payload(SOURCES), str(tmp_path / "none" / "kept"))
    unpacked.find_spec("hooks.kept_a")
    unpacked.keep()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def importing() -> Iterator[None]:
    before = list(sys.meta_path)
    yield
    sys.meta_path[:] = before
    sys.modules.pop("hooks.kept_a", None)
    sys.modules.pop("hooks.kept_a.b", None)


@pytest.mark.usefixtures("importing")
def test_another_payload_or_python_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zipapp_main, "KEPT", str(tmp_path / "{}-{:x}"))
    for value, version in ((7, 1), (8, 1), (8, 2)):
        monkeypatch.setattr(sys, "hexversion", version)
        sources = {**SOURCES, "hooks.kept_a.b": f"VALUE = {value}\n"}
        unpacked = unpack(payload(sources))
        assert vars(import_module("hooks.kept_a.b"))["VALUE"] == value
        sys.modules.pop("hooks.kept_a.b")
        unpacked.keep()
    assert len(list(tmp_path.iterdir())) == 3
