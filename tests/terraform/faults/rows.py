"""The fault table: which call meets what in which scene, and how the run has to end."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.terraform.faults.kinds import KINDS, READ_KINDS


class Scene(enum.Enum):
    """What the run finds. The old server holds the volumes, and serves where it is on."""

    BOTH = "the old server is silent, the target is off"
    PLANNED = "the old server answers, the target is off"
    KEYLESS = "the old server is off, the target runs, its host key is not known"
    LAUNCH = "the old server is silent, the target does not exist"


@dataclass(frozen=True)
class End:
    """How a run ends. `says` and `does` are fragments of the reason and of the remedy.

    `left`: who holds the volumes, `serves`: who serves, both as "old", "target" or "nobody".
    """

    outcome: str
    says: str
    does: str
    left: str
    serves: str


@dataclass(frozen=True)
class Row:
    """One call that meets one kind of fault. `harmless`: the run must have changed nothing at all."""

    group: str
    operation: str
    kind: str
    scene: Scene
    end: End
    harmless: bool = False

    @property
    def id(self) -> str:
        """As pytest shows it: "AttachVolume-409"."""
        return f"{self.operation.replace(' ', '-')}-{self.kind}"

    @property
    def dispensable(self) -> bool:
        """Whether the run goes on without what the call would have told."""
        return self.end.outcome == "done"

    @property
    def hasty(self) -> bool:
        """Whether the run waits for what never comes: then its deadlines are seconds."""
        return self.kind == "stuck" or (self.operation.startswith("InstanceAction") and self.kind == "409")


# What the SDK's calls say and advise; Terraform's words come after these.
_SAID = {
    "401": "HTTP 401",
    "404": "HTTP 404",
    "409": "HTTP 409",
    "429": "HTTP 429",
    "500": "HTTP 500",
    "capacity": "Out of host capacity",
    "hang": "no answer",
    "reset": "no answer",
    "lost": "no answer",
}
_ADVISED = {
    "401": "check the API key",
    "404": "polic",
    "409": "look at the service's status",
    "429": "try again in a minute",
    "500": "look at the service's status",
    "capacity": "look at the service's status",
    "hang": "check the network",
    "reset": "check the network",
    "lost": "check the network",
}


def _unknown(operation: str, kind: str, serves: str) -> End:
    """A call of the product itself: whatever the answer, or the want of one, nothing is concluded."""
    call = f"OCI {operation}"
    return End("unknown", f"{call}.*{_SAID[kind]}", _ADVISED[kind], "ATTACHED old", serves)


def _reads(
    group: str, scene: Scene, serves: str, operations: tuple[str, ...], kinds: tuple[str, ...] = READ_KINDS
) -> Iterator[Row]:
    for operation in operations:
        for kind in kinds:
            yield Row(group, operation, kind, scene, _unknown(operation, kind, serves), harmless=True)


def _terraform_reads(group: str, operations: tuple[str, ...]) -> Iterator[Row]:
    """The provider's reads, met in the plan that is made while the old server still serves.

    A 404 where an object is refreshed, or waited for, is no answer: the state is kept, and the run goes on
    and verifies. A 404 of a data source is null, which the stack tells in words.
    """
    for operation in operations:
        for kind in READ_KINDS:
            if kind == "404" and operation in _KEPT_ON_404:
                end = End("done", "", "", "ATTACHED target", "target")
                yield Row(group, operation, kind, Scene.PLANNED, end)
            else:
                said = (
                    f"preflight: terraform plan: .*({_NULL_SAID if kind == '404' else _PROVIDER_SAID[kind]})"
                )
                end = End("unknown", said, _PROVIDER_ADVISED[kind], "ATTACHED old", "old")
                yield Row(group, operation, kind, Scene.PLANNED, end, harmless=True)


def _goes_on(group: str, scene: Scene, says: str, operation: str) -> Iterator[Row]:
    for kind in READ_KINDS:
        end = End("done", says, "", "ATTACHED target", "target")
        yield Row(group, operation, kind, scene, end)


def _altering(
    group: str, operation: str, scene: Scene, usual: End, otherwise: Mapping[str, End]
) -> Iterator[Row]:
    """A call of Terraform's that alters something: what it is answered, and what the API shows afterwards.

    `usual` has the API's words; the outcome, and what the provider says, are each kind's.
    """
    for kind in KINDS:
        if kind in _PROVIDER_SAID:
            outcome = "failed" if kind in ("409", "429", "500", "capacity") else "unknown"
            said = f"terraform apply: .*({_PROVIDER_SAID[kind]}).*{usual.says}"
            end = replace(usual, outcome=outcome, says=said, does=usual.does or _APPLY_ADVISED[kind])
            yield Row(group, operation, kind, scene, otherwise.get(kind, end))
        elif kind in otherwise:
            yield Row(group, operation, kind, scene, otherwise[kind])


def _power(operation: str, never: str, usual: str, changed: str, stuck: str) -> Iterator[Row]:
    """STOP and START are the product's own calls; `usual` and `changed`: who serves then."""
    for kind in KINDS:
        if kind in _SAID:
            end = _unknown(operation, kind, changed if kind == "lost" else usual)
        elif kind == "unseen":
            end = _unknown("GetInstance", "401", changed)
        elif kind == "stuck":
            end = End("unknown", stuck, "look at the instance in the console", "ATTACHED old", changed)
        else:
            continue
        if kind == "409":
            end = replace(end, says=never, does="look at the instance in the console")
        yield Row(POWER, operation, kind, Scene.BOTH, end)


