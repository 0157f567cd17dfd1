"""Which statement lets the operator, and the agent on a client, do what commands take. Pure.

HooksSource: Oracle, "Running Commands on an Instance", Required IAM Policy:
https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/runningcommands.htm
"""

from __future__ import annotations

from collections.abc import Mapping

_WRITE = ("manage instance-agent-command-family",)
_READ = ("read instance-agent-command-execution-family",)
CALLS: Mapping[str, tuple[str, ...]] = {
    "CreateInstanceAgentCommand": _WRITE,
    "CancelInstanceAgentCommand": _WRITE,
    "GetInstanceAgentCommandExecution": _READ,
    "ListInstanceAgentCommandExecutions": _READ,
    "ListInstanceAgentPlugins": ("read instance-agent-plugins",),
    "GetInstance": ("read instances",),
    "ListInstances": ("read instances",),
    "ListVnicAttachments": ("inspect vnic-attachments", "inspect instances"),
    "GetVnic": ("inspect vnics",),
}
# without it the agent never learns of a command, and nothing says so but the silence
AGENT = (
    "allow dynamic-group <clients> to use instance-agent-command-execution-family in compartment id {} "
    "where request.instance.id=target.instance.id"
)


def remedy(operation: str, status: int | None, compartment_id: str) -> str:
    """What to do about a call that was answered with this HTTP status (None: there was no answer)."""
    if status in (403, 404):
        needed = "; ".join(
            f"allow group <group> to {n} in compartment id {compartment_id}" for n in CALLS[operation]
        )
        return f"if the OCIDs are right, a policy is missing: {needed}"
    if status is None:
        return "check the network and the endpoint; nothing is concluded from silence"
    if status == 401:
        return "check the API key, its fingerprint and this machine's clock"
    return "look at the service's status, then try again"
