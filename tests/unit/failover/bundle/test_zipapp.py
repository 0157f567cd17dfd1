"""The zipapp: the same bytes every time, nothing destructive in it, and every promised Python runs it."""

from __future__ import annotations

import builtins
import bz2
import dis
import json
import re
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest

from failover.bundle import minify
from failover.bundle import zipapp as package
from hooks import zipapp_main
from tests.paths import ROOT

SPEC = ROOT / "tests/fixtures/client-spec.json"
SERVER_SPEC = ROOT / "tests/fixtures/server-spec.json"
DESTRUCTIVE = re.compile(
    r"\b(mkfs|pvcreate|vgcreate|lvcreate|wipefs|sgdisk|parted|dd|pvremove|vgremove|lvremove)\b"
)
IMPORT = re.compile(r"^ *from (hooks\S*) import (.*)$", re.MULTILINE)  # as the shortened sources have it
MODULE_S_OWN = ("__annotations__", "__module__", "__name__", "__qualname__")
VERSIONS = ("3.6", "3.8", "3.13")


def interpreter(version: str) -> str:
    """This Python version here, else the test is skipped. pyenv's shims on the PATH may be of another one."""
    homes = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = str(homes[-1]) if homes else shutil.which(f"python{version}")
    if not found:
        pytest.skip(f"Python {version} is not installed")
    return found


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    pack = "sys.stdout.buffer.write(zipapp.packed('hooks.cli'))"  # not one that was kept
    again = f"import sys; from failover.bundle import zipapp; {pack}"
    other = subprocess.run([sys.executable, "-c", again], cwd=ROOT, capture_output=True, check=True).stdout
    assert other == package.hooks_bytes()
    path = package.build_hooks(tmp_path / "dist" / "hooks.pyz")
    assert path.read_bytes() == other
    assert path.stat().st_mode & 0o777 == 0o755
    assert package.build_hooks(tmp_path).name == "hooks.pyz"


def test_nothing_of_this_machine_is_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(package.build_hooks(tmp_path)) as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert str(ROOT).encode() not in package.hooks_bytes()


def modules(zipapp: bytes, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "some.pyz").write_bytes(zipapp)
    with zipfile.ZipFile(tmp_path / "some.pyz") as packed:
        found: dict[str, str] = json.loads(bz2.decompress(packed.read(zipapp_main.PAYLOAD)))
        return {"__main__": packed.read("__main__.py").decode(), **found}


def test_the_loader_has_the_hooks_own_modules_and_all_that_it_imports(tmp_path: Path) -> None:
    every, loading = (modules(z, tmp_path) for z in (package.hooks_bytes(), package.loader_bytes()))
    assert set(loading) < set(every)
    assert {"hooks.boot.load", "hooks.boot.metadata", "hooks.layers.iscsi", "hooks.layers.lvm"} < set(loading)
    assert not {"hooks.cli", "hooks.walk", "hooks.layers.nfs", "hooks.client", "hooks.survey"} & set(loading)
    imports = [found for source in loading.values() for found in re.findall(IMPORT, source)]
    wanted = {f"{module}.{name}" for module, names in imports for name in names.split(", ")}
    wanted |= {module for module, _ in imports}
    assert wanted & set(every) <= set(loading)


def test_the_loader_lacks_no_name_that_it_speaks_of(tmp_path: Path) -> None:
    loading = modules(package.loader_bytes(), tmp_path)
    stored = {name: names_in(source, ("STORE_NAME",)) for name, source in loading.items()}
    for name, source in loading.items():
        spoken = names_in(source, ("LOAD_GLOBAL", "LOAD_NAME"))
        assert spoken <= stored[name] | set(dir(builtins)) | set(MODULE_S_OWN), name
        for module, names in re.findall(IMPORT, source):
            known = stored.get(module, set()) | {other.rpartition(".")[2] for other in loading}
            assert set(names.split(", ")) <= known, (name, module)


def names_in(source: str, operations: tuple[str, ...]) -> set[str]:
    """What the code of a module and of all functions in it does these operations with."""
    left, found = [compile(source, "module", "exec")], set()
    while left:
        code = left.pop()
        found |= {str(one.argval) for one in dis.get_instructions(code) if one.opname in operations}
        left += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_loader_runs(version: str, tmp_path: Path) -> None:
    path = tmp_path / "loader.pyz"
    path.write_bytes(package.loader_bytes())
    argv = [interpreter(version), str(path), "not a hash"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("loader.pyz: expected the hooks' SHA-256 in hexadecimal, found 'not a hash'")


@pytest.mark.parametrize("folder", ["hooks", "failover", "templates"])
def test_no_failover_path_can_make_or_wipe_a_filesystem(folder: str) -> None:
    sources = [path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".j2", ".html", ".yaml"}]
    # the report's page reaches a browser and no host, and HTML has an element named dd
    sources = [path for path in sources if path.name != "report.html.j2"]
    assert sources
    found = [
        (path.name, match.group()) for path in sources for match in DESTRUCTIVE.finditer(path.read_text())
    ]
    assert not found


def test_hooks_import_only_the_standard_library() -> None:
    allowed = {"hooks", *sys.stdlib_module_names}
    for path in (ROOT / "hooks").rglob("*.py"):
        names = imported(compile(path.read_text(), str(path), "exec"))
        assert {name.split(".")[0] for name in names} <= allowed, path


