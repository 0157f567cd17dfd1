"""A run as a page (HTML) and for a ticket (Markdown): a RunRecord in, text out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jinja2

from failover.model.duration import duration, moment
from failover.paths import TEMPLATES
from failover.report import conclusions, condense
from failover.report.gantt import draw, label
from failover.report.record import RunRecord

_MARKUP = re.compile(r"([\\`*_\[\]<>|])")


def html(run: RunRecord) -> str:
    """One self-contained page: it has no script, and loads no other file."""
    return _rendered("report.html.j2", run, autoescape=True)


def markdown(run: RunRecord) -> str:
    """The same content as GitHub-flavoured Markdown."""
    return _rendered("report.md.j2", run, autoescape=False, finalize=escaped)


def escaped(value: Any) -> str:
    """The value as one line of Markdown without markup of its own, also inside a table."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def _rendered(
    template: str, run: RunRecord, autoescape: bool, finalize: Callable[[Any], Any] | None = None
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=autoescape,  # noqa: S701 - on for HTML; Markdown is escaped by `finalize`
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(duration=duration, moment=moment, label=label)
    run = condense.record(run)
    return environment.get_template(template).render(
        run=run,
        drawing=draw(run),
        headline=conclusions.headline(run),
        outage=conclusions.outage(run),
        left=conclusions.left_to_do(run),
        beside=conclusions.side_by_side(run),
    )
