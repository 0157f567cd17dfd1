"""The comment in docs/door-gitops.md; `python -m` of this module writes it there.

Made by the product's own planner and template, from a model of the standard site whose server is dead.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from failover.model.outcome import Outcome
from failover.model.resource_change import Change
from failover.model.switch_record import Switched
from failover.pipeline import plan_comment
from failover.plan import planner
from failover.report.report import Report
from failover.stack.addresses import SWITCH_RECORD
from tests.paths import ROOT
from tests.unit.failover.plan.site_model import usual

PAGE = ROOT / "docs" / "door-gitops.md"
BEGIN, END = "<!-- the comment begins -->\n", "<!-- the comment ends -->\n"
REPLACED = ("delete", "create")
CHANGES = (
    Change('oci_core_instance.server["nfs-srv-2"]', ("create",)),
    Change('oci_core_volume_attachment.data["bv1"]', REPLACED),
    Change('oci_core_volume_attachment.data["bv2"]', REPLACED),
    Change(SWITCH_RECORD, REPLACED),
)


def report() -> Report:
    """A dry run's report: nfs-srv-1 runs by the API and is silent."""
    seen = usual(up=False).observe("nfs-srv-2")
    plan = planner.make(seen)
    last = Switched("nfs-srv-1", "aiko@ops-1", datetime(2026, 9, 14, 3, 2, 11, tzinfo=UTC), "cli")
    return Report(
        "nfs-srv-2", "plan", Outcome.PLANNED, "nfs-srv-1", plan=plan, notes=plan.notes, observation=seen,
        switched=last, changes=CHANGES,
    )  # fmt: skip


def comment() -> str:
    """The comment."""
    return plan_comment.markdown(report(), "remount")


def shown(page: str) -> str:
    """What the page shows between its marks."""
    (found,) = re.findall(re.escape(BEGIN) + "(.*?)" + re.escape(END), page, re.DOTALL)
    return str(found)


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(text.replace(BEGIN + shown(text) + END, BEGIN + comment() + END))
