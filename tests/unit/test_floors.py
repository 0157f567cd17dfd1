"""The floors of pyproject.toml hold: a file on the wrong floor breaks the contract that is meant for it."""

import shutil
import subprocess
import sys
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
    (FAILOVER, "failover/nowhere.py", ""),
    ("a plan is pure", "failover/plan/planner.py", "from failover.runs import journal"),
    ("a plan is pure", "failover/plan/invariant.py", "import subprocess"),
    ("a plan is pure", "failover/model/site.py", "import oci"),
    (HOOKS, "hooks/layers/lvm.py", "from hooks.survey import survey"),
    (HOOKS, "hooks/contract/spec.py", "from hooks.host import mounts"),
    ("hooks import nothing of ours", "hooks/host/host.py", "from failover import paths"),
    ("production never imports the lab", "failover/paths.py", "from lab.system import paths"),
    (LAB, "lab/system/paths.py", "from lab.hardware import guests"),
    (LAB, "lab/site/stack.py", "from lab.api.core import store"),
    ("the lab's API is built in floors", "lab/api/core/call.py", "from lab.api.compute import launch"),
    (
        "the provider's schema calls nobody",
        "lab/provider/schema/values.py",
        "from lab.provider import server",
    ),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the contracts are about."""
    copy = tmp_path_factory.mktemp("floors")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("failover", "hooks", "lab"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "root"))
    return copy


def broken(tree: Path) -> list[str]:
    """The names of the contracts that do not hold there."""
    tool = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([tool, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False)
    assert "Contracts: " in ran.stdout, ran.stdout + ran.stderr
    found = [line.removesuffix(" BROKEN") for line in ran.stdout.splitlines() if line.endswith(" BROKEN")]
    assert bool(found) == bool(ran.returncode)
    return found


def test_the_tree_as_it_is_holds_them(tree: Path) -> None:
    assert broken(tree) == []


@pytest.mark.parametrize(("contract", "file", "line"), WRONG)
def test_a_file_on_the_wrong_floor_is_found(tree: Path, contract: str, file: str, line: str) -> None:
    place = tree / file
    before = place.read_text() if place.exists() else None
    place.write_text(f"{before or ''}\n{line}\n")
    try:
        found = broken(tree)
    finally:
        if before is None:
            place.unlink()
        else:
            place.write_text(before)
    assert [name for name in found if name.startswith(contract)], found
