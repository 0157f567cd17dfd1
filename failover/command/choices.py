"""What the command line chooses: site, stack, target and the clients' way; checked first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from failover.cloud.endpoint import check_endpoint
from failover.command import site_file as sites
from failover.command.request import SiteChoice
from failover.model import duration
from failover.model.outcome import Usage
from failover.model.site import ClientMode, Site, Transport
from failover.plan.model import CopyMode
from failover.stack import choose as vias
from failover.stack.runner import StackRunner

LONGEST_HOLD = 7 * 24 * 3600.0  # a server that is held is paid for, and the site has no next one


def chosen_site(choice: SiteChoice) -> Site:
    """The site of the site file, with what the command line says over it. Raises Usage."""
    site = vias.chosen(sites.load(choice.file), choice.runner_name, choice.stack_id)
    if transport := checked_transport(choice.transport):
        site = replace(site, clients=tuple(replace(one, transport=transport) for one in site.clients))
    return site


def stack_runner(site: Site) -> StackRunner:
    """What plans and applies the site's stack. Raises Usage, Unknown."""
    if site.terraform.stack_id:  # even the target's name is looked up there
        check_endpoint(site)
    return vias.runner(site)


def checked_transport(transport: str) -> Transport | None:
    """How all clients are reached; None for "", as the site file has it. Raises Usage for another word."""
    if transport and transport not in list(Transport):
        raise Usage(f"--transport {transport}: expected {' or '.join(Transport)}", "choose one of them")
    return Transport(transport) if transport else None


def checked_mode(clients: str) -> ClientMode:
    """How clients are brought over. Raises Usage for another word."""
    if clients not in list(ClientMode):
        raise Usage(f"--clients {clients}: expected {' or '.join(ClientMode)}", "choose one of them")
    return ClientMode(clients)


def checked_copy(copy: str) -> CopyMode:
    """What is kept before the switch. Raises Usage for another word."""
    if copy not in list(CopyMode):
        raise Usage(f"--backup {copy}: expected {', '.join(CopyMode)}", "choose one of them")
    return CopyMode(copy)


def checked_hold(hold: str) -> float | None:
    """For how many seconds the old server is held; None for "", no hold. Raises Usage for another form."""
    if not hold:
        return None
    try:
        return duration.parsed(hold, LONGEST_HOLD)
    except ValueError as error:
        raise Usage(f"--hold {error}", "give it in this form, such as --hold 60m") from error


def checked_target(target: str | None, runner: StackRunner, mend: Callable[[str], None] | None = None) -> str:
    """The target, a server of the stack; None: the active one. Raises Usage.

    `mend`: hears what was put right of a state that cannot be read; None for a look, which changes nothing.
    """
    if mend:
        runner.mend(mend)
    runner.init()
    stack = runner.read()
    if target is None:
        return stack.active
    if target not in stack.servers:
        raise Usage(
            f"{target!r} is not a server of this stack",
            f"known servers: {', '.join(stack.servers)}; add others to `servers`",
        )
    return target
