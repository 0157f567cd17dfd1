"""Each file says in its first line what it is for, where its format has comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from tests.paths import ROOT

FOLDERS = ("failover", "hooks", "lab", "bench", "templates", "tests", "terraform", ".github", ".ci")
BEGINS = {
    ".py": ('"""', 'r"""', "#!"),
    ".j2": ("{#- ", "# ", "#cloud-config"),
    ".xml": ("<!-- ",),
    ".conf": ("# ",),
    ".cil": ("; ",),
    ".cjs": ("// ",),
    ".proto": ("// ",),
    **dict.fromkeys((".sh", ".tf", ".toml", ".yml", ".yaml", ".service"), ("# ", "#!")),
}
# one line, `nameserver 169.254.169.254`, which a guest has as OCI's DHCP would write it
AS_WRITTEN_BY_DHCP = ROOT / "lab/hardware/image/root/etc/resolv.conf"


def files() -> Iterator[Path]:
    """What people wrote in a format that has comments; an empty package marker says all by its place."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            left_out = path == AS_WRITTEN_BY_DHCP or {".terraform", "rendered"} & set(path.parts)
            empty_marker = path.name == "__init__.py" and folder == "tests" and not path.stat().st_size
            if path.suffix in BEGINS and path.is_file() and not left_out and not empty_marker:
                yield path


def test_each_file_begins_with_what_it_is_for() -> None:
    silent = [str(path.relative_to(ROOT)) for path in files() if not says(path.read_text(), path.suffix)]
    assert not silent, f"say in the first line what each is for (CONTRIBUTING.md): {silent}"


def says(text: str, ending: str) -> bool:
    return text.startswith(BEGINS[ending])


def test_a_file_without_it_is_found() -> None:
    assert not says("import os\n", ".py")
    assert not says("<!doctype html>\n", ".j2")


@pytest.mark.parametrize("path", sorted((ROOT / "templates").glob("*.j2")), ids=lambda path: path.name)
def test_a_template_s_own_first_line_is_not_rendered(path: Path) -> None:
    """A page begins with its doctype, a comment on a pull request with its mark."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=True)
    first, _, rest = path.read_text().partition("\n")
    if first.startswith("{#-"):
        assert repr(environment.parse(f"{first}\n{rest}")) == repr(environment.parse(rest))
