"""plan, verify, runs and report as an operator types them: real Terraform and API; hosts are silent."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from failover.plan import document
from failover.plan.model import StepKind
from tests import sources
from tests.paths import ROOT
from tests.terraform.flow.test_flow import World, world  # noqa: F401 - world is a fixture

pytestmark = pytest.mark.checked(sources.RUN)


def invoke(verb: str, at: World, *argv: str) -> tuple[int, str]:
    """`invoke VERB` as a process of its own: exit code and stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", verb, "--site", str(at.file), *argv],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_plan_is_the_dry_run_and_its_json_the_plan_that_would_be_executed(world: World) -> None:  # noqa: F811
    writes = len([r for r in world.cloud.requests() if r["method"] != "GET"])
    code, text = invoke("plan", world, "--active", "nfs-srv-2", "--json")
    dry, report, said = world.failover("--active", "nfs-srv-2", "--dry-run")
    assert (code, dry) == (0, 0)
    shown, again = (t[t.index("plan: ") : t.index("phase ")] for t in (text, said))
    assert shown == again
    assert "fenced:  nfs-srv-1: its power is cut" in shown
    planned = json.loads(text.splitlines()[-1])
    assert planned["outcome"] == report["outcome"] == "planned"
    assert planned["plan"] == report["plan"]
    kinds = [s.kind for s in document.parse(planned["plan"]).steps]
    assert kinds == [StepKind.LAUNCH, StepKind.REACH, StepKind.POWER_OFF, StepKind.SWITCH, StepKind.TAKE_OVER]
    assert len([r for r in world.cloud.requests() if r["method"] != "GET"]) == writes


def test_verify_says_what_is_not_right_and_unknown_when_the_api_does_not_tell(world: World) -> None:  # noqa: F811
    code, text = invoke("verify", world, "--json")
    report = json.loads(text.splitlines()[-1])
    assert (code, report["outcome"], report["target"]) == (4, "failed", "nfs-srv-1")
    right = {f["subject"]: f["ok"] for f in report["verified"]}
    assert right == {
        "active server": True,
        "volume bv1": True,
        "volume bv2": True,
        "server nfs-srv-1": False,
        "client nfs-cli": False,
        "terraform plan": True,
    }
    assert "./inv plan --active nfs-srv-1" in report["remedy"]

    world.cloud.inject(operation="GetInstance", status=401, code="NotAuthenticated", message="no", count=20)
    code, text = invoke("verify", world, "--active", "nfs-srv-1", "--json")
    assert (code, json.loads(text.splitlines()[-1])["outcome"]) == (5, "unknown")


def test_a_run_that_failed_leaves_its_reports_and_is_listed(world: World) -> None:  # noqa: F811
    # only the launch names sourceDetails; the capacity report before it still says AVAILABLE
    world.cloud.inject(
        operation="*",
        resource="sourceDetails",
        status=500,
        code="InternalError",
        message="Out of host capacity.",
        count=1,
    )
    code, report, _ = world.failover("--active", "nfs-srv-2", "--yes")
    assert code == 4
    folder = Path(world.file.parent) / "runs" / report["run"]
    kept = json.loads((folder / "report.json").read_text())
    assert (kept["outcome"], kept["reason"], kept["remedy"]) == (
        "failed",
        report["reason"],
        report["remedy"],
    )
    assert kept["seconds"] > 0
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "Out of host capacity" in text
        assert "power-off nfs-srv-1" in text
        assert "STOPPED" in text
    _, listed = invoke("runs", world, "--json")
    (row,) = json.loads(listed)
    assert (row["run"], row["outcome"], row["steps"]) == (report["run"], "failed", "1/5")
    page = (folder / "report.html").read_text()
    code, text = invoke("report", world, "--format", "html", "latest")
    assert (code, text.strip()) == (0, str(folder / "report.html"))
    assert (folder / "report.html").read_text() == page
