"""The workflow files and the build specification: sound, pinned, least rights, known verbs only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import tasks
from tests.terraform.sites.github_job import WORKFLOWS, workflow
from tests.workflows import actionlint

FILES = sorted(WORKFLOWS.glob("*.yml"))
NAMES = [f.stem for f in FILES]
BUILD_SPEC = WORKFLOWS.parents[1] / "build_spec.yaml"
VERB = re.compile(r"\./inv ([a-z.]+)")


def jobs(name: str) -> list[dict[str, Any]]:
    return list(workflow(name)["jobs"].values())


def steps(name: str) -> list[dict[str, Any]]:
    return [s for job in jobs(name) for s in job["steps"]]


def test_all_are_there() -> None:
    assert NAMES == ["ci", "dependencies", "failover-apply", "failover-plan", "nightly"]


def test_actionlint_finds_nothing() -> None:
    assert actionlint.findings(*FILES) == []


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(FILES[0].read_text().replace("contents: read", "contents: raed"))
    assert "raed" in actionlint.findings(broken)[0]["message"]


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_a_commit_and_says_its_version(name: str) -> None:
    lines = [x for x in (WORKFLOWS / f"{name}.yml").read_text().splitlines() if "uses:" in x]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("name", NAMES)
def test_rights_are_named_and_the_least(name: str) -> None:
    found = workflow(name)
    for job in jobs(name):
        rights = job.get("permissions", found["permissions"])
        allowed = {"contents": "read"}
        if any("ci.comment" in s.get("run", "") for s in job["steps"]):
            allowed["pull-requests"] = "write"
        if any("gh pr create" in s.get("run", "") for s in job["steps"]):
            allowed |= {"contents": "write", "pull-requests": "write"}
        assert rights == allowed
        assert job["timeout-minutes"]
    for step in (s for s in steps(name) if s.get("uses", "").startswith("actions/checkout@")):
        assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_and_nothing_that_others_write_gets_into_a_shell(name: str) -> None:
    for step in steps(name):
        assert "${{" not in step.get("run", ""), step
        for value in step.get("env", {}).values():
            assert re.fullmatch(r"\$\{\{ (secrets\.[A-Z_]+|github\.token) \}\}", value), value


def test_secrets_go_to_own_branches_and_behind_an_environment_only() -> None:
    for name in NAMES:
        for job in jobs(name):
            if "secrets." in str(job):
                assert job["environment"] in ("failover", "failover-plan")
    (plan,) = jobs("failover-plan")
    assert plan["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert list(workflow("failover-plan")["on"]) == ["pull_request"]


def test_an_apply_is_alone_approved_and_never_cut_off() -> None:
    found = workflow("failover-apply")
    assert found["concurrency"] == {"group": "failover-apply", "cancel-in-progress": False}
    assert found["on"] == {"push": {"branches": ["main"], "paths": ["terraform/active.auto.tfvars"]}}
    assert found["jobs"]["apply"]["environment"] == "failover"


@pytest.mark.parametrize("name", ["failover-apply", "failover-plan"])
def test_the_history_is_fetched_whole(name: str) -> None:
    (checkout,) = (s for s in steps(name) if s.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["fetch-depth"] == 0


def commands() -> dict[str, str]:
    found = {f"{name}: {s['name']}": s["run"] for name in NAMES for s in steps(name) if "run" in s}
    spec = yaml.safe_load(BUILD_SPEC.read_text())
    return found | {f"build_spec: {s['name']}": s["command"] for s in spec["steps"]}


def test_every_verb_is_one_of_the_tasks() -> None:
    known = set(tasks.ns.task_names)
    for where, command in commands().items():
        for verb in VERB.findall(command):
            assert verb in known, f"{where}: {verb}"


def test_the_build_specification_has_the_form_and_the_verbs_of_the_workflow() -> None:
    """Form: docs.oracle.com, DevOps, Build Specification."""
    spec = yaml.safe_load(BUILD_SPEC.read_text())
    assert (spec["version"], spec["component"], spec["shell"]) == (0.1, "build", "bash")
    assert spec["failImmediatelyOnError"] is True
    for step in spec["steps"]:
        assert step.keys() <= {"type", "name", "timeoutInSeconds", "command", "onFailure"}
        assert step["type"] == "Command"
        assert step["timeoutInSeconds"] <= spec["timeoutInSeconds"]
        assert step["command"].startswith('cd "${OCI_PRIMARY_SOURCE_DIR}"\n')
    verbs = [v for s in spec["steps"] for v in VERB.findall(s["command"])]
    assert verbs == ["ci.credentials", "render", "plan", "apply"]
    (given,) = (s["env"] for s in steps("failover-apply") if s.get("name") == "Credentials")
    assert set(spec["env"]["vaultVariables"]) == set(given)
