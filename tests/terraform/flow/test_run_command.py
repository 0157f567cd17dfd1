"""Clients by commands of OCI's agent on a whole site, where Terraform and the API are real."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from failover.command.request import Request, SiteChoice
from failover.report.report import Report
from failover.verbs import failover as verb
from failover.verbs import preflight
from tests import verb_policies
from tests.terraform.doubles.agents import answering
from tests.terraform.sites.run_command_site import NAMES, RunCommandSite, run_command_site
from tests.terraform.sites.whole_site import FIRST, SECOND

pytestmark = pytest.mark.own_rule


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunCommandSite]:
    with run_command_site(tmp_path) as made:
        yield made


def fail_over(site: RunCommandSite, target: str, transport: str = "") -> tuple[Report, str]:
    shown = io.StringIO()
    choice = SiteChoice(str(site.whole.file), transport=transport)
    with answering(site.whole.model):
        console = Console(file=shown, soft_wrap=True, highlight=False, width=200)
        report = verb.fail_over(Request(target, choice, yes=True), console)
    return report, shown.getvalue()


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def withhold(site: RunCommandSite, name: str) -> None:
    """The agent of this client takes no command."""
    site.whole.cloud.inject(
        operation="CreateInstanceAgentCommand", resource=site.instances[name], stuck=True, count=0
    )


def test_a_failover_brings_them_over_and_leaves_alone_those_without_an_agent(
    site: RunCommandSite, capsys: pytest.CaptureFixture[str]
) -> None:
    withhold(site, "gpu-002")
    site.plug("gpu-003", enabled=False)
    report, shown = fail_over(site, SECOND)
    assert report.outcome.value == "clients-left", shown
    assert site.mounted() == {"nfs-cli": SECOND, "gpu-001": SECOND, "gpu-002": FIRST, "gpu-003": FIRST}
    site.whole.assert_settled_on(SECOND)
    assert "its agent took no command within 3 s" in shown
    assert "Compute Instance Run Command is disabled" in shown

    site.whole.cloud.clear_faults()
    site.plug("gpu-003", enabled=True)
    assert site.clients("run", nodes="gpu-[001-003]") == 0, capsys.readouterr().out
    assert site.mounted() == dict.fromkeys(("nfs-cli", *NAMES), SECOND)
    report, shown = fail_over(site, FIRST, transport="ssh")
    assert report.outcome.value == "done", shown
    before = len(site.whole.cloud.requests())
    assert site.clients("migrate") == 3, "without a service address there is nothing to migrate to"
    assert not [r for r in site.whole.cloud.requests()[before:] if "InstanceAgent" in str(r["operation"])]


def test_a_check_says_what_is_missing_by_what_it_saw_and_makes_no_other_call(
    site: RunCommandSite, capsys: pytest.CaptureFixture[str]
) -> None:
    withhold(site, "gpu-002")
    site.plug("gpu-003", enabled=False)
    before = len(site.whole.cloud.requests())
    assert site.clients("check") == 0
    (check,) = [c for c in result(capsys)["checks"] if c["name"] == "clients"]
    assert check["outcome"] == "warning"
    assert "2 of 4 answer, 3 of them asked by commands of OCI's agent" in check["actual"]
    assert "it was cancelled; it took none in 7 days" in check["actual"]
    assert "a new member of the agent's dynamic group waits up to 30 minutes" in check["remedy"]
    assert "allow dynamic-group <clients> to use instance-agent-command-execution-family" in check["remedy"]
    assert "enable it (console: the instance, Oracle Cloud Agent" in check["remedy"]
    assert "mend their SSH" not in check["remedy"]
    made = {str(request["operation"]) for request in site.whole.cloud.requests()[before:]}
    assert made == verb_policies.VERBS["clients-by-run-command"]
    commands = site.whole.model.bodies("kind = 'instanceagentcommand'")
    assert sorted(one["isCanceled"] for one in commands) == [False, True]


def test_preflight_asks_them_and_a_missing_policy_is_named(site: RunCommandSite) -> None:
    site.whole.cloud.inject(
        operation="ListInstanceAgentPlugins",
        resource=site.instances["gpu-002"],
        status=404,
        code="NotAuthorizedOrNotFound",
        count=0,
    )
    with answering(site.whole.model):
        report = preflight.check(SECOND, SiteChoice(str(site.whole.file)), terraform_plan=False)
    (check,) = [c for c in report.checks if c.name == "clients"]
    assert "3 of 4 answer" in check.actual, check
    assert "allow group <group> to read instance-agent-plugins in compartment id ocid1" in check.remedy


def test_any_site_can_be_asked_so_by_the_command_line(
    site: RunCommandSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.clients("check", transport="run-command") == 0
    (check,) = [c for c in result(capsys)["checks"] if c["name"] == "clients"]
    assert "no RUNNING instances" in check["actual"], "nfs-cli is no instance"
    assert 'set `instance_id = "ocid1.instance..."`' in check["remedy"]
    assert site.clients("check", transport="telnet") == 2
    assert "expected ssh or run-command" in capsys.readouterr().err
