"""The API's calls for commands on instances. What is not learnt is Unknown, with the statement it takes."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import oci
from oci.compute_instance_agent import ComputeInstanceAgentClient, PluginClient, models

from failover.cloud.client import Connection
from failover.cloud.inventory import CloudReads, Unanswered, called, listed, retries
from failover.hosts.run_command import policies
from failover.model.outcome import Unknown
from failover.model.site import Client, CloudAccess

PLUGIN = "Compute Instance Run Command"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELED")
_BUSY = (409, 429)
_NEWEST = 20  # executions that are looked through for the last one that an agent took


class Crowded(Unknown):
    """The instance has as many commands under way as OCI takes: another one may be taken later."""


@dataclass(frozen=True)
class AgentRun:
    """One look at a command. `delivery` and `state` are OCI's words.

    `code` and `text`: of the script, once it has ended by itself; None and empty before.
    """

    delivery: str
    state: str
    code: int | None = None
    text: str = ""

    @property
    def delivered(self) -> bool:
        """Whether the agent has taken it."""
        return self.delivery == "ACKED" or self.state == "IN_PROGRESS" or self.state in ENDED

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDED or self.delivery == "EXPIRED"

    @property
    def line(self) -> str:
        """For a person."""
        return f"{self.state}, delivery {self.delivery}"


class AgentCommands:
    """Commands on the instances of one compartment. Safe to share between threads. All raise Unknown."""

    def __init__(self, access: CloudAccess, call_seconds: float, compartment_id: str) -> None:
        connection = Connection(access, call_seconds, retries(call_seconds))
        self.compartment_id = compartment_id
        self._reads = CloudReads(access, call_seconds)
        self._compute = connection.client(oci.core.ComputeClient)
        self._commands = connection.client(ComputeInstanceAgentClient)
        self._plugins = connection.client(PluginClient)
        self._lock = threading.Lock()
        self._instances: dict[str, list[str]] | Unanswered | None = None

    def instance_of(self, client: Client) -> str:
        """The OCID of the client's instance: the site's, or that of the one with its address or name.

        Raises Unknown where none or several are it.
        """
        if client.instance_id:
            return client.instance_id
        by_key = self._by_key(client.name)
        keys = (client.address, client.name, client.name.partition(".")[0])
        instances = next((by_key[key.lower()] for key in keys if key.lower() in by_key), [])
        if len(instances) == 1:
            return instances[0]
        raise Unknown(
            f"{client.name}: {len(instances) or 'no'} RUNNING instances of {self.compartment_id} have the "
            f"address {client.address} or the name, expected one",
            'set `instance_id = "ocid1.instance..."` of the client in the site, or [run_command] compartment',
        )

    def _by_key(self, name: str) -> dict[str, list[str]]:
        """RUNNING instances by address and by name in small letters; read once, also where that failed."""
        with self._lock:
            if self._instances is None:
                try:
                    self._instances = self._listed()
                except Unanswered as error:
                    self._instances = error
            if isinstance(self._instances, Unanswered):
                raise self._unknown(name, self._instances)
            return self._instances

    def _listed(self) -> dict[str, list[str]]:
        running = {i.id: i for i in self._reads.instances(self.compartment_id) if i.state == "RUNNING"}
        by_key: dict[str, list[str]] = {}
        for ocid, address in self._reads.primary_addresses(self.compartment_id, running).items():
            by_key.setdefault(address, []).append(ocid)
        for ocid, instance in running.items():
            by_key.setdefault(instance.name.lower(), []).append(ocid)
        return by_key

    def require_plugin(self, name: str, instance_id: str) -> None:
        """Return when the instance and its plugin for commands run. Raises Unknown with what does not."""
        instance = self._called(name, "GetInstance", self._compute.get_instance, instance_id)
        if instance.lifecycle_state != "RUNNING":
            raise Unknown(f"{name}: its instance is {instance.lifecycle_state}", "start it, or leave it")
        config = instance.agent_config
        disabled = bool(config and config.are_all_plugins_disabled) or any(
            one.name == PLUGIN and one.desired_state == "DISABLED"
            for one in (config and config.plugins_config) or ()
        )
        if disabled:
            raise Unknown(
                f"{name}: the agent's plugin {PLUGIN} is disabled on its instance",
                "enable it (console: the instance, Oracle Cloud Agent; API: UpdateInstance agentConfig)",
            )
        plugins = self._all(
            name,
            "ListInstanceAgentPlugins",
            self._plugins.list_instance_agent_plugins,
            self.compartment_id,
            instance_id,
        )
        status = next((one.status for one in plugins if one.name == PLUGIN), "not there")
        if status != "RUNNING":
            raise Unknown(
                f"{name}: the agent's plugin {PLUGIN} is enabled, and it is {status}, expected RUNNING",
                "look at the agent on the client: `systemctl status oracle-cloud-agent`; its way to "
                "OCI's services is a service gateway or a public address",
            )

    def last_taken(self, name: str, instance_id: str) -> datetime | None:
        """When the newest command was made that this instance's agent took; OCI keeps them for 7 days."""
        executions = self._called(
            name,
            "ListInstanceAgentCommandExecutions",
            self._commands.list_instance_agent_command_executions,
            self.compartment_id,
            instance_id,
            sort_by="TIMECREATED",
            sort_order="DESC",
            limit=_NEWEST,
        )
        return next((one.time_created for one in executions if one.delivery_state == "ACKED"), None)

    def create(self, name: str, instance_id: str, text: str, seconds: int) -> str:
        """Order this script, which is ended after so many seconds: the command's OCID. Raises Crowded."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        details = models.CreateInstanceAgentCommandDetails(
            compartment_id=self.compartment_id,
            display_name=f"nfs-failover-{name}",
            execution_time_out_in_seconds=seconds,
            target=models.InstanceAgentCommandTarget(instance_id=instance_id),
            content=models.InstanceAgentCommandContent(
                source=models.InstanceAgentCommandSourceViaTextDetails(
                    source_type="TEXT", text=text, text_sha256=digest
                ),
                output=models.InstanceAgentCommandOutputViaTextDetails(output_type="TEXT"),
            ),
        )
        try:
            made = called(
                "CreateInstanceAgentCommand",
                self._commands.create_instance_agent_command,
                details,
                opc_retry_token=secrets.token_hex(16),
            )
        except Unanswered as error:
            if error.status in _BUSY or "LimitExceeded" in error.reason:
                raise Crowded(
                    f"{name}: {error.reason}", "look for other commands on this instance"
                ) from error
            raise self._unknown(name, error) from error
        return str(made.id)

    def execution(self, name: str, command_id: str, instance_id: str) -> AgentRun:
        """How far the command is; one that the service does not show yet is PENDING. Raises Unknown."""
        try:
            execution = called(
                "GetInstanceAgentCommandExecution",
                self._commands.get_instance_agent_command_execution,
                command_id,
                instance_id,
            )
        except Unanswered as error:
            if error.status == 404:  # just made, or not authorized: then it stays so until the deadline
                return AgentRun("PENDING", "not shown (HTTP 404)")
            raise self._unknown(name, error) from error
        content = execution.content
        code = None if content is None else content.exit_code
        text = "" if content is None else str(getattr(content, "text", None) or "")
        return AgentRun(str(execution.delivery_state), str(execution.lifecycle_state), code, text)

    def cancel(self, name: str, command_id: str) -> None:
        """What was not delivered must not run later, when nobody waits for it."""
        self._called(
            name, "CancelInstanceAgentCommand", self._commands.cancel_instance_agent_command, command_id
        )

    def _called(
        self, name: str, operation: str, function: Callable[..., Any], *args: Any, **options: Any
    ) -> Any:
        try:
            return called(operation, function, *args, **options)
        except Unanswered as error:
            raise self._unknown(name, error) from error

    def _all(
        self, name: str, operation: str, function: Callable[..., Any], *args: Any, **options: Any
    ) -> list[Any]:
        try:
            return listed(operation, function, *args, **options)
        except Unanswered as error:
            raise self._unknown(name, error) from error

    def _unknown(self, name: str, error: Unanswered) -> Unknown:
        return Unknown(
            f"{name}: {error.reason}", policies.remedy(error.operation, error.status, self.compartment_id)
        )
