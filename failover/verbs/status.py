"""The verb `status`: looks, shows one screen, and again as often as is asked; changes nothing."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from failover.atomic_file import write_whole
from failover.command import site_file as sites
from failover.command.guarded import guarded
from failover.command.request import SiteChoice
from failover.model.outcome import Outcome, Usage
from failover.model.site import Site
from failover.stack import choose as vias

_WATCH_SECONDS = 5.0
_LONGEST_SECONDS = 3600.0


def main(choice: SiteChoice, as_json: bool, watch: bool, html: str, wait: float) -> int:
    """Show it; 0 where all witnesses agree, 4 where they do not, 5 where one is not known, 2 for usage."""
    code = 0

    def look() -> None:
        """Raises Usage."""
        nonlocal code
        if watch and html:
            raise Usage("--watch and --html: expected one of them", "leave one out")
        if not 0 < wait <= _LONGEST_SECONDS:
            raise Usage(f"--wait {wait:g}: expected seconds from 1 to {_LONGEST_SECONDS:g}", "choose one")
        site = vias.chosen(sites.load(choice.file), choice.runner_name, choice.stack_id)
        code = _once(site, as_json, html, wait)
        with suppress(KeyboardInterrupt):  # the end of --watch
            while watch:
                time.sleep(_WATCH_SECONDS)
                code = _once(site, as_json, html, wait, clear=not as_json)

    return guarded(look) or code


def _once(site: Site, as_json: bool, html: str, wait: float, clear: bool = False) -> int:
    # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
    from failover.status import document, judge, text  # noqa: PLC0415
    from failover.status.beside import settled  # noqa: PLC0415
    from failover.status.look import Look  # noqa: PLC0415
    from failover.status.voices import AGREE, DISAGREE  # noqa: PLC0415

    sight = Look(site, settled(lambda: vias.runner(site)), wait).sight()
    judged = judge.judge(sight)
    console = Console(highlight=False, emoji=False)
    if clear:
        console.clear()
    text.show(sight, judged, console)
    if html:
        from failover.status import page  # noqa: PLC0415 - jinja2 is not loaded where no page is made

        write_whole(Path(html), page.html(sight, judged).encode())
        console.print(f"page: {html}", markup=False)
    if as_json:
        sys.stdout.write(json.dumps(document.document(sight, judged)) + "\n")
    sys.stdout.flush()
    return {AGREE: 0, DISAGREE: Outcome.FAILED.exit_code}.get(judged.agreement, Outcome.UNKNOWN.exit_code)
