"""The verb `verify`: looks at everything afresh and changes nothing."""

from __future__ import annotations

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.model.outcome import Outcome
from failover.report.report import Report
from failover.runs.site_lock import site_lock
from failover.verbs.choices import MODES, checked_target, opened
from failover.verbs.reported import reported


def verify(
    target: str | None, site_file: str | None, console: Console, *, via: str = "", stack_id: str = ""
) -> Report:
    """Look at everything afresh and change nothing; `target` None: the server that is active by Terraform."""

    def act(report: Report) -> None:
        site, terraform = opened(report, site_file, via, stack_id)
        report.target = checked_target(target, terraform)
        check_endpoint(site)
        with site_lock(site.runs):
            # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
            from failover.act import progress  # noqa: PLC0415
            from failover.flow.inspection import Inspection  # noqa: PLC0415

            inspection = Inspection(site, terraform, MODES[0], report, progress.Progress(console))
            try:
                seen = inspection.timed("observe", inspection.observe)
                inspection.timed("verify", lambda: inspection.verify(seen))
            finally:
                inspection.close()
        report.outcome = Outcome.DONE

    return reported(Report(target or "", "verify"), act)