# What the provider's errors say, and what the product advises.
_PROVIDER_SAID = {
    "401": "401-NotAuthenticated",
    "404": "404-NotAuthorizedOrNotFound",
    "409": "409-Conflict",
    "429": "429-TooManyRequests",
    "500": "500-InternalError",
    "capacity": "Out of host capacity",
    "hang": "context deadline exceeded",
    "reset": "EOF|connection reset",
    "lost": "EOF|connection reset",
}
_NULL_SAID = "404: the|404: VNIC"  # the stack's words for a data source that is null
_WAIT_DENIED = "Http Status Code: 401"
_KEY = "check the key, the policies"
_STATUS = "look at the service's status"
_PROVIDER_ADVISED = {
    **dict.fromkeys(("401", "404", "hang", "reset"), _KEY),
    **dict.fromkeys(("409", "429", "500", "capacity"), _STATUS),
}
_APPLY_ADVISED = {
    **dict.fromkeys(("401", "404", "hang", "reset", "lost"), _KEY),
    **dict.fromkeys(("409", "429", "500"), "run the same command again"),
    "capacity": "another shape or fault_domain",
}
# The provider takes no 404 for the end of these while TF_PRESERVE_STATE_ON_404 is set.
_KEPT_ON_404 = ("GetPrivateIp", "GetVolumeAttachment")

ALTERING = (
    "LaunchInstance",
    "InstanceAction STOP",
    "InstanceAction START",
    "DetachVolume",
    "AttachVolume",
    "UpdatePrivateIp",
)
WITHOUT_STATES = ("UpdatePrivateIp",)  # done, or not, at once: never stuck

LOOK, PRECHECK, ADVICE, PLAN = "Looking", "Prechecks", "Prechecks that only warn", "Terraform's plan"
DISPENSABLE, ENDED = "Terraform's reads that it does without", "A launch that is accepted and ends"
KEYS, LAUNCH, POWER = "Host keys of a launched server", "Launch", "Power"
DETACH, ATTACH, ADDRESS = "Detach", "Attach", "Service address"
GROUPS: Mapping[str, str] = {
    LOOK: "Nothing is concluded from what could not be read. Do what the remedy says, then run it again.",
    PRECHECK: "Asked before anything is touched. Do what the remedy says, then run it again.",
    ADVICE: "A strong hint, but no need: the run goes on, and its report says what was not learnt.",
    PLAN: "Made first while the old server still serves. Do what the remedy says, then run it again.",
    DISPENSABLE: "The provider warns in its own log, and goes on without the boot volume and the IPv6"
    " addresses.",
    KEYS: "The target runs, the old server is off. Do what the remedy says, then run it again.",
    LAUNCH: "The old server is dead: its power is cut beside the launch. When the service is well again, or"
    " the shape, fault domain or target is another, run it again: what was launched is taken up.",
    ENDED: "The API has accepted the launch, and the instance ends TERMINATED. The old server is dead. Run it"
    " again, or choose another shape, fault domain or target: the state forgets what ended, and the next run"
    " launches anew.",
    POWER: "The fence of a silent server, and the start of one that stands by. STOP and START are asked for"
    " only in the state that takes them; run it again: a change that is under way is waited for.",
    DETACH: "The old server is off. Run it again: it starts from what the API says. A 404 that the provider"
    " took for success shows when the attach is refused.",
    ATTACH: "The old server is off. Run it again: it starts from what the API says: nothing is doubled.",
    ADDRESS: "The volumes are moved. Run it again: the address is moved, then the target serves.",
}
_GONE = "the API has no nfs-srv-2"
_LAUNCHED = "the API has ocid1.instance.*, which the next run takes up"
_OFF = "ATTACHED old"


