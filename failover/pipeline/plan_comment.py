"""The plan as a comment on a pull request: Markdown for those who decide, from the plan that is executed."""

from __future__ import annotations

import re
import sys
from typing import Any

import jinja2
from rich.console import Console

from failover.checkout.origin import GITOPS
from failover.command.request import Request, SiteChoice
from failover.model.duration import duration, moment
from failover.model.observation import Observation, Presence
from failover.model.outcome import Outcome
from failover.model.resource_change import Change
from failover.paths import TEMPLATES
from failover.plan import document
from failover.plan.model import Plan, StepKind
from failover.report import condense
from failover.report.page import escaped
from failover.report.report import Report
from failover.stack import addresses
from failover.verbs import failover

MARK = "<!-- nfs-failover plan -->"  # the comment's first line, by which it is found again
_SIGNS = {
    ("create",): "+",
    ("delete",): "-",
    ("update",): "!",
    ("delete", "create"): "!",
    ("create", "delete"): "!",
}
_MENTION = re.compile(r"(?<!\w)@(?=\w)")


def main(target: str | None, site_file: str | None, clients: str) -> int:
    """Plan, print the comment (and nothing else) on stdout, return the exit code. Progress is on stderr."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    request = Request(target, SiteChoice(site_file), clients, dry_run=True, door=GITOPS, changes=True)
    report = failover.fail_over(request, console)
    sys.stdout.write(markdown(report, clients))
    sys.stdout.flush()
    return report.outcome.exit_code


def markdown(report: Report, clients: str) -> str:
    """The comment for a dry run's report, also for one that was refused or could not be made."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown is escaped by `finalize`
        finalize=_finished,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(duration=duration, verbatim=_Verbatim)
    text = environment.get_template("plan.md.j2").render(
        report=report,
        plan=report.plan,
        notes=condense.notes(report.notes),
        title=_title(report),
        headline=_headline(report),
        **_facts(report, clients),
    )
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


class _Verbatim(str):
    """Text of a code block, where Markdown does not escape; a fence in it would end the block."""

    __slots__ = ()


def _finished(value: Any) -> str:
    if isinstance(value, _Verbatim):
        return " ".join(value.split()).replace("```", "'''")
    return _MENTION.sub("@\u200b", escaped(value))  # a name in a plan must not notify a person


def _title(report: Report) -> str:
    target = report.target or "the active server"
    return {
        Outcome.PLANNED: f"Failover plan: {target} becomes the active server",
        Outcome.NOTHING_TO_DO: f"Nothing to do: {target} is the active server",
        Outcome.REFUSED: f"Refused: {target} cannot become the active server as things stand",
        Outcome.UNKNOWN: f"Unknown: whether {target} can become the active server could not be learnt",
    }.get(report.outcome, f"No plan for {target}: {report.outcome.value}")


def _headline(report: Report) -> str:
    plan = report.plan
    if report.outcome is Outcome.PLANNED and plan is not None:
        return (
            f"{plan.loser or 'No server'} loses the volumes, {plan.target} gains them. "
            "Merging runs the steps below; nothing was changed yet."
        )
    if report.outcome is Outcome.NOTHING_TO_DO:
        return "Everything was looked at and is right. Merging this changes nothing."
    return f"{report.reason} - nothing was changed. Merging this would end the same way."


def _facts(report: Report, clients: str) -> dict[str, Any]:
    plan, observation = condense.plan(report.plan) if report.plan else None, report.observation
    changes = report.changes or ()
    facts: dict[str, Any] = {
        "summary": _summary(changes),
        "changes": [f"{_SIGNS.get(c.actions, '!')} {_action(c)} {c.address}" for c in changes],
        "launched": ", ".join(
            name for c in changes if c.actions == ("create",) and (name := addresses.server_of(c.address))
        ),
        "not_asked": _not_asked(observation),
    }
    if plan is None or observation is None:
        return facts
    numbers = {s.name: str(n) for n, s in enumerate(plan.steps, 1)}
    touched = [s.subject for s in plan.steps if s.kind is StepKind.CLIENT]
    return facts | {
        "gains": f"{plan.target} ({_state(observation, plan.target)})",
        "loses": f"{plan.loser} ({_state(observation, plan.loser)})"
        if plan.loser
        else "no server: no server holds one now",
        "moving": _moving(plan, observation),
        "fences": [
            f"{s.subject}: {document.FENCES[s.kind]} ({s.why})"
            for s in plan.steps
            if s.kind in document.FENCES
        ],
        "clients": f"{', '.join(touched)}, by {clients}" if touched else "no client is touched",
        "destroyed": destroyed(changes)
        if report.changes is not None
        else "nothing (Terraform was not asked)",
        "seconds": round(report.forecast.seconds) if report.forecast else document.expected_seconds(plan),
        "last": _last(report),
        "steps": [
            {
                "name": s.name,
                "after": ", ".join(numbers[a] for a in s.after if a in numbers) or "-",
                "seconds": s.expected_seconds,
                "why": s.why,
            }
            for s in plan.steps
        ],
    }


def destroyed(changes: tuple[Change, ...]) -> str:
    """What Terraform destroys, in plain words. Replacing an attachment is what a switch is."""
    deleted = [c.address for c in changes if "delete" in c.actions and not _is_switch(c)]
    replaced = [v for c in changes if "delete" in c.actions and (v := addresses.volume_of(c.address))]
    if deleted:
        return f"ATTENTION: {', '.join(deleted)}"
    text = "nothing: no server, no volume, no data"
    return f"{text} (the attachments of {', '.join(replaced)} are replaced)" if replaced else text


def _is_switch(change: Change) -> bool:
    return bool(addresses.volume_of(change.address)) or change.address == addresses.SWITCH_RECORD


def _action(change: Change) -> str:
    return "replace" if len(change.actions) == 2 else "+".join(change.actions)


def _summary(changes: tuple[Change, ...]) -> str:
    counts = {
        name: sum(_action(c) == name for c in changes) for name in ("create", "update", "replace", "delete")
    }
    return ", ".join(f"{n} to {name}" for name, n in counts.items() if n) or "no changes"


def _state(observation: Observation, name: str) -> str:
    server = observation.servers[name]
    if server.instance_state is None:
        return "does not exist yet: it is launched from its image"
    presence = {
        Presence.ANSWERS: ", answers",
        Presence.SILENT: ", does not answer SSH",
        Presence.UNKNOWN: ", its state is unknown",
        Presence.NOT_ASKED: "",
    }[server.presence]
    return f"{server.instance_state} by the API{presence}"


def _moving(plan: Plan, observation: Observation) -> list[str]:
    target_id = observation.servers[plan.target].server.instance_id
    return observation.attachments.misplaced(target_id)


def _last(report: Report) -> str:
    last = report.switched
    if last is None:
        return "none is recorded"
    return f"to {last.active} by {last.by} at {moment(last.at)} (door: {last.door})"


def _not_asked(observation: Observation | None) -> str:
    if observation is None or observation.reach:
        return ""
    return (
        "An old server that runs is fenced by cutting its power, never by a release; the new server brings "
        "the volumes up itself, which its console tells; clients are left alone, and go on by themselves "
        "only with a service address."
    )
