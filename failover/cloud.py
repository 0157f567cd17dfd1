"""OCI as the SDK shows it: instances, attachments, power, console - and which answers mean "unknown"."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import oci

from failover.cloud_config import configuration
from failover.outcome import Unknown
from failover.seen import Attachment
from failover.site import CloudAccess

# A detached attachment stays listed for a while; everything else still binds the volume.
T = TypeVar("T")
LOOSE = ("DETACHED",)
SERVER_TAG = "nfs-failover-server"  # terraform/servers.tf puts it on what it launches
_READ_SECONDS = 60
_POLL_SECONDS = (0.2, 0.4, 0.8, 1.6, 3.0)
_CONSOLE_KEYS = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----\s*(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
_KEY_LINE = re.compile(r"^((?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+)", re.MULTILINE)


class Cloud:
    """The API of one region. Every call is bounded; what could not be learnt raises Unknown."""

    def __init__(self, access: CloudAccess) -> None:
        config = configuration(access)
        settings: dict[str, Any] = {
            "timeout": (10, 60),
            "retry_strategy": oci.retry.RetryStrategyBuilder(
                max_attempts_check=True,
                max_attempts=6,
                total_elapsed_time_check=True,
                total_elapsed_time_seconds=_READ_SECONDS,
                service_error_check=True,
                service_error_retry_on_any_5xx=True,
                service_error_retry_config={-1: [], 429: []},
            ).get_retry_strategy(),
        }
        if access.endpoint:
            settings["service_endpoint"] = access.endpoint
        self._compute = oci.core.ComputeClient(config, **settings)

    def instance_state(self, instance_id: str) -> str:
        """OCI's lifecycle state. RUNNING says nothing about the guest."""
        return str(self._call("GetInstance", self._compute.get_instance, instance_id).data.lifecycle_state)

    def launched(self, compartment_id: str, server: str) -> tuple[str, ...]:
        """The instances that a stack launched as this server and that are not terminated, by its tag."""
        found = self._call(
            "ListInstances",
            oci.pagination.list_call_get_all_results,
            self._compute.list_instances,
            compartment_id,
        ).data
        gone = ("TERMINATING", "TERMINATED")
        return tuple(
            i.id
            for i in found
            if (i.freeform_tags or {}).get(SERVER_TAG) == server and i.lifecycle_state not in gone
        )

    def attachments(self, compartment_id: str, volume_id: str) -> tuple[Attachment, ...]:
        """Every attachment of the volume that is not DETACHED, whoever made it."""
        found = self._call(
            "ListVolumeAttachments",
            oci.pagination.list_call_get_all_results,
            self._compute.list_volume_attachments,
            compartment_id,
            volume_id=volume_id,
        ).data
        return tuple(attachment_of(a) for a in found if a.lifecycle_state not in LOOSE)

    def power_off(self, instance_id: str, deadline_seconds: float) -> str:
        """Cut the power (STOP, not SOFTSTOP) and wait until the API says STOPPED; returns the state."""
        if (state := self.instance_state(instance_id)) in ("STOPPED", "TERMINATED"):
            return state
        self._call("InstanceAction", self._compute.instance_action, instance_id, "STOP")
        return self._wait(instance_id, ("STOPPED", "TERMINATED"), deadline_seconds)

    def power_on(self, instance_id: str, deadline_seconds: float) -> str:
        """START a stopped instance and wait until the API says RUNNING; returns the state."""
        if self.instance_state(instance_id) != "RUNNING":
            self._call("InstanceAction", self._compute.instance_action, instance_id, "START")
        return self._wait(instance_id, ("RUNNING",), deadline_seconds)

    def _wait(self, instance_id: str, states: tuple[str, ...], deadline_seconds: float) -> str:
        found = poll(lambda: self.instance_state(instance_id), lambda s: s in states, deadline_seconds)
        if found not in states:
            raise Unknown(
                f"instance {instance_id} is {found} after {deadline_seconds:.0f} s, expected {states[0]}",
                "look at the instance in the console; then run the same command again",
            )
        return found

    def host_keys(self, instance_id: str) -> tuple[str, ...]:
        """SSH host keys that cloud-init printed on the serial console: ("ssh-ed25519 AAAA...", ...).

        The console history comes over the authenticated API, so a new server's key is learnt without
        trusting the network it is reached over. Empty while the boot has not got that far.
        """
        details = oci.core.models.CaptureConsoleHistoryDetails(instance_id=instance_id)
        history = self._call("CaptureConsoleHistory", self._compute.capture_console_history, details).data
        poll(
            lambda: self._call("GetConsoleHistory", self._compute.get_console_history, history.id).data,
            lambda h: h.lifecycle_state in ("SUCCEEDED", "FAILED"),
            60,
        )
        content = self._call(
            "GetConsoleHistoryContent",
            self._compute.get_console_history_content,
            history.id,
            length=1024 * 1024,
        ).data
        self._call("DeleteConsoleHistory", self._compute.delete_console_history, history.id)
        return console_host_keys(content if isinstance(content, str) else content.decode(errors="replace"))

    def _call(self, operation: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except oci.exceptions.ServiceError as error:
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


def poll(read: Callable[[], T], good: Callable[[T], bool], deadline_seconds: float) -> T:
    """Read until `good` or the deadline; returns the last value read."""
    end = time.monotonic() + deadline_seconds
    attempt = 0
    while True:
        value = read()
        pause = _POLL_SECONDS[min(attempt, len(_POLL_SECONDS) - 1)]
        if good(value) or time.monotonic() + pause > end:
            return value
        time.sleep(pause)
        attempt += 1


def attachment_of(found: Any) -> Attachment:
    """An SDK VolumeAttachment as a value."""
    return Attachment(
        id=found.id,
        volume_id=found.volume_id,
        instance_id=found.instance_id,
        state=found.lifecycle_state,
        iqn=getattr(found, "iqn", None) or "",
        address=getattr(found, "ipv4", None) or "",
        port=int(getattr(found, "port", None) or 0),
        shareable=bool(found.is_shareable),
    )


def _unknown(operation: str, error: Any) -> Unknown:
    """OCI answers 404 for "not there" and for "not authorized" alike: neither is proof of anything."""
    hint = {
        401: "check the API key and the clock",
        404: "check the OCID and the policies: OCI answers 404 for 'not authorized' too",
        429: "the service is throttling; try again in a minute",
    }.get(error.status, "look at the service's status; then run the same command again")
    return Unknown(f"OCI {operation}: HTTP {error.status} {error.code}: {error.message}", hint)