def _rows() -> Iterator[Row]:
    yield from _reads(LOOK, Scene.BOTH, "old", ("GetInstance", "ListVolumeAttachments"))
    yield from _reads(PRECHECK, Scene.BOTH, "old", ("ListInstances", "GetVolume"))
    yield from _reads(PRECHECK, Scene.LAUNCH, "old", ("GetImage", "GetSubnet"))
    yield from _goes_on(ADVICE, Scene.LAUNCH, "preflight: capacity: OCI ", "CreateComputeCapacityReport")
    yield from _terraform_reads(
        PLAN,
        (
            "ListVnicAttachments",
            "GetVnic",
            "ListPrivateIps",
            "GetVolumeAttachment",
            "GetPrivateIp",
        ),
    )
    for operation in ("ListBootVolumeAttachments", "GetBootVolume", "ListIpv6s"):
        yield from _goes_on(DISPENSABLE, Scene.PLANNED, "", operation)
    console = ("CaptureConsoleHistory", "GetConsoleHistory", "GetConsoleHistoryContent")
    yield from _reads(KEYS, Scene.KEYLESS, "nobody", console)
    yield from _goes_on(KEYS, Scene.KEYLESS, "", "DeleteConsoleHistory")
    launched = End("unknown", f"({_PROVIDER_SAID['lost']}).*{_LAUNCHED}", _KEY, _OFF, "nobody")
    yield from _altering(
        LAUNCH,
        "LaunchInstance",
        Scene.LAUNCH,
        End("", _GONE, "", _OFF, "nobody"),
        {
            "lost": launched,
            "stuck": replace(launched, says=f"did not end within 4 s.*{_LAUNCHED}", does="console"),
            "unseen": replace(launched, says=f"{_WAIT_DENIED}.*{_LAUNCHED}"),
        },
    )
    ended = End("failed", f"work request did not succeed.*{_GONE}", "", _OFF, "nobody")
    for kind, does in (("full", "another shape or fault_domain"), ("broken", "run the same command again")):
        yield Row(ENDED, "LaunchInstance", kind, Scene.LAUNCH, replace(ended, does=does))
    yield from _power(
        "InstanceAction STOP",
        "is RUNNING after 3 s, expected STOPPED",
        "old",
        "nobody",
        "is STOPPING after 3 s",
    )
    yield from _power(
        "InstanceAction START",
        "is STOPPED after 3 s, expected RUNNING",
        "nobody",
        "nobody",
        "is STARTING after 3 s",
    )
    held = "by the API bv1 is ATTACHED to nfs-srv-.; bv2 is ATTACHED to nfs-srv-."
    nobody = "by the API bv1 is not attached; bv2 is not attached"
    yield from _altering(
        DETACH,
        "DetachVolume",
        Scene.BOTH,
        End("", held, "", _OFF, "nobody"),
        {
            "404": End("failed", f"409-.*{held}", "run the same command again", _OFF, "nobody"),
            "lost": End("unknown", f"({_PROVIDER_SAID['lost']}).*{nobody}", _KEY, "nobody", "nobody"),
            "late": End(
                "failed",
                f"is not currently attached.*{nobody}",
                "run the same command again",
                "nobody",
                "nobody",
            ),
            "stuck": End(
                "unknown",
                "did not end within 4 s.*bv1 is DETACHING to nfs-srv-",
                "console",
                "DETACHING old",
                "nobody",
            ),
            "unseen": End("unknown", f"{_WAIT_DENIED}.*{nobody}", _KEY, "nobody", "nobody"),
            "denied": End(
                "failed",
                "409-Conflict.*bv1 is DETACHING to nfs-srv-",
                "run the same command again",
                "DETACHING old",
                "nobody",
            ),
        },
    )
    on_target = End("unknown", f"({_PROVIDER_SAID['lost']}).*{held}", _KEY, "ATTACHED target", "nobody")
    yield from _altering(
        ATTACH,
        "AttachVolume",
        Scene.BOTH,
        End("", nobody, "", "nobody", "nobody"),
        {
            "lost": on_target,
            "unseen": replace(on_target, says=f"{_WAIT_DENIED}.*{held}"),
            "stuck": End(
                "unknown",
                "did not end within 4 s.*bv1 is ATTACHING to nfs-srv-",
                "console",
                "ATTACHING target",
                "nobody",
            ),
            "blind": End(
                "failed",
                "nfs-srv-.: hooks apply: portal 169.254.*does not answer",
                "mend it on nfs-srv-",
                "ATTACHED target",
                "nobody",
            ),
        },
    )
    yield from _altering(
        ADDRESS,
        "UpdatePrivateIp",
        Scene.BOTH,
        End("", held, "", "ATTACHED target", "nobody"),
        {"lost": on_target},
    )


ROWS: tuple[Row, ...] = tuple(_rows())
