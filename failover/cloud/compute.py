"""OCI as the SDK shows it: instances, attachments, power, console - and which answers mean "unknown"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import oci

from failover.cloud.client import POLL_SECONDS, Connection, pages
from failover.cloud.compartments import Missing, Places, state_of_missing
from failover.deadline import until
from failover.model.attachments import Attachment
from failover.model.instance_states import ENDED, ENDING, ENDING_OR_ENDED, OFF
from failover.model.outcome import Failed, Unknown
from failover.model.site import CloudAccess
from failover.model.stack_output import Server, Stack

# A detached attachment stays listed for a while; everything else still binds the volume.
LOOSE = ("DETACHED",)
SERVER_TAG = "nfs-failover-server"  # terraform/servers.tf puts it on what it launches
_CONSOLE_KEYS = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----\s*(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
_KEY_LINE = re.compile(r"^((?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+)", re.MULTILINE)


class Cloud:
    """The API of one region. What could not be learnt raises Unknown.

    `call_seconds` bounds one call's wait for its answer, and after which no further attempt is made. `client`
    opens another client of the SDK with the same key and patience.
    """

    def __init__(self, access: CloudAccess, call_seconds: float = 60.0) -> None:
        retries = oci.retry.RetryStrategyBuilder(
            max_attempts_check=True,
            max_attempts=6,
            retry_max_wait_between_calls_seconds=5,
            total_elapsed_time_check=True,
            total_elapsed_time_seconds=call_seconds,
            service_error_check=True,
            service_error_retry_on_any_5xx=True,
            service_error_retry_config={-1: [], 429: []},
        ).get_retry_strategy()
        self.client = Connection(access, call_seconds, retries).client
        self._compute = self.client(oci.core.ComputeClient)
        self._places = Places(self._compartment_of)

    def instance_state(self, instance_id: str) -> str:
        """OCI's lifecycle state. RUNNING is no evidence about the guest."""
        call = f"GetInstance of {instance_id}"
        return str(self.call(call, self._compute.get_instance, instance_id).data.lifecycle_state)

    def _compartment_of(self, instance_id: str) -> str:
        call = f"GetInstance of {instance_id}"
        return str(self.call(call, self._compute.get_instance, instance_id).data.compartment_id)

    def launched(self, compartment_id: str, server: str) -> tuple[str, ...]:
        """The instances that a stack launched as this server, by its tag; none that is ENDING_OR_ENDED."""
        return tuple(
            ocid for ocid, state in self._tagged(compartment_id, server) if state not in ENDING_OR_ENDED
        )

    def ending(self, compartment_id: str, server: str) -> tuple[str, ...]:
        """The instances that a stack launched as this server, by its tag, and that are TERMINATING."""
        return tuple(ocid for ocid, state in self._tagged(compartment_id, server) if state == ENDING)

    def _tagged(self, compartment_id: str, server: str) -> list[tuple[str, str]]:
        """OCID and state of each."""
        instances = self._all("ListInstances", self._compute.list_instances, compartment_id)
        tagged = (one for one in instances if (one.freeform_tags or {}).get(SERVER_TAG) == server)
        return [(one.id, one.lifecycle_state) for one in tagged]

    def server_state(self, server: Server, stack: Stack, holds: bool) -> str:
        """The state of a server's instance; after a 404, what state_of_missing makes of it.

        Raises Unknown when that is nothing: the server holds a volume, or is listed.
        """
        instance_id = server.instance_id
        assert instance_id is not None  # noqa: S101 (asked of servers that have one)
        try:
            return self.instance_state(instance_id)
        except Missing:
            judged = state_of_missing(
                server, stack, lambda: holds, lambda place: self._is_listed(place, instance_id)
            )
            if judged is None:
                raise
            return judged

    def _is_listed(self, compartment_id: str, instance_id: str) -> bool:
        instances = self._all("ListInstances", self._compute.list_instances, compartment_id)
        return any(i.id == instance_id and i.lifecycle_state not in ENDING_OR_ENDED for i in instances)

    def attachments(self, stack: Stack, volume_id: str) -> tuple[Attachment, ...]:
        """Every attachment of the volume that is not DETACHED, whichever program made it.

        They are listed by the compartment of their instance, so in that of every server of the stack. Raises
        Unknown when none was found and a compartment could not be looked into.
        """
        places, unread = self._places.of(stack)
        by_id: dict[str, Attachment] = {}
        for place in places:
            try:
                listed = self._all(
                    f"ListVolumeAttachments of {volume_id}",
                    self._compute.list_volume_attachments,
                    place,
                    volume_id=volume_id,
                )
            except Missing as error:
                unread = (*unread, error)
                continue
            by_id |= {a.id: a for a in binding(listed)}
        if unread and not by_id:
            raise unread[0]
        return tuple(by_id.values())

    def settled(self, stack: Stack, volume_id: str, deadline_seconds: float) -> tuple[Attachment, ...]:
        """The volume's attachments when none is ATTACHING or DETACHING; raises Unknown at the deadline."""
        attachments = until(
            lambda: self.attachments(stack, volume_id),
            lambda many: all(a.state == "ATTACHED" for a in many),
            deadline_seconds,
            POLL_SECONDS,
        )
        if moving := [f"{a.id} is {a.state}" for a in attachments if a.state != "ATTACHED"]:
            raise Unknown(
                f"volume attachment {', '.join(moving)} after {deadline_seconds:.0f} s",
                "look at it in the console; when it stays so, ask Oracle's support; then run it again",
            )
        return attachments

    def settled_state(self, instance_id: str, deadline_seconds: float) -> str:
        """The instance's state once it is neither starting nor stopping; Unknown at the deadline."""
        stays = ("RUNNING", "STOPPED", *ENDING_OR_ENDED)
        return self._until(instance_id, lambda: self.instance_state(instance_id), stays, deadline_seconds)

    def power_off(self, instance_id: str, deadline_seconds: float) -> str:
        """Cut the power (STOP, not SOFTSTOP) and wait until the API says STOPPED; returns the state."""
        return self._power(instance_id, "STOP", "RUNNING", OFF, deadline_seconds)

    def power_on(self, instance_id: str, deadline_seconds: float) -> str:
        """START a stopped instance and wait until the API says RUNNING; returns the state."""
        return self._power(instance_id, "START", "STOPPED", ("RUNNING",), deadline_seconds)

    def terminate(self, instance_id: str, deadline_seconds: float) -> str:
        """TerminateInstance, its boot volume too; waits until the API says so. Raises Unknown."""
        call = f"TerminateInstance of {instance_id}"
        self.call(call, self._compute.terminate_instance, instance_id, preserve_boot_volume=False)
        return self._until(instance_id, lambda: self.instance_state(instance_id), (ENDED,), deadline_seconds)

    def await_ended(self, instance_id: str, deadline_seconds: float) -> None:
        """Wait until a TERMINATING instance has ended: until then its addresses and its name are not free.

        A 404 is its end, since OCI forgets what was terminated. Raises Unknown at the deadline.
        """

        def state() -> str:
            try:
                return self.instance_state(instance_id)
            except Missing:
                return ENDED

        self._until(instance_id, state, (ENDED,), deadline_seconds)

    def _power(
        self, instance_id: str, action: str, takes: str, wanted: tuple[str, ...], deadline_seconds: float
    ) -> str:
        """Ask in the state that takes the action; a change that is under way is waited for first.

        Raises Failed for a terminated instance, Unknown at the deadline.
        """

        def step() -> str:
            """The state; the action is sent in the state that takes it. Raises Failed, Unknown."""
            state = self.instance_state(instance_id)
            if state in ENDING_OR_ENDED and ENDED not in wanted:
                raise Failed(f"instance {instance_id} is {state}", "choose another server")
            if state == takes:
                # 409: another call was quicker, or the answer to ours was lost; the next state shows it
                call = f"InstanceAction {action} of {instance_id}"
                self.call(call, self._compute.instance_action, instance_id, action, but=(409,))
            return state

        return self._until(instance_id, step, wanted, deadline_seconds)

    @staticmethod
    def _until(
        instance_id: str, read: Callable[[], str], states: tuple[str, ...], deadline_seconds: float
    ) -> str:
        state = until(read, lambda s: s in states, deadline_seconds, POLL_SECONDS)
        if state not in states:
            raise Unknown(
                f"instance {instance_id} is {state} after {deadline_seconds:.0f} s, "
                f"expected {' or '.join(states)}",
                "look at the instance in the console; then run the same command again",
            )
        return state

    def host_keys(self, instance_id: str) -> tuple[str, ...]:
        """SSH host keys that cloud-init printed on the serial console: ("ssh-ed25519 AAAA...", ...).

        The console history comes over the authenticated API, so a new server's key is learnt without
        trusting the network it is reached over. Empty while the boot has not got that far.
        """
        return console_host_keys(self.console(instance_id))

    def console(self, instance_id: str) -> str:
        """The newest MiB of the instance's serial console, as it is now (CaptureConsoleHistory)."""
        details = oci.core.models.CaptureConsoleHistoryDetails(instance_id=instance_id)
        history = self.call(
            f"CaptureConsoleHistory of {instance_id}", self._compute.capture_console_history, details
        ).data
        until(
            lambda: (
                self.call(
                    f"GetConsoleHistory of {instance_id}", self._compute.get_console_history, history.id
                ).data
            ),
            lambda h: h.lifecycle_state in ("SUCCEEDED", "FAILED"),
            60,
            POLL_SECONDS,
        )
        content = self.call(
            f"GetConsoleHistoryContent of {instance_id}",
            self._compute.get_console_history_content,
            history.id,
            length=1024 * 1024,
        ).data
        with suppress(Unknown):  # the keys are learnt; a history that stays does no harm
            self.call("DeleteConsoleHistory", self._compute.delete_console_history, history.id)
        return content if isinstance(content, str) else content.decode(errors="replace")

    def _all(self, operation: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """All pages of a list."""
        return pages(self.call, operation, function, *args, **kwargs)

    def call(
        self,
        operation: str,
        function: Callable[..., Any],
        *args: Any,
        but: tuple[int, ...] = (),
        **kwargs: Any,
    ) -> Any:
        """The answer of a client's function; None when its status is one of `but`, else Unknown is raised."""
        try:
            return function(*args, **kwargs)
        except oci.exceptions.ServiceError as error:
            if error.status in but:
                return None
            raise _unknown(operation, error) from error
        except (oci.exceptions.RequestException, oci.exceptions.ConnectTimeout) as error:
            raise Unknown(
                f"OCI {operation}: no answer: {error}",
                "check the network and the endpoint; nothing is concluded from silence",
            ) from error


def console_host_keys(text: str) -> tuple[str, ...]:
    """The keys of the last complete block that cloud-init printed; earlier ones are of earlier boots."""
    blocks = _CONSOLE_KEYS.findall(text.replace("\r", ""))
    return tuple(_KEY_LINE.findall(blocks[-1])) if blocks else ()


def binding(listed: Iterable[Any]) -> tuple[Attachment, ...]:
    """The SDK's VolumeAttachments that bind their volume: all that are not DETACHED."""
    return tuple(attachment_of(one) for one in listed if one.lifecycle_state not in LOOSE)


def attachment_of(attachment: Any) -> Attachment:
    """An SDK VolumeAttachment as a value."""
    return Attachment(
        id=attachment.id,
        volume_id=attachment.volume_id,
        instance_id=attachment.instance_id,
        state=attachment.lifecycle_state,
        iqn=getattr(attachment, "iqn", None) or "",
        address=getattr(attachment, "ipv4", None) or "",
        port=int(getattr(attachment, "port", None) or 0),
        shareable=bool(attachment.is_shareable),
        agent_login=bool(getattr(attachment, "is_agent_auto_iscsi_login_enabled", None)),
    )


def _unknown(operation: str, error: Any) -> Unknown:
    """OCI answers 404 for "not there" and for "not authorized" alike: neither is proof of anything."""
    kind = Missing if error.status == 404 else Unknown
    hint = {
        401: "check the API key and the clock",
        404: "check the OCID and the policies: OCI answers 404 for 'not authorized' too",
        429: "the service is throttling; try again in a minute",
    }.get(error.status, "look at the service's status; then run the same command again")
    return kind(f"OCI {operation}: HTTP {error.status} {error.code}: {error.message}", hint)
