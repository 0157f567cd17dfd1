"""What Terraform's words for a failure mean for a run."""

from __future__ import annotations

import re

from failover.model.outcome import Failed, FailoverError, Refused, Unknown
from failover.stack import lost

# Terraform's words for a missing or useless answer: whether the call was carried out is not known.
_UNLEARNT = re.compile(
    r"\b40[14]-|\b404:|Http Status Code: 40[14]|NotAuthenticated|NotAuthorizedOrNotFound"
    r"|timeout (while|exceeded)|i/o timeout|timed out|deadline exceeded"
    r"|connection (reset|refused|aborted|broken)|RemoteDisconnected|\bEOF\b|no such host|Max retries",
    re.IGNORECASE,
)
# What this machine says when Terraform writes a plan or its state.
_OWN_DISK = re.compile(
    r"no space left on device|disk quota exceeded|read-only file system|permission denied", re.IGNORECASE
)
# A look that the service was too busy or too broken to answer.
_UNREAD = re.compile(r"(\b|Http Status Code: )(409|429|5\d\d)[-.]")


def explained(cmd: str, text: str) -> FailoverError:
    """The exception for Terraform's error output: its first error block, and what it means for the run."""
    words = "\n".join(line.strip("│╷╵ ").rstrip() for line in text.splitlines())
    start = words.find("Error:")
    reason = " ".join(words[max(start, 0) :].split())[:1500]
    if "Error acquiring the state lock" in reason:
        return Refused(
            f"terraform {cmd}: another process holds the state's lock: {reason}",
            "wait for that run; when its process is gone for certain, `terraform force-unlock` with that ID",
        )
    if _UNLEARNT.search(reason):
        return Unknown(
            f"terraform {cmd}: {reason}",
            "check the key, the policies (404 may mean 'not authorized') and the network; then run it again",
        )
    if cmd == "plan" and _UNREAD.search(reason):
        return Unknown(f"terraform plan: {reason}", "look at the service's status; then run it again")
    if "out of host capacity" in reason.lower():
        return Failed(
            f"terraform {cmd}: {reason}",
            "try again, or give the server another shape or fault_domain, or choose another server",
        )
    mend = "mend the cause"
    if _OWN_DISK.search(reason):
        mend = "make room on this machine's disk, or give the right to write there"
    elif kept := lost.kept_from_destruction(reason):
        mend = (
            f"if {' or '.join(kept)} is being terminated, wait until it has ended; else put back what "
            "describes it (its entry of servers, its image_id)"
        )
    if cmd == "apply":
        return Failed(f"terraform apply: {reason}", f"{mend}, then run the same command again")
    return Refused(f"terraform {cmd}: {reason}", f"{mend}; nothing was changed by this step")
