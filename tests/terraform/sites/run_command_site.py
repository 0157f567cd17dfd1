"""A whole site with three clients that are reached by commands of OCI's agent alone, and one by SSH."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import oci

from failover.clients.sources import ClientSource
from failover.command.request import SiteChoice
from failover.hosts.run_command.calls import PLUGIN
from failover.verbs import clients as verb
from tests.terraform.doubles.agents import answering
from tests.terraform.sites.whole_site import FIRST, WholeSite, whole_site

NAMES = ("gpu-001", "gpu-002", "gpu-003")
_CLIENT = """
[[clients]]
name = "{}"
transport = "run-command"
mounts = [{{ path = "/mnt/a", mount = "/mnt/nfs/a" }}]
"""


@dataclass
class RunCommandSite:
    """`whole`: the site. `instances`: of the clients with an agent, OCIDs by name."""

    whole: WholeSite
    instances: dict[str, str]

    def clients(self, action: str, transport: str = "", nodes: str = "", how: str = "remount") -> int:
        """The product's verb, without a question; its exit code."""
        choice = SiteChoice(str(self.whole.file), transport=transport)
        with answering(self.whole.model):
            return verb.main(
                verb.Arguments(action, choice, ClientSource(nodes=nodes), how, yes=True, json=True)
            )

    def mounted(self) -> dict[str, str]:
        """By client, the server whose export it has."""
        with self.whole.model.open() as model:
            return dict(model["mounted"])

    def plug(self, name: str, enabled: bool) -> None:
        """Enable or disable the plugin of a client's agent."""
        models = oci.core.models
        state = "ENABLED" if enabled else "DISABLED"
        plugin = models.InstanceAgentPluginConfigDetails(name=PLUGIN, desired_state=state)
        config = models.UpdateInstanceAgentConfigDetails(
            are_all_plugins_disabled=False, plugins_config=[plugin]
        )
        details = models.UpdateInstanceDetails(agent_config=config)
        self.whole.cloud.compute.update_instance(self.instances[name], details)


@contextmanager
def run_command_site(folder: Path) -> Iterator[RunCommandSite]:
    """All clients have mounted nfs-srv-1, and every agent takes commands."""
    with whole_site(folder) as whole:
        instances = {name: whole.cloud.launch(name) for name in NAMES}
        site = RunCommandSite(whole, instances)
        for name in NAMES:
            site.plug(name, enabled=True)
        more = "".join(_CLIENT.format(name) for name in NAMES)
        whole.file.write_text(f"{whole.file.read_text()}\n[run_command]\ndelivery_seconds = 3\n{more}")
        with whole.model.open() as model:
            model["mounted"] = dict.fromkeys(("nfs-cli", *NAMES), FIRST)
        yield site
