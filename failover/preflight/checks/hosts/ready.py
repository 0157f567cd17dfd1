"""What a standby holds ready for its takeover: written under the site's lock, after all other checks."""

from __future__ import annotations

from collections.abc import Iterator

from failover.hosts import readiness
from failover.hosts.ssh import Silent
from failover.hosts.survey import uuids
from failover.model.host.hook_report import HookReport
from failover.model.outcome import Refused
from failover.preflight.check import Check, ok, warning
from failover.preflight.checks.hosts import survey
from failover.preflight.context import Ground
from failover.runs.site_lock import site_lock
from hooks.contract.result import PRESENT
from hooks.probe import kept

NAME = "readiness"
_EXPECTED = "its hooks on its own disk; a takeover without them takes longer"


def refresh(ground: Ground) -> Iterator[Check]:
    """For a target that runs, is known by its host key, and holds no volume; no check for another one."""
    target, address = ground.target, ground.target.address
    if not survey.may_be_asked(ground) or address is None:
        return
    if ground.every_attachment().held_by(target.instance_id):
        return
    learnt, seconds = uuids(ground.survey_of_active()), ground.site.deadlines.hooks
    try:
        with site_lock(ground.site.runs):
            report = readiness.make_ready(ground.host(target, address), ground.stack, seconds, learnt)
    except Refused as error:
        yield warning(NAME, f"not looked at: {error.reason}", _EXPECTED, error.remedy)
        return
    except Silent as error:
        yield warning(NAME, f"not looked at: {error}", _EXPECTED, f"look at {target.name}, then try again")
        return
    if report is not None:
        yield judge(target.name, report)


def judge(name: str, report: HookReport) -> Check:
    """Units that cannot be written beforehand are the takeover's to write: no reason to warn."""
    states = {layer.layer: layer.state for layer in report.layers if layer.layer.startswith(kept.NAME)}
    text = f"{name} {readiness.describe(report)}"
    if (report.ok or report.layers) and all(state == PRESENT for state in states.values()):
        return ok(NAME, text)
    return warning(NAME, text, _EXPECTED, f"look at the root disk of {name}, then run preflight again")
