"""The site that checks are tried on: two servers, one volume."""

from datetime import UTC, datetime

from failover.cloud.resources import SubnetFacts
from failover.model.attachments import Attachment
from failover.model.stack_output import Launch, Server, Stack, Volume
from failover.preflight.check import Check, CheckResult

NOW = datetime(2026, 3, 1, tzinfo=UTC)


AD1, AD2 = "Uocm:PHX-AD-1", "Uocm:PHX-AD-2"


LAUNCH = Launch("ocid1.image.x", "BM.Optimized3.36", AD1, "ocid1.subnet.x", "10.0.0.12")


SUBNET = SubnetFacts("nfs", "AVAILABLE", "10.0.0.0/29", None)


FIRST = Server("nfs-srv-1", "nfs-srv-1", True, True, "ocid1.instance.1", "10.0.0.11")


SECOND = Server("nfs-srv-2", "nfs-srv-2", False, False, None, None, LAUNCH)


BV1 = Volume("bv1", "ocid1.volume.1", "ocid1.attachment.1", FIRST.instance_id, "iqn", "169.254.2.2", 3260)


STACK = Stack("nfs-srv-1", "ocid1.compartment.c", {s.name: s for s in (FIRST, SECOND)}, {"bv1": BV1}, {})


HELD = Attachment("ocid1.attachment.1", BV1.volume_id, "ocid1.instance.1", "ATTACHED", "iqn", "", 0, False)


def complete(check: Check) -> bool:
    """Whatever is not right says what was expected and what to do."""
    return check.outcome is CheckResult.OK or bool(check.actual and check.expected and check.remedy)


class Bare:
    """As much of a ground as the runner itself looks at."""

    stack = STACK

    def prefetch(self) -> None:
        pass
