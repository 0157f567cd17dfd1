"""The verb `adopt`: the site file or its defaults, the adoption under the site's lock, then preflight."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.command import site_file as sites
from failover.command.guarded import guarded
from failover.command.request import SiteChoice
from failover.model.outcome import Usage
from failover.model.site import Site
from failover.runs.site_lock import site_lock
from failover.stack import choose as vias
from failover.verbs import preflight


@dataclass(frozen=True)
class AdoptArguments:
    """The command line of `adopt`. Empty: not said."""

    instance: str = ""
    name: str = ""
    compartment: str = ""
    region: str = ""
    profile: str = ""
    user: str = ""
    host: str = ""
    clients: str = ""
    directory: str = ""
    image: str = ""
    successor: str = ""
    yes: bool = False
    site: str | None = None


def main(arguments: AdoptArguments) -> int:
    """Adopt, prove it, say what a failover would still lack; the exit code: 0 once the site is adopted."""
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    return guarded(lambda: _adopt(arguments, console))


def _adopt(arguments: AdoptArguments, console: Console) -> None:
    site = vias.chosen(_site(arguments), vias.RunnerKind.TERRAFORM)
    check_endpoint(site)
    runner = vias.runner(site)
    # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
    from failover.adopt.adopt import Question, adopt  # noqa: PLC0415
    from failover.adopt.observe import checked_ocid  # noqa: PLC0415
    from failover.adopt.site import server_label  # noqa: PLC0415
    from failover.adopt.values import Successor  # noqa: PLC0415

    if arguments.successor and not arguments.image:
        raise Usage("--successor names a server to launch, and --image is missing", "add --image OCID")
    successor = None
    if arguments.image:
        image = checked_ocid(arguments.image, "image", "--image")
        successor = Successor(server_label(arguments.successor or "nfs-srv-2", "--successor"), image)
    question = Question(
        arguments.instance,
        arguments.name,
        arguments.compartment,
        arguments.region,
        arguments.host,
        Path(arguments.clients) if arguments.clients else None,
        successor,
        arguments.yes,
    )
    with site_lock(site.runs):
        adoption = adopt(question, site, runner, console)
    console.print(
        f"{adoption.name} is adopted" if adoption.drifted else f"{adoption.name}: no drift", markup=False
    )
    others = [name for name in adoption.servers if name != adoption.name]
    if not others:
        console.print(
            "before a failover works: a golden image of the server, by `invoke image`: its service goes on"
        )
        console.print("   then: invoke adopt --image OCID --successor nfs-srv-2", markup=False)
        return
    preflight.show(preflight.check(others[0], SiteChoice(str(site.file)), False, canaries=False), console)


def _site(arguments: AdoptArguments) -> Site:
    """The site of the site file; where there is none, what the command line says and the usual places."""
    given = arguments.site or os.environ.get(sites.ENVIRONMENT_VARIABLE) or sites.DEFAULT
    path = Path(given).expanduser().absolute()
    directory = Path(arguments.directory).expanduser().absolute() if arguments.directory else None
    if not path.exists():
        document = {
            "terraform": {"directory": str(directory or path.parent / "terraform")},
            "oci": {"profile": arguments.profile or "DEFAULT"},
            "ssh": {"user": arguments.user} if arguments.user else {},
        }
        return sites.parse(document, path)
    site = sites.load(str(path))
    _agrees(path, "--directory", directory, site.terraform.directory.absolute())
    _agrees(path, "--profile", arguments.profile, site.cloud.profile)
    _agrees(path, "--user", arguments.user, site.ssh.user)
    return site


def _agrees(path: Path, flag: str, given: object, written: object) -> None:
    """Every later run goes by the site file, so a flag that says otherwise would adopt for nobody."""
    if given and given != written:
        raise Usage(
            f"{flag} {given}, and {path} has {written}", f"leave {flag} out, or correct the site file"
        )
