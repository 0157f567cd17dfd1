"""Copies of the hooks: by their SHA-256 alone, never by their name, and nothing else is handed on."""

from __future__ import annotations

import os
from pathlib import Path

import jinja2
import pytest

from hooks.host import copies, places
from hooks.host.copies import digest, look_in, name_of
from hooks.host.host import Host
from tests.paths import ROOT

RIGHT = b"the whole hooks"
PINNED = digest(RIGHT)


@pytest.mark.parametrize("name", ["hooks.pyz", "hooks-0123456789abcdef.pyz", name_of(PINNED)])
def test_the_name_does_not_matter(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(RIGHT)
    assert look_in(str(tmp_path), PINNED) == (RIGHT, str(tmp_path / name))


def test_a_changed_copy_is_named_and_the_right_one_beside_it_is_taken(tmp_path: Path) -> None:
    (tmp_path / name_of(PINNED)).write_bytes(RIGHT + b"#")
    changed = digest(RIGHT + b"#")[:16]
    said = f"{tmp_path / name_of(PINNED)}: found SHA-256 {changed}, not run"
    assert look_in(str(tmp_path), PINNED) == (None, said)
    (tmp_path / "hooks.pyz").write_bytes(RIGHT)
    assert look_in(str(tmp_path), PINNED).content == RIGHT


def test_what_is_no_plain_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(RIGHT)
    (tmp_path / "hooks-link.pyz").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "hooks-folder.pyz").mkdir()
    os.mkfifo(tmp_path / "hooks-fifo.pyz")
    (tmp_path / "loader.pyz").write_bytes(RIGHT)
    found = look_in(str(tmp_path), PINNED)
    assert found.content is None
    assert found.message.count("not run") == 3
    assert "loader" not in found.message


def test_a_folder_that_is_not_there_or_is_a_link(tmp_path: Path) -> None:
    assert look_in(str(tmp_path / "none"), PINNED).message == f"{tmp_path}/none: No such file or directory"
    assert look_in(str(tmp_path), PINNED).message == f"{tmp_path}: no hooks*.pyz in it"
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "hooks.pyz").write_bytes(RIGHT)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert look_in(str(tmp_path / "link"), PINNED).content is None


def test_thousands_of_files_of_somebody_else_do_not_hide_our_own(tmp_path: Path) -> None:
    for number in range(copies._MOST + 5):
        (tmp_path / f"hooks-0{number}.pyz").write_bytes(b"x")
    (tmp_path / name_of(PINNED)).write_bytes(RIGHT)
    assert look_in(str(tmp_path), PINNED).content == RIGHT


def test_what_is_run_lies_in_root_s_own_folder(tmp_path: Path) -> None:
    host = Host(10, str(tmp_path))
    (tmp_path / "run/nfs-failover").mkdir(parents=True)
    (tmp_path / "run/nfs-failover").chmod(0o777)
    path = Path(copies.install(host, RIGHT))
    assert (path, path.read_bytes()) == (tmp_path / "run/nfs-failover/hooks.pyz", RIGHT)
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    kept = Path(copies.keep(host, RIGHT))
    assert (kept, kept.read_bytes()) == (tmp_path / "opt/nfs-failover" / name_of(PINNED), RIGHT)


def test_what_a_host_s_own_loader_runs_at_a_boot(tmp_path: Path) -> None:
    host = Host(10, str(tmp_path))
    assert copies.at_boot(host) is None, "no server that the stack launched"
    unit = tmp_path / places.UNIT[1:]
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/bin/sh -c 'exec python3 /opt/nfs-failover/hooks.pyz watch'\n")
    assert copies.at_boot(host) is None, "launched by an older version: it has its hooks"
    unit.write_text(written_unit(PINNED))
    assert copies.at_boot(host) == {"sha256": PINNED, "here": False}
    copies.keep(host, RIGHT)
    assert copies.at_boot(host) == {"sha256": PINNED, "here": True}


def written_unit(sha256: str) -> str:
    text = (ROOT / "templates/nfs-failover.service.j2").read_text()
    return jinja2.Template(text, autoescape=False).render(
        loader_path="/opt/nfs-failover/loader.pyz", hooks_sha256=sha256
    )


def test_a_folder_with_a_copy_s_name_leaves_nothing_open(tmp_path: Path) -> None:
    """The loader looks again every few seconds, for as long as it takes."""
    (tmp_path / "hooks-folder.pyz").mkdir()
    before = sorted(Path("/proc/self/fd").iterdir())
    assert look_in(str(tmp_path), PINNED).content is None
    assert sorted(Path("/proc/self/fd").iterdir()) == before
