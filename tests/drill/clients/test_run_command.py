"""A client without SSH on real guests: its mounts follow the service by commands of OCI's agent alone.

The lab is the agent, with the API's limits: it runs each command over its own door into the guest.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import oci
import pytest
from rich.console import Console

from failover.bundle import cloud_init, zipapp
from failover.clients.sources import ClientSource
from failover.command import site_file
from failover.command.request import Request, SiteChoice
from failover.hosts.hook_runner import Hosts
from failover.hosts.run_command.calls import PLUGIN
from failover.hosts.ssh import SshHost, wait_until_answers
from failover.model import stack_output
from failover.verbs import clients, failover, preflight
from lab.drill import hooks_server
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SUCCESSOR
from tests.paths import ROOT

pytestmark = [pytest.mark.guests, pytest.mark.nightly]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path / "lab", print)
    cloud_init.write_rendered(ROOT / "terraform" / "rendered")
    try:
        made.up(standby=True)
        yield made
    finally:
        made.down()


@contextmanager
def no_ssh_to_the_client() -> Iterator[None]:
    """The operator's SSH reaches the servers alone."""

    def only_servers(name: str, address: str, *more: Any) -> SshHost:
        assert address != ADDRESSES[CLIENT], "the client was to be reached over SSH"
        return SshHost(name, address, *more)

    with mock.patch("failover.hosts.hook_runner.SshHost", only_servers):
        yield


def enable_the_plugin(lab: Lab) -> str:
    """The client's instance."""
    models = oci.core.models
    instance_id = lab.instance(CLIENT)
    plugin = models.InstanceAgentPluginConfigDetails(name=PLUGIN, desired_state="ENABLED")
    config = models.UpdateInstanceAgentConfigDetails(are_all_plugins_disabled=False, plugins_config=[plugin])
    details = models.UpdateInstanceDetails(agent_config=config)
    lab.api.compute_client().update_instance(instance_id, details)
    return instance_id


def check(choice: SiteChoice, capsys: pytest.CaptureFixture[str]) -> str:
    """What `clients check` finds of the clients."""
    capsys.readouterr()
    assert clients.main(clients.Arguments("check", choice, ClientSource(), json=True)) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]
    return str(next(row["actual"] for row in rows if row["name"] == "clients"))


def test_a_client_without_ssh_follows_the_service(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    file = lab.site_file.with_name("run-command.toml")
    file.write_text('transport = "run-command"\n' + lab.site_file.read_text())
    choice = SiteChoice(str(file))
    lab.on(CLIENT, "sudo", "systemctl", "disable", "-q", "--now", "drill-writer")
    with no_ssh_to_the_client():
        assert "Compute Instance Run Command is disabled" in check(choice, capsys)
        instance_id = enable_the_plugin(lab)
        assert "hooks are not here" in check(choice, capsys), "nothing has brought them there"
        preflight.check(SUCCESSOR, choice, terraform_plan=False)  # keeps the hooks with the data
        assert check(choice, capsys).startswith("1 of 1 answer"), "they came with the data"

        shown = io.StringIO()
        report = failover.fail_over(
            Request(SUCCESSOR, choice, yes=True), Console(file=shown, soft_wrap=True, width=200)
        )
        assert report.outcome.value == "done", shown.getvalue()
        mounted = lab.on(CLIENT, "findmnt", "-n", "-t", "nfs,nfs4", "-o", "SOURCE").split()
        assert mounted == [f"{SUCCESSOR}:/mnt/a"]
        kept = lab.on(
            CLIENT, "sudo", "sha256sum", f"/opt/nfs-failover/hooks-{zipapp.hooks_sha256()[:16]}.pyz"
        )
        assert kept.split()[0] == zipapp.hooks_sha256()

        site = site_file.load(str(file))
        stack = stack_output.parse(lab.terraform.output())
        host = Hosts(site).of_client(site.clients[0], stack, SUCCESSOR)
        before = host.ssh.boot_id()
        assert before
        host.reboot()
        assert wait_until_answers(host.ssh, 300, not_boot=before) != before
    commands = lab.api.agent_client().list_instance_agent_command_executions(
        lab.api.facts()["compartment_id"], instance_id
    )
    assert all(len(one.content.text) <= 1024 for one in commands.data if one.content), "OCI keeps 1 KB"
    assert {one.delivery_state for one in commands.data} <= {"ACKED", "EXPIRED"}


def test_a_client_without_a_copy_has_the_hooks_from_their_url(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real HTTPS between two guests: a certificate that the client does not know, other bytes, the hooks."""
    file = lab.site_file.with_name("run-command.toml")
    given = f'[run_command]\nhooks_url = "{hooks_server.address_on(SUCCESSOR)}"\n'
    file.write_text('transport = "run-command"\n' + lab.site_file.read_text() + given)
    choice = SiteChoice(str(file))
    enable_the_plugin(lab)
    hooks = zipapp.hooks_bytes()
    with no_ssh_to_the_client():
        certificate = hooks_server.serve(lab, SUCCESSOR, hooks + b"\n")
        assert "certificate verify failed" in check(choice, capsys)
        hooks_server.believe(lab, CLIENT, certificate)
        assert "hooks_url: another SHA-256" in check(choice, capsys)
        lab.on(SUCCESSOR, "sudo", "systemctl", "stop", "hooks-server")
        refused = check(choice, capsys)
        assert "refused" in refused
        assert hooks_server.KEY not in refused, "the address may be a secret"
        hooks_server.believe(lab, CLIENT, hooks_server.serve(lab, SUCCESSOR, hooks))
        assert check(choice, capsys).startswith("1 of 1 answer")
    copy = f"/opt/nfs-failover/hooks-{zipapp.hooks_sha256()[:16]}.pyz"
    assert lab.on(CLIENT, "sudo", "sha256sum", copy).split()[0] == zipapp.hooks_sha256()
