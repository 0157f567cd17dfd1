"""What a run on this machine reads and writes must not lie on the service that it brings back.

A login node often has its home folders, and with them the stack, the keys or this checkout, from the server
itself. Its mount hangs as soon as that server is gone, and the operator's command with it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from failover.model.site import Site
from failover.model.stack_output import Stack
from failover.paths import ROOT
from failover.preflight.check import Check, blocking, ok
from failover.preflight.context import Ground
from hooks.client.site_names import option, plain, source_of
from hooks.host import mounts as mount_table
from hooks.host.mounts import Mounted

NAME = "this machine's own mounts"


def look(ground: Ground) -> Iterator[Check]:
    """By the kernel's mount table. A path that hangs already is met by the check's deadline."""
    real = {what: Path(os.path.realpath(path)) for what, path in used(ground.site).items()}
    table = mount_table.parse(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))
    yield judge(real, table, names(ground.stack))


def used(site: Site) -> dict[str, Path]:
    """Each thing that a run needs on this machine, and where it is."""
    terraform = None if site.terraform.stack_id else shutil.which("terraform")
    paths = {
        "the site file": site.file,
        "the runs": site.runs,
        "the stack": site.terraform.checkout if site.terraform.stack_id else site.terraform.directory,
        "this checkout": ROOT,
        "its Python": Path(sys.executable).parent,
        "Terraform": Path(terraform) if terraform else None,
        "OCI's configuration": site.cloud.config_file,
        "the SSH key": site.ssh.identity_file,
        "SSH's configuration": site.ssh.config_file,
        "known_hosts": site.ssh.known_hosts,
        "your home folder": Path(os.path.expanduser("~")),  # noqa: PTH111 - Path's raises for a user without one
        "the folder of temporary files": Path(tempfile.gettempdir()),
    }
    return {what: path for what, path in paths.items() if path is not None}


def names(stack: Stack) -> frozenset[str]:
    """What the service is mounted by: its own address and name, the active server's addresses and name."""
    active = stack.servers[stack.active]
    known = (*active.addresses, active.hostname, stack.service_ip, stack.dns_name)
    return frozenset(plain(one) for one in known if one)


def judge(used_paths: Mapping[str, Path], table: Sequence[Mounted], service: Collection[str]) -> Check:
    """`used_paths`: by what they are for, without links; `service`: its names and addresses."""
    from_service: dict[str, list[str]] = {}
    for what, path in used_paths.items():
        mounted = _below(path, table)
        if mounted and mounted.type in ("nfs", "nfs4") and _hosts(mounted) & set(service):
            from_service.setdefault(f"{mounted.source} at {mounted.mount}", []).append(f"{what} ({path})")
    if not from_service:
        return ok(NAME, "nothing that a run needs is on the service itself")
    against = (f"{' and '.join(what)} lie on {mount}" for mount, what in from_service.items())
    return blocking(
        NAME,
        f"{'; '.join(against)}: they hang with the service, and so would this command",
        "whatever a run needs on a disk of this machine",
        "put it on a local disk, or run on a machine that mounts nothing of the site",
    )


def _below(path: Path, table: Sequence[Mounted]) -> Mounted | None:
    """The mount that shows the path: the deepest one above it, of several there the topmost."""
    above = [one for one in table if path.is_relative_to(one.mount)]
    return max(reversed(above), key=lambda one: len(PurePath(one.mount).parts), default=None)


def _hosts(mounted: Mounted) -> set[str]:
    """The host as it was named, and the address that the kernel talks to."""
    source = source_of(mounted.source)
    return {plain(option(mounted.options, "addr")), source.host if source else ""} - {""}
