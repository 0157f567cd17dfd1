"""Where the state is kept: a file is read once between two changes, Object Storage each time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failover.command import site_file
from failover.stack.terraform import TerraformStack
from failover.stack.terraform_process import Command
from tests import sources
from tests.terraform.doubles.s3 import KEY, KEYS, Bucket, backend, s3
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.TERRAFORM)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeSite]:
    with whole_site(tmp_path) as made:
        yield made


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the product has started each of Terraform's commands."""
    counted: Counter[str] = Counter()
    command = Command.cmd

    def count(self: Command, cmd: str, *args: str, **kwargs: Any) -> tuple[int, str, str]:
        counted[cmd] += 1
        return command(self, cmd, *args, **kwargs)

    monkeypatch.setattr(Command, "cmd", count)
    return counted


def test_a_file_is_read_once_between_two_changes(site: WholeSite, commands: Counter[str]) -> None:
    stack = TerraformStack(site_file.load(str(site.file)))
    assert stack.read().active == FIRST
    assert stack.recorded()
    assert stack.switched()
    assert commands["state pull"] == 1
    # another Terraform, of which this run knows nothing
    site.stack.change_site(service_ip="10.0.0.200")
    site.stack.run("apply", "-auto-approve")
    assert stack.read().service_ip == "10.0.0.200"
    assert stack.read().active == FIRST
    assert commands["state pull"] == 2


def test_a_failover_asks_for_it_once_for_each_change(site: WholeSite, commands: Counter[str]) -> None:
    site.silence(FIRST)
    report, said = site.fail_over(SECOND)
    assert report.outcome.value == "done", said
    # before the first change, after the launch, after the switch
    assert commands == {"version": 1, "state pull": 3, "plan": 3, "show": 3, "apply": 2}


def test_a_state_in_object_storage(
    site: WholeSite, commands: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3() as bucket:
        move(site, bucket, monkeypatch)
        # the file of before is left behind, and is no longer the state
        (site.stack.folder / "terraform.tfstate").write_text(json.dumps({"version": 4, "outputs": {}}))
        stack = TerraformStack(site_file.load(str(site.file)))
        assert stack.read().active == FIRST
        site.stack.change_site(service_ip="10.0.0.200")
        site.stack.run("apply", "-auto-approve")
        assert stack.read().service_ip == "10.0.0.200"
        commands.clear()
        site.silence(FIRST)
        report, said = site.fail_over(SECOND)
        assert report.outcome.value == "done", said
        assert site.holders() == {name: [f"ATTACHED {SECOND}"] for name in site.volumes}
        assert site.serving() == SECOND
        outputs = json.loads(bucket.objects[KEY])["outputs"]
        assert outputs["failover"]["value"]["active"] == SECOND
        assert set(bucket.objects) == {KEY}, "no lock is left"


def move(site: WholeSite, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/state.md says."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    (site.stack.folder / "backend.tf").write_text(backend(bucket))
    site.stack = site.stack.with_environment(KEYS)
    moved = site.stack.run("init", "-input=false", "-migrate-state", "-force-copy")
    assert moved.returncode == 0, moved.stderr
