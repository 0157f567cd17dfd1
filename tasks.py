"""The verbs. Each only hands its arguments on: failover/ acts, lab/ is the cloud in miniature."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from json import dumps, loads
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from invoke import Collection, Context, task

from failover.command import arguments, streams

if TYPE_CHECKING:
    from lab.site.lab import Lab

streams.install()  # before the first line is printed
if Path(sys.argv[0]).name in ("invoke", "inv"):
    arguments.refuse_empty(sys.argv[1:])

SITE_HELP = "the site's file; default $NFS_FAILOVER_SITE, then ./site.toml"
UNPLANNED_HELP = "the old server is lost: don't ask it; the detach is the fence if its power can't be cut"
VIA_HELP = "where the stack is applied: terraform (its folder) or resource-manager; default: as the site says"
STACK_HELP = "OCID of the Resource Manager stack; default: the site's"
GUESTS_HELP = "what all guests are like: debian, ubuntu, el9 or el8 (docs/lab-guests.md)"
TRANSPORT_HELP = "how clients are reached: ssh, or run-command (OCI's agent); default: as the site says"
RUN_HELP = "the lab's directory; default .lab/default"
CHECKS = (
    "ruff check .",
    "ruff format --check .",
    "mypy",
    "lint-imports",
    "shellcheck inv .ci/run $(git ls-files '*.sh')",
    "terraform fmt -check -recursive terraform",
)


@task(
    help={
        "active": "the server that shall be the active one",
        "clients": "how clients are brought over: remount (without reboot) or reboot",
        "yes": "do not ask before acting",
        "dry_run": "show the plan and stop",
        "unplanned": UNPLANNED_HELP,
        "backup": "before the switch, beside the launch: clone or backup of all volumes, as a group; or none",
        "volumes_from": "a volume group, clones of the volumes: they become the site's (docs/before.md)",
        "accept_loss": "with --volumes-from: give up what was written since the clone was made",
        "hold": "keep the old server as it is for so long, such as 60m, for `rollback`; `commit` ends that",
        "take_over": "take the site's lock from a run that is stuck for good",
        "commit": "commit active.auto.tfvars afterwards (no other file; never pushed)",
        "json": "print the report as one JSON object on the last line of stdout",
        "transport": TRANSPORT_HELP,
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def failover(
    _: Context,
    active: str,
    clients: str = "remount",
    yes: bool = False,
    dry_run: bool = False,
    unplanned: bool = False,
    backup: str = "none",
    volumes_from: str = "",
    accept_loss: bool = False,
    hold: str = "",
    take_over: bool = False,
    commit: bool = False,
    json: bool = False,
    transport: str = "",
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Make --active the NFS server: fence the old one, move the volumes, bring the clients over, verify."""
    from failover.command import reported
    from failover.command.request import Request, SiteChoice
    from failover.verbs import failover as run

    chosen = SiteChoice(site, via, stack_id, transport)
    request = Request(
        active,
        chosen,
        clients,
        yes=yes,
        dry_run=dry_run,
        unplanned=unplanned,
        take_over=take_over,
        commit=commit,
        copy=backup,
        hold=hold,
        volumes_from=volumes_from,
        accept_loss=accept_loss,
    )
    sys.exit(reported.main(lambda console: run.fail_over(request, console), json))


