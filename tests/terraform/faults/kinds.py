"""The kinds of faults that an API call can meet, as the lab's API injects them (lab/api/core/faults.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CAPACITY = "Out of host capacity."


def _answer(status: int, code: str, message: str) -> dict[str, Any]:
    return {"status": status, "code": code, "message": message, "count": 0}


# Every one holds until it is cleared: what a single further attempt would mend is no fault of a run.
KINDS: Mapping[str, Mapping[str, Any]] = {
    "401": _answer(401, "NotAuthenticated", "The required information to authenticate was not provided."),
    "404": _answer(404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found."),
    "409": _answer(409, "Conflict", "Another change is under way."),
    "429": _answer(429, "TooManyRequests", "Too many requests for the tenancy."),
    "500": _answer(500, "InternalError", "Internal server error."),
    "capacity": _answer(500, "InternalError", CAPACITY),
    "hang": {"hang": True, "count": 0},
    "reset": {"drop": True, "count": 0},
    "lost": {"drop": True, "after": True, "count": 0},
    "stuck": {"stuck": True, "count": 0},
    "unseen": {"delay": 1.0, "after": True},
    "denied": {"delay": 1.0, "after": True, "stuck": True},
    "blind": {},
    "full": {"refusal": CAPACITY, "count": 0},
    "broken": {"refusal": "Internal error of the host.", "count": 0},
    "late": {"delay": 4.0, "after": True},
}
# What a call that changes nothing can meet.
READ_KINDS = ("401", "404", "409", "429", "500", "capacity", "hang", "reset")

TOLD: Mapping[str, str] = {
    "401": "401",
    "404": "404",
    "409": "409",
    "429": "429",
    "500": "500",
    "capacity": "500 “Out of host capacity”",
    "hang": "no answer",
    "reset": "connection reset",
    "lost": "carried out but its answer lost",
    "stuck": "the change never ends",
    "unseen": "carried out, then every look at it is answered 401",
    "denied": "it never ends, and every look at it is answered 404",
    "blind": "attached, but not visible in the guest",
    "full": "accepted, and it ends TERMINATED: “Out of host capacity”",
    "broken": "accepted, and it ends TERMINATED for another reason",
    "late": "carried out, but answered only when the client had given up and sent it again",
}


def faults_of(operation: str, kind: str) -> dict[str, Any]:
    """The fault that makes calls of the operation go wrong in that way.

    An operation may carry what tells its calls apart: "InstanceAction STOP" is met by those alone.
    """
    name, _, action = operation.partition(" ")
    if operation == "LaunchInstance" and kind == "capacity":
        # told by what only a launch says, since a fault of LaunchInstance would show in the capacity report
        return {"operation": "*", "resource": "sourceDetails", **KINDS[kind]}
    once = next_fault(operation, kind) or kind == "late"
    count = {"count": _LOOKS[operation][1]} if once else {}
    return {"operation": name, "resource": f"action={action}" if action else "", **KINDS[kind], **count}


# By call: what the looks are that wait for its end, and how many such calls a run makes.
_LOOKS = {
    "LaunchInstance": ("GetInstance", 1),
    "InstanceAction STOP": ("GetInstance", 1),
    "InstanceAction START": ("GetInstance", 1),
    "DetachVolume": ("GetVolumeAttachment", 2),
    "AttachVolume": ("GetVolumeAttachment", 2),
}


def next_fault(operation: str, kind: str) -> dict[str, Any] | None:
    """What goes wrong as soon as the calls have been carried out, and before they are answered."""
    if kind not in ("unseen", "denied"):
        return None
    return {"operation": _LOOKS[operation][0], **KINDS["401" if kind == "unseen" else "404"]}


def operation_of(request: Mapping[str, Any]) -> str:
    """The operation of a call in the API's log, in the words of `faults_of`."""
    _, _, action = str(request["path"]).partition("action=")
    return f"{request['operation']} {action}".strip()