def imported(code: types.CodeType) -> set[str]:
    """Every module that this code imports. By its bytecode: ast.parse may fail while garbage is collected."""
    names = {str(item.argval) for item in dis.get_instructions(code) if item.opname == "IMPORT_NAME"}
    return names.union(*(imported(const) for const in code.co_consts if isinstance(const, types.CodeType)))


def test_an_import_of_another_package_is_seen() -> None:
    assert imported(compile("def f():\n    from jinja2.ext import do", "f", "exec")) == {"jinja2.ext"}


@pytest.mark.parametrize(
    ("layer", "spec", "says"),
    [
        ("client", SPEC, "/mnt/nfs/a: fstab has no line, expected nfs-srv-2:/mnt/a"),
        ("filesystem", SERVER_SPEC, "not mounted: /mnt/a"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_zipapp_runs(version: str, layer: str, spec: Path, says: str, tmp_path: Path) -> None:
    path = tmp_path / "hooks.pyz"
    path.write_bytes(package.hooks_bytes())
    ran = subprocess.run(
        [interpreter(version), str(path), "check", "--spec", "-", "--only", layer],
        input=spec.read_text(),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    result = json.loads(ran.stdout)
    assert ran.returncode == 1, ran.stderr
    assert result["layers"][0]["message"].startswith(says)
    assert result["facts"]["python"].startswith(version)


def played(module: str, version: str, packed: Path) -> str:
    """What this program of the tests says on that Python, with the hooks as packed; it must end well."""
    (packed / "tests").symlink_to(ROOT / "tests")
    for name, source in package.packed_sources().items():
        place = packed / name.replace(".", "/")
        path = place / "__init__.py" if (ROOT / name.replace(".", "/")).is_dir() else place.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    ran = subprocess.run(
        [interpreter(version), "-B", "-m", module], cwd=packed, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_every_case_of_the_layers_holds(version: str, tmp_path: Path) -> None:
    assert int(played("tests.unit.hooks.scripted_host", version, tmp_path).split()[0]) > 80


@pytest.mark.parametrize("version", VERSIONS)
def test_canaries_are_written_read_and_found_damaged(version: str, tmp_path: Path) -> None:
    assert played("tests.unit.hooks.probe.data_host", version, tmp_path).startswith(f"played on {version}")


def test_a_traceback_still_names_the_module(tmp_path: Path) -> None:
    path = package.build_hooks(tmp_path)
    code = (
        f"import runpy, sys; sys.argv = ['x', '--help']; runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ran.returncode == 0
    actions = (
        "apply,check,release,probe,refresh,survey,inventory,fsck,withhold,guard,unguard,contents,"
        "ready,announce,take-over,arm,quiesce,disarm,foresee,migrate,follow-on,follow-off,watch,dead-man,follow"
    )
    assert f"{{{actions}}}" in ran.stdout


def test_shortening_keeps_the_program() -> None:
    source = (
        '"""Doc."""\n# why\nX: int = 1\n\n\n'
        'def f(a: int, *, b: str = "    # no") -> str:\n    """Doc."""\n    return b * a\n'
    )
    short = minify.shortened(source)
    assert short == "X = 1\n\ndef f(a, *, b='    # no'):\n return b * a\n"
    names: dict[str, object] = {}
    exec(compile(short, "short", "exec"), names)  # noqa: S102
    assert names["f"](2) == "    # no    # no"  # type: ignore[operator]


RENAMED = """
from typing import Callable, Dict, NamedTuple
b = 10

class Pair(NamedTuple):
    left: Dict[str, int]

def outer(first: int, *, second: Callable[[int], int]) -> Dict[str, int]:
    total: int = b
    for item, a in [(first, 1)]:
        total += second(item) + a
    error = None
    try:
        raise ValueError("no")
    except ValueError as error:
        said = str(error)
    return {said: total + sum(item * first for item in (lambda item: [item, total])(1))}

def closing(amount: int) -> int:
    start = amount
    def inner(start_too: int) -> int:
        step = start
        return step + start_too
    def counting() -> int:
        nonlocal start
        start += 1
        return start
    return inner(1) * counting()

def classy() -> object:
    class Kind:
        value = 7
    return Kind().value
"""


def test_locals_are_renamed_and_nothing_else() -> None:
    short = minify.shortened(RENAMED)
    assert "total" not in short
    assert "Callable" not in short
    results = []
    for source in (RENAMED, short):
        names: dict[str, Any] = {}
        exec(compile(source, "source", "exec"), names)  # noqa: S102
        found = (names["outer"](3, second=lambda n: n * 2), names["closing"](4), names["classy"]())
        results.append((*found, names["Pair"](left={}).left))
    assert results[0] == results[1] == ({"no": 71}, 25, 7, {})


def test_an_empty_body_stays_a_body() -> None:
    assert minify.shortened('class A(Exception):\n    """Doc."""\n') == "class A(Exception):\n pass\n"


def test_what_only_type_checkers_read_is_left_out() -> None:
    source = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import B\ndef f() -> B:\n"
        "    return []\n"
    )
    assert minify.shortened(source) == "def f():\n return []\n"