@task(
    help={
        "clients": "how clients are brought over: remount (without reboot) or reboot",
        "yes": "do not ask before acting",
        "take_over": "take the site's lock from a run that is stuck for good",
        "json": "print the report as one JSON object on the last line of stdout",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def rollback(
    _: Context,
    clients: str = "remount",
    yes: bool = False,
    take_over: bool = False,
    json: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Within a hold: prove that the old server is healthy, and bring the service back to it."""
    from failover.command import reported
    from failover.command.request import Request, SiteChoice
    from failover.verbs import hold as verb

    request = Request(None, SiteChoice(site, via, stack_id), clients, yes=yes, take_over=take_over)
    sys.exit(reported.main(lambda console: verb.rollback(request, console), json))


@task(help={"site": SITE_HELP})
def commit(_: Context, site: str | None = None) -> None:
    """End the hold of the old server, which is then free for `reprotect`. It has nothing to do with Git."""
    from failover.command.request import SiteChoice
    from failover.verbs import hold as verb

    sys.exit(verb.commit(SiteChoice(site)))


@task(
    help={
        "active": "the server that would become the active one; default: what active.auto.tfvars names",
        "clients": "how clients would be brought over: remount or reboot",
        "unplanned": UNPLANNED_HELP,
        "json": "print the report, with the plan in it, as one JSON object on the last line of stdout",
        "format": "text, or markdown: only a comment for a pull request on stdout",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def plan(
    _: Context,
    active: str | None = None,
    clients: str = "remount",
    unplanned: bool = False,
    json: bool = False,
    format: str = "text",
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Show what `failover` would do now, and why; nothing is changed."""
    from failover.command import reported
    from failover.command.request import Request, SiteChoice
    from failover.verbs import failover as run

    if format == "markdown":
        from failover.pipeline import plan_comment

        sys.exit(plan_comment.main(active, site, clients))
    if format != "text":
        print(f"usage: --format {format}: expected text or markdown", file=sys.stderr)
        sys.exit(2)
    request = Request(active, SiteChoice(site, via, stack_id), clients, dry_run=True, unplanned=unplanned)
    sys.exit(reported.main(lambda console: run.fail_over(request, console), json))


@task(
    help={
        "clients": "how clients are brought over: remount (without reboot) or reboot",
        "json": "print the report as one JSON object on the last line of stdout",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def apply(
    _: Context,
    clients: str = "remount",
    json: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Make the server that active.auto.tfvars names the active one, as `failover --yes` does; for a merge."""
    from failover.command import reported
    from failover.command.request import SiteChoice
    from failover.verbs import failover as run

    chosen = SiteChoice(site, via, stack_id)
    sys.exit(reported.main(lambda console: run.apply(chosen, console, clients=clients), json))


@task(
    help={
        "active": "the server that should be the active one; default: the one that is, by Terraform",
        "json": "print the report as one JSON object on the last line of stdout",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def verify(
    _: Context,
    active: str | None = None,
    json: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Look at the API, the server, the clients and a second Terraform plan afresh; nothing is changed."""
    from failover.command import reported
    from failover.command.request import SiteChoice
    from failover.verbs import verify as verb

    chosen = SiteChoice(site, via, stack_id)
    sys.exit(reported.main(lambda console: verb.verify(active, chosen, console), json))


@task(
    help={
        "json": "print it as one JSON object on the last line of stdout",
        "watch": "look again every five seconds, until Ctrl-C",
        "wait": "seconds after which no read is waited for any longer, beside the time of a login",
        "html": "write it as one page to this file, with the topology drawn",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def status(
    _: Context,
    json: bool = False,
    watch: bool = False,
    html: str = "",
    wait: float = arguments.Seconds(20.0),
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Where one stands: who is active and do all agree, what is unprotected, the command that mends it."""
    from failover.command.request import SiteChoice
    from failover.verbs import status as verb

    sys.exit(verb.main(SiteChoice(site, via, stack_id), json, watch, html, wait))


@task(help={"json": "print the list as one JSON array", "site": SITE_HELP})
def runs(_: Context, json: bool = False, site: str | None = None) -> None:
    """List the runs of the site: when, what came of them, how far they got."""
    from failover.verbs import runs as verbs

    sys.exit(verbs.list_runs(site, json))


@task(
    positional=["run"],
    help={
        "run": "the run's id, a part of it, or `latest`",
        "format": "text, json, markdown, or html (makes runs/<id>/report.html again and prints where it is)",
        "site": SITE_HELP,
    },
)
def report(_: Context, run: str, format: str = "text", site: str | None = None) -> None:
    """Show one run, also one that was killed: its journal is enough."""
    from failover.verbs import runs as verbs

    sys.exit(verbs.report(run, site, format))


@task(
    help={
        "active": "the server that a failover would make the active one; default: the only other one",
        "json": "print the result as one JSON object on the last line of stdout",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
        "terraform_plan": "leave out Terraform's plan, which takes seconds",
        "canaries": "leave canaries and a standby as they are: no file is written",
    }
)
def preflight(
    _: Context,
    active: str | None = None,
    json: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
    terraform_plan: bool = True,
    canaries: bool = True,
) -> None:
    """Would a failover work now? Looks at all it needs, then renews canaries and standby; for every night."""
    from failover.command.request import SiteChoice
    from failover.verbs import preflight as verb

    sys.exit(verb.main(active, SiteChoice(site, via, stack_id), json, terraform_plan, canaries))


STANDBY_HELP = {
    "server": "the server that stands by, a name in `servers`",
    "site": SITE_HELP,
    "via": VIA_HELP,
    "stack_id": STACK_HELP,
}


@task(name="up", positional=["server"], help=STANDBY_HELP)
def standby_up(_: Context, server: str, site: str | None = None, via: str = "", stack_id: str = "") -> None:
    """Launch a server ahead, or power it on: without volumes, out of service."""
    from failover.command.request import SiteChoice
    from failover.verbs import standby as verb

    sys.exit(verb.main(verb.UP, server, SiteChoice(site, via, stack_id), yes=True))


@task(name="down", positional=["server"], help={**STANDBY_HELP, "yes": "do not ask before it is terminated"})
def standby_down(
    _: Context, server: str, yes: bool = False, site: str | None = None, via: str = "", stack_id: str = ""
) -> None:
    """Terminate a standby that this stack launched, its boot volume too."""
    from failover.command.request import SiteChoice
    from failover.verbs import standby as verb

    sys.exit(verb.main(verb.DOWN, server, SiteChoice(site, via, stack_id), yes))


@task(name="status", positional=["server"], help=STANDBY_HELP)
def standby_status(
    _: Context, server: str, site: str | None = None, via: str = "", stack_id: str = ""
) -> None:
    """What a standby is now: power, out of service, hooks, what differs from the active server."""
    from failover.command.request import SiteChoice
    from failover.verbs import standby as verb

    sys.exit(verb.main(verb.STATUS, server, SiteChoice(site, via, stack_id), yes=True))


@task(
    help={
        "server": "the server that shall stand by; default: one that exists, else one to launch",
        "yes": "do not ask before acting",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def reprotect(
    _: Context,
    server: str | None = None,
    yes: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """After a failover: have a next server again, the repaired old one or one from the image; proven."""
    from failover.command.request import SiteChoice
    from failover.verbs import standby as verb

    sys.exit(verb.reprotect(server, SiteChoice(site, via, stack_id), yes))


@task(
    help={
        "instance": "OCID of the server that has the volumes; without it, the stack's active server again",
        "name": "its display name, in place of the OCID; needs --compartment",
        "compartment": "OCID of the compartment that --name is looked up in",
        "region": "the region it must be in; the profile's is used",
        "profile": "profile of ~/.oci/config; default: the site's, then DEFAULT",
        "user": "login of servers and clients; default: as ssh has it, then the image's own user",
        "host": "address that this machine reaches the server by; default: its primary private address",
        "clients": "a file of further clients, one host a line",
        "directory": "the stack's folder; default: the site's, then ./terraform",
        "image": "OCID of a custom image of the server, for its successor",
        "successor": "name of the server that is launched from --image; default nfs-srv-2",
        "yes": "write and import without asking",
        "site": SITE_HELP,
    }
)
def adopt(
    _: Context,
    instance: str = "",
    name: str = "",
    compartment: str = "",
    region: str = "",
    profile: str = "",
    user: str = "",
    host: str = "",
    clients: str = "",
    directory: str = "",
    image: str = "",
    successor: str = "",
    yes: bool = False,
    site: str | None = None,
) -> None:
    """Read a server that exists and write its site: variables, clients; again: show what has drifted."""
    from failover.verbs import adopt as verb

    sys.exit(
        verb.main(
            verb.AdoptArguments(
                instance,
                name,
                compartment,
                region,
                profile,
                user,
                host,
                clients,
                directory,
                image,
                successor,
                yes,
                site,
            )
        )
    )


@task(
    help={
        "server": "launch a throw-away server as this one is launched; default: the only one with an image",
        "standby": "use this server, which stands by without volumes, in place of a throw-away one",
        "clean": "only remove what a rehearsal that was killed has left",
        "fsck": "seconds after which the check of the filesystems is given up",
        "yes": "do not ask before it costs money",
        "json": "print the report as one JSON object on the last line of stdout",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def rehearse(
    _: Context,
    server: str = "",
    standby: str = "",
    clean: bool = False,
    fsck: float = arguments.Seconds(3600.0),
    yes: bool = False,
    json: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Take over clones of the data on a throw-away server, check them, remove it all; production goes on."""
    from failover.command import reported
    from failover.command.request import SiteChoice
    from failover.verbs import rehearse as verb

    chosen = SiteChoice(site, via, stack_id)
    wanted = verb.Wanted(server, standby, yes, clean, fsck)
    sys.exit(reported.main(lambda console: verb.rehearse(chosen, console, wanted), json))


@task(
    help={
        "kind": "incremental or full",
        "policy": "assign this backup policy to the volume group (bronze, silver, gold; none: take it away)",
        "look": "only say how old the newest backup is; exit code 3 when it is too old",
        "restore": "make a volume group of this backup, by its OCID or its name; nothing of the site changes",
        "wait": "seconds to wait until the backup, or the restored group, is AVAILABLE",
        "json": "print the report as one JSON object on the last line of stdout",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def backup(
    _: Context,
    kind: str = "incremental",
    policy: str = "",
    look: bool = False,
    restore: str = "",
    wait: float = arguments.Seconds(3600.0),
    json: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Back all volumes up at one moment, as a volume group; set the group's backup policy; say its age.

    --restore makes new volumes of a backup, beside those of the site, for `failover --volumes-from`.
    """
    from failover.command import reported
    from failover.command.request import SiteChoice
    from failover.verbs import backup as verb

    chosen = SiteChoice(site, via, stack_id)
    sys.exit(
        reported.main(
            lambda console: verb.backup(
                chosen, console, kind=kind, policy=policy, look=look, wait=wait, restore=restore
            ),
            json,
        )
    )


@task(
    positional=["action"],
    help={
        "action": "list, check (preflight's part of clients), run (bring over those that are left), "
        "migrate (to the service's address, so that the next failover touches no client), or follow (a unit "
        "of the clients' own, which remounts by itself once another server serves)",
        "nodes": "these clients, as a nodeset: gpu-[001-128]",
        "file": "clients in a file, a host or a nodeset a line; - for standard input",
        "inventory": "clients in an Ansible inventory, INI or YAML",
        "group": "only this group of the inventory",
        "slurm": "sinfo, a node list, or - for the output of `sinfo -N -h` on standard input",
        "tag": "instances with this freeform tag, KEY=VALUE",
        "compartment": "OCID of the compartment for --tag; default: the stack's",
        "seen": "the hosts that nfsd on the active server sees",
        "clients": "with run: auto (remount, and reboot where that does not do), remount, reboot, or none",
        "on": "with follow: put the unit on the clients, or renew it",
        "off": "with follow: take it away, to the last file",
        "status": "with follow: show which clients have it, and of which hooks' version",
        "back": "with migrate: back to the active server's own name",
        "resume_slurm": "with run: resume the nodes that Slurm had drained for a mount that is right again",
        "yes": "with run, migrate and follow: do not ask before acting",
        "json": "print the result as one JSON object on the last line of stdout",
        "transport": TRANSPORT_HELP,
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    },
)
def clients(
    _: Context,
    action: str,
    nodes: str = "",
    file: str = "",
    inventory: str = "",
    group: str = "",
    slurm: str = "",
    tag: str = "",
    compartment: str = "",
    seen: bool = False,
    clients: str = "auto",
    back: bool = False,
    on: bool = False,
    off: bool = False,
    status: bool = False,
    resume_slurm: bool = False,
    yes: bool = False,
    json: bool = False,
    transport: str = "",
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """The clients of the site, or of a list: list, check, bring over, migrate, let follow by themselves."""
    from failover.clients.sources import ClientSource
    from failover.command.request import SiteChoice
    from failover.verbs import clients as verb

    source = ClientSource(nodes, file, inventory, group, slurm, tag, compartment, seen)
    chosen = SiteChoice(site, via, stack_id, transport)
    follow = " and ".join(word for word, given in (("on", on), ("off", off), ("status", status)) if given)
    sys.exit(
        verb.main(verb.Arguments(action, chosen, source, clients, yes, json, back, resume_slurm, follow))
    )


@task(
    help={
        "server": "the server that the image is of; default: the active one",
        "successor": "whose image_id is changed in Terraform; default: the only server still to launch",
        "name": "the image's name; default: the server's, with the time",
        "keep": "how many images of this tool stay, the new one included",
        "quiesce": "stop the service for it, and image the server itself, as the manual procedure does",
        "yes": "do not ask before acting",
        "site": SITE_HELP,
        "via": VIA_HELP,
        "stack_id": STACK_HELP,
    }
)
def image(
    _: Context,
    server: str = "",
    successor: str = "",
    name: str = "",
    keep: int = arguments.Count(3),
    quiesce: bool = False,
    yes: bool = False,
    site: str | None = None,
    via: str = "",
    stack_id: str = "",
) -> None:
    """Take a golden image of the server while it serves, and give it to Terraform for the next server."""
    from failover.command.request import SiteChoice
    from failover.image.plan import ImageRequest
    from failover.verbs import image as verb

    request = ImageRequest(server, successor, name, keep, yes, quiesce)
    sys.exit(verb.main(request, SiteChoice(site, via, stack_id)))


@task
def render(_: Context) -> None:
    """Render what a new server boots with into terraform/rendered/, and form.toml into the form's files."""
    from failover.bundle import form
    from failover.bundle.cloud_init import write_rendered

    for path in (write_rendered(Path("terraform/rendered")), *form.write()):
        print(path)


@task
def package(_: Context) -> None:
    """Build dist/hooks.pyz, the hooks as one file, and dist/nfs-failover-stack.zip for Resource Manager."""
    from failover.bundle.stack_archive import build_stack
    from failover.bundle.zipapp import build_hooks

    print(build_hooks(Path("dist/hooks.pyz")))
    print(build_stack(Path("dist/nfs-failover-stack.zip")))


@task(
    help={
        "mode": "what happens to nfs-srv-1: dead, hung, unreachable or alive",
        "clients": "how the client is brought over: remount or reboot",
        "standby": "launch nfs-srv-2 beforehand",
        "failback": "afterwards, bring the service home to nfs-srv-1",
        "comeback": "afterwards, power nfs-srv-1 on: it must not be able to serve or write",
        "after": "seconds that the client writes before the failure",
        "kill_after": "kill -9 the failover after these seconds, then run the same command again; 0: don't",
        "guests": GUESTS_HELP,
        "door": "who fails over: cli, resource-manager (a console apply alone), or gitops (a pull request)",
        "hooks": "where a console's new server finds them: data, disk or url (it stands by), or data and "
        "changed",
        "site": "which site is built: lab, or by hand, as others build it: tip, tutorial, tutorial-32, "
        "oci-nfs, oci-hpc",
        "soak": "run so many drills, drawn from --seed: crash moment, mode, clients, the operator's death",
        "seed": "what --soak and --locks draw from",
        "locks": "so many moves in one lab, there and back, under three clients that pass a lock on",
        "jobs": "how many drills of --soak run side by side, each in a lab of its own",
        "lose": "remove this record from the file before counting, to see the drill fail",
        "json": "print the story as one JSON object on the last line of stdout",
        "run": RUN_HELP,
    }
)
def drill(
    c: Context,
    mode: str = "dead",
    clients: str = "remount",
    standby: bool = False,
    failback: bool = False,
    comeback: bool = False,
    after: float = 0.0,
    kill_after: float = 0.0,
    door: str = "cli",
    hooks: str = "data",
    guests: str = "debian",
    site: str = "lab",
    soak: int = 0,
    seed: int = 1,
    locks: int = 0,
    jobs: int = 1,
    lose: int = -1,
    json: bool = False,
    run: str | None = None,
) -> None:
    """Rehearse on real Linux guests: build a site, fail the server, fail over, count the data."""
    from lab.drill import drill as drills

    render(c)
    if door == "resource-manager":
        package(c)
    if soak:
        from lab.drill import soak as soaks

        sys.exit(soaks.main(_run_directory(run), soak, seed, json, max(jobs, 1)))
    if locks:
        from lab.drill import lock_moves

        sys.exit(lock_moves.main(_run_directory(run), locks, seed, json, guests))
    choices = drills.Choices(
        mode,
        clients,
        standby,
        failback,
        comeback,
        lose=None if lose < 0 else lose,
        after=after,
        kill_after=kill_after or None,
        door=door,
        hooks=hooks,
        guests=guests,
        site=site,
    )
    sys.exit(drills.main(_run_directory(run), choices, json))


@task(
    name="up",
    help={"standby": "launch nfs-srv-2 as well, without volumes", "guests": GUESTS_HELP, "run": RUN_HELP},
)
def lab_up(c: Context, standby: bool = False, guests: str = "debian", run: str | None = None) -> None:
    """Bring the lab up with the site serving; prints how to use it."""
    render(c)
    lab = _lab(run)
    _guarded(lambda: lab.up(standby=standby, guests=guests))
    print(f"up: ./inv failover --active nfs-srv-2 --site {lab.site_file}")


@task(name="down", help={"run": RUN_HELP})
def lab_down(_: Context, run: str | None = None) -> None:
    """Remove the whole lab."""
    _guarded(_lab(run).down)


@task(name="status", help={"run": RUN_HELP})
def lab_status(_: Context, run: str | None = None) -> None:
    """What of the lab is on this machine."""
    print("\n".join(_lab(run).status()) or "the lab is down: ./inv lab.up")


@task(
    name="ssh", help={"host": "nfs-srv-1, nfs-srv-2 or nfs-cli", "command": "one argument", "run": RUN_HELP}
)
def lab_ssh(_: Context, host: str, command: str, run: str | None = None) -> None:
    """Run a shell command on a guest."""
    _guarded(lambda: print(_lab(run).on(host, "sh", "-c", command), end=""))


@task(name="crash", help={"host": "the guest whose power is cut", "run": RUN_HELP})
def lab_crash(_: Context, host: str, run: str | None = None) -> None:
    """Cut a guest's power behind the API's back, which goes on saying RUNNING."""
    _guarded(lambda: _lab(run).crash(host))


@task(name="credentials")
def ci_credentials(_: Context) -> None:
    """Write a job's secrets ($OCI_CONFIG, $OCI_KEY, ...) to files that only it may read."""
    from failover.pipeline import verbs as ci

    sys.exit(ci.credentials())


@task(name="comment", positional=["plan"], help={"plan": "the file that `plan --format markdown` wrote"})
def ci_comment(_: Context, plan: str) -> None:
    """Put the plan on the job's pull request: one comment, renewed in place."""
    from failover.pipeline import verbs as ci

    sys.exit(ci.comment(plan))


@contextmanager
def _timed(name: str) -> Iterator[None]:
    """Keep how long it took, once it has succeeded, for `bench --what house`."""
    began = monotonic()
    yield
    file = Path(".venv/seconds.json")
    known = loads(file.read_text()) if file.exists() else {}
    file.write_text(dumps({**known, name: round(monotonic() - began)}))


@task
def lint(c: Context) -> None:
    """Everything that is checked without running it."""
    with c.prefix("export PATH=$PWD/.venv/bin:$PATH"):
        for command in CHECKS:
            print(f"--- {command}")
            c.run(command, in_stream=False)


@task
def check(c: Context) -> None:
    """Lint and unit tests alone: for every save."""
    with _timed("check"):
        lint(c)
        # more processes than processors: many tests wait for a deadline
        c.run(".venv/bin/pytest -q tests/unit -n 4", in_stream=False)


@task(
    help={
        "quick": "only what needs neither root nor guests",
        "nightly": "also what is tried each night: every fault on guests, every guest, drills from a seed",
    }
)
def test(c: Context, quick: bool = False, nightly: bool = False) -> None:
    """Lint, unit, Terraform and API tests, and drills on real guests."""
    with _timed("quick" if quick else "nightly" if nightly else "whole run"):
        _test(c, quick, nightly)


def _test(c: Context, quick: bool, nightly: bool) -> None:
    if not quick:
        _guarded(_prepare_machine)
    # three processes for two processors, drills in two of them at once: tests/conftest.py
    left_out = "guests" if quick else "" if nightly else "nightly"
    chosen = f" -m 'not {left_out}'" if left_out else ""
    slowest = "--durations 60 --durations-min 15"  # where the time went, for whoever makes this faster
    with ThreadPoolExecutor() as beside:
        # it takes a minute or two of one processor; drills wait for it (lab/hardware/image/build.py)
        image = None if quick else beside.submit(_guarded, _build_image)
        lint(c)
        render(c)
        c.run(f".venv/bin/pytest -q -n 3 --dist loadgroup {slowest}{chosen}", in_stream=False)
        if image:
            image.result()


@task(
    help={
        "what": "drills; hooks: `apply` on a guest against the same commands by hand; overhead: a failover "
        "against its critical path by hand; outage: of `image --quiesce` against the same by hand; "
        "rehearse: what a rehearsal adds to the latency of a client's fsync; "
        "clients: beside ansible, pdsh and clush; status: with one client and with hundreds; pacemaker: "
        "a takeover beside a Pacemaker pair and bare shell commands; sites: a failover of an adopted site "
        "beside the lab's own; or house: figures of the code itself",
        "sizes": "with clients and status: how many clients, such as 50,200,1000",
        "dead": "with clients: how many of 100 targets are silent, refuse, or hang after the login",
        "tools": "with clients: which of product,pdsh,clush,ansible",
        "ways": "with pacemaker: which of shell,pacemaker,product; with rehearse: of "
        "throw-away,together,standby; default: all",
        "moves": "with pacemaker: how many takeovers of each, there and back; with sites: of each, in turn",
        "real_hooks": "with clients: each target runs the hooks, in the place of an answer of theirs",
    }
)
def bench(
    c: Context,
    what: str = "drills",
    sizes: str = "50",
    dead: float = 0.0,
    tools: str = "product,pdsh,clush,ansible",
    real_hooks: bool = False,
    ways: str = "",
    moves: int = 2,
) -> None:
    """Measure what the README's figures come from."""
    render(c)  # a lab's stack lays it down; on a fresh checkout it is missing
    from bench import drills, hooks, house, outage, overhead

    if what == "clients":
        from bench.clients import bench as clients

        sys.exit(clients.main(sizes, dead, tools, light=not real_hooks))
    if what == "status":
        from bench.clients import status as looks

        sys.exit(looks.main(sizes))
    if what == "pacemaker":
        from bench.pacemaker import bench as takeovers

        sys.exit(takeovers.main(ways or ",".join(takeovers.WAYS), moves))
    if what == "rehearse":
        from bench.rehearsal import bench as rehearsals

        sys.exit(rehearsals.main(ways or ",".join(rehearsals.WAYS)))
    if what == "sites":
        from bench import sites

        sys.exit(sites.main(moves))
    known = {
        "drills": drills.main,
        "hooks": hooks.main,
        "overhead": overhead.main,
        "outage": outage.main,
        "house": house.main,
    }
    if what not in known:
        names = ", ".join([*known, "clients", "status", "pacemaker", "rehearse", "sites"])
        print(f"usage: --what {what}: expected one of {names}", file=sys.stderr)
        sys.exit(2)
    sys.exit(known[what]())


@task(help={"upgrade": "take the newest releases that requirements.in allows"})
def lock(c: Context, upgrade: bool = False) -> None:
    """Compile requirements.in into requirements.lock, with hashes and without any index's address."""
    c.run(
        ".venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header "
        f"--no-emit-index-url {'--upgrade ' if upgrade else ''}requirements.in -o requirements.lock",
        in_stream=False,
    )


def _run_directory(run: str | None) -> Path:
    from lab.site.lab import DEFAULT_RUN

    return Path(run) if run else DEFAULT_RUN


def _lab(run: str | None) -> Lab:
    from lab.site.lab import Lab

    return Lab(_run_directory(run), lambda text: print(text, flush=True))


def _prepare_machine() -> None:
    from lab.site.lab import require_root, require_terraform
    from lab.system import packages

    require_terraform()
    packages.ensure(packages.TEST_TOOLS)
    require_root()


def _build_image() -> None:
    from lab.hardware.image import build

    build.ensure()


def _guarded(action: Callable[[], None]) -> None:
    """Run it; the lab's own errors are one line and exit code 4."""
    from lab.client.api_process import CloudError
    from lab.system.errors import HardwareError

    try:
        action()
    except (HardwareError, CloudError) as error:
        sys.exit(f"failed: {error}")


GROUPS = {
    "in the worst hour": ("failover", "plan", "rollback", "status", "verify", "clients", "runs", "report"),
    "beforehand": ("adopt", "image", "preflight", "rehearse", "backup", "apply", "render", "package"),
    "rehearse": ("drill", "lab.up", "lab.ssh", "lab.crash", "lab.status", "lab.down"),
    "develop": ("check", "test", "lint", "bench", "lock", "ci.credentials", "ci.comment"),
    "the next server": ("standby.up", "standby.status", "standby.down", "reprotect", "commit"),
}


@task(default=True)
def verbs(_: Context) -> None:
    """List the verbs by what they are for; `./inv --help VERB` has a verb's options."""
    lines: list[str] = []
    for group, names in GROUPS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {name:<15} {(ns[name].__doc__ or '').partition(chr(10))[0]}" for name in names]
    print("\n".join(lines))  # at once: a pager may have read enough after the first lines


ns = Collection(
    verbs,
    failover,
    rollback,
    commit,
    clients,
    adopt,
    image,
    apply,
    preflight,
    rehearse,
    backup,
    reprotect,
    plan,
    verify,
    status,
    runs,
    report,
    render,
    package,
    drill,
    lint,
    check,
    test,
    bench,
    lock,
)
ns.add_collection(Collection("standby", standby_up, standby_down, standby_status))
ns.add_collection(Collection("lab", lab_up, lab_down, lab_status, lab_ssh, lab_crash))
ns.add_collection(Collection("ci", ci_credentials, ci_comment))
