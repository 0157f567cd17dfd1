"""The floors of pyproject.toml hold: a file on the wrong floor breaks the contract that is meant for it."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.paths import ROOT

FAILOVER = "failover is built in floors"
HOOKS = "hooks are built in floors"
LAB = "the lab is built in floors"
SCHEMA = "the provider's schema calls nobody"
WRONG = [
    (FAILOVER, "failover/model/finding.py", "from failover.plan import planner"),
    (FAILOVER, "failover/paths.py", "from failover.bundle import zipapp"),
    (FAILOVER, "failover/act/launch.py", "from failover.preflight import gate"),
    (FAILOVER, "failover/hosts/survey.py", "from failover.report import page"),
    ("a plan is pure", "failover/plan/planner.py", "from failover.runs import journal"),
    ("a plan is pure", "failover/plan/invariant.py", "import subprocess"),
    ("a plan is pure", "failover/model/site.py", "import oci"),
    (HOOKS, "hooks/layers/lvm.py", "from hooks.survey import survey"),
    (HOOKS, "hooks/contract/spec.py", "from hooks.host import mounts"),
    ("hooks import nothing of ours", "hooks/host/host.py", "from failover import paths"),
    (
        "production never imports the lab, the lab never imports failover",
        "failover/paths.py",
        "from lab.system import paths",
    ),
    (LAB, "lab/system/paths.py", "from lab.hardware import guests"),
    (LAB, "lab/site/stack.py", "from lab.api.core import store"),
    ("the lab's API is built in floors", "lab/api/core/call.py", "from lab.api.compute import launch"),
    (
        "the provider's schema calls nobody",
        "lab/provider/schema/values.py",
        "from lab.provider import server",
    ),
]


def copied(folder: Path) -> Path:
    """A copy of what the contracts are about."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("failover", "hooks", "lab"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "root")
        )
    return folder


def linted(tree: Path) -> tuple[list[str], str]:
    """The contracts that do not hold there, by name, and all that is said of them."""
    tool = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([tool, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False)
    assert "Contracts: " in ran.stdout, ran.stdout + ran.stderr
    broken = [line.removesuffix(" BROKEN") for line in ran.stdout.splitlines() if line.endswith(" BROKEN")]
    assert bool(broken) == bool(ran.returncode)
    return broken, ran.stdout.partition("Broken contracts")[2]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each contract where all of these imports stand."""
    tree = copied(tmp_path_factory.mktemp("wrong"))
    for _, file, line in WRONG:
        with (tree / file).open("a") as stream:
            stream.write(f"\n{line}\n")
    broken, text = linted(tree)
    found = {}
    for name in reversed(broken):
        text, _, found[name] = text.rpartition(f"\n{name}\n")
    return found


def test_the_tree_as_it_is_holds_them(tmp_path: Path) -> None:
    assert linted(copied(tmp_path)) == ([], "")


def test_a_folder_on_no_floor_is_found(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    for package in ("failover", "hooks", "lab"):
        (tree / package / "nowhere.py").touch()
    assert linted(tree)[0] == [FAILOVER, HOOKS, LAB]


@pytest.mark.parametrize(("contract", "file", "line"), WRONG)
def test_a_file_on_the_wrong_floor_is_found(
    told: dict[str, str], contract: str, file: str, line: str
) -> None:
    importer = file.removesuffix(".py").replace("/", ".")
    imported = line.replace("from ", "").replace("import ", "").replace(" ", ".")
    assert f"{importer} -> {imported} (l." in told.get(contract, ""), told


@pytest.mark.parametrize(("package", "most"), [("failover", 15), ("hooks", 15), ("lab", 15), ("tests", 16)])
def test_a_room_has_about_a_dozen_modules(package: str, most: int) -> None:
    """One more, and the room is cut in two: what belongs together gets a folder and a name."""
    counted = Counter(f.parent for f in (ROOT / package).rglob("*.py") if f.name != "__init__.py")
    overfull = {str(room.relative_to(ROOT)): n for room, n in counted.items() if n > most}
    assert overfull == {}
