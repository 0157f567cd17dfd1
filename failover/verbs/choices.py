"""What the command line chooses: site, stack, target and the clients' way; checked first."""

from __future__ import annotations

from failover.cloud.endpoint import check_endpoint
from failover.model.outcome import Usage
from failover.model.site import Site
from failover.report.report import Report
from failover.stack import choose as vias
from failover.stack.runner import StackRunner
from failover.verbs import site_file as sites

MODES = ("remount", "reboot")


def opened(report: Report, site_file: str | None, via: str, stack_id: str) -> tuple[Site, StackRunner]:
    """The site of the site file and what plans its stack. Raises Usage, Unknown."""
    site = vias.chosen(sites.load(site_file), via, stack_id)
    report.runs = site.runs
    if site.terraform.stack_id:  # even the target's name is looked up there
        check_endpoint(site)
    return site, vias.runner(site)


def checked_mode(clients: str) -> None:
    """Raise Usage for a way to bring clients over that there is not."""
    if clients not in MODES:
        raise Usage(f"--clients {clients}: expected {' or '.join(MODES)}", "choose one of them")


def checked_target(target: str | None, terraform: StackRunner) -> str:
    """The target, a server of the stack; None: the active one. Raises Usage."""
    terraform.init()
    stack = terraform.read()
    if target is None:
        return stack.active
    if target not in stack.servers:
        raise Usage(
            f"{target!r} is no server of this stack",
            f"known servers: {', '.join(stack.servers)}; add others to `servers`",
        )
    return target
