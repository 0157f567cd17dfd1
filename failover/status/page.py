"""The status as one self-contained page, with the topology drawn."""

from __future__ import annotations

import jinja2

from failover.model.duration import moment
from failover.model.objective import NOT_KNOWN
from failover.model.stack_output import Stack
from failover.paths import TEMPLATES
from failover.status import text
from failover.status.drawing import WIDTH, draw
from failover.status.judge import Judgement
from failover.status.sight import Sight, Unread


def html(sight: Sight, judged: Judgement) -> str:
    """One page: it has no script, and loads no other file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    stack = sight.stack if isinstance(sight.stack, Stack) else None
    return environment.get_template("status.html.j2").render(
        sight=sight,
        judged=judged,
        stack=stack,
        at=moment(sight.at),
        brief=text.brief(sight, judged),
        layer_names=text.LAYERS,
        rows=_rows(sight, stack),
        past=text.past(sight),
        objectives=[one for one in judged.objectives if one.verdict != NOT_KNOWN],
        unread=sight.unread(),
        drawing=draw(sight),
        width=WIDTH,
    )


def _rows(sight: Sight, stack: Stack | None) -> list[tuple[str, str, list[str]]]:
    """Each server's name, its instance's state and its layers'."""
    if stack is None:
        return []
    rows = []
    for name in stack.servers:
        state = sight.states.get(name)
        word = "unknown" if isinstance(state, Unread) else state or "none yet"
        rows.append((name, word, text.layers(sight.servers.get(name))))
    return rows
