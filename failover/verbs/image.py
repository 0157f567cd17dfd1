"""The verb `image`: the site's lock, the doors, then the image of a server that serves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.command import site_file as sites
from failover.command.guarded import guarded
from failover.command.request import SiteChoice
from failover.runs import hold
from failover.runs.site_lock import site_lock
from failover.stack import choose as vias

if TYPE_CHECKING:
    from failover.image.plan import ImageRequest


def main(request: ImageRequest, choice: SiteChoice) -> int:
    """Take the image; the exit code: 0 once it is AVAILABLE and named to Terraform."""
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    return guarded(lambda: _take(request, choice, console))


def _take(request: ImageRequest, choice: SiteChoice, console: Console) -> None:
    site = vias.chosen(sites.load(choice.file), choice.runner_name, choice.stack_id)
    check_endpoint(site)
    # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
    from failover.image.take import take  # noqa: PLC0415
    from failover.ports import opened  # noqa: PLC0415

    with site_lock(site.runs), opened(site, vias.runner(site)) as ports:
        hold.refuse_held(site.runs, request.server, datetime.now(UTC))
        console.print(f"image {take(request, ports, console)}", markup=False)
