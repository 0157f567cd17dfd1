"""Looks at the server that shall be adopted: by the API, then over SSH. Changes nothing anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from failover.adopt.host_view import HostView, parse
from failover.cloud import profile
from failover.cloud.inventory import Unanswered
from failover.cloud.server_reads import ServerFacts, ServerReads
from failover.hosts.hook_runner import Hosts
from failover.hosts.ssh import LoginRefused, Silent
from failover.model.host.host_spec import no_layers
from failover.model.outcome import FailoverError, Refused, Unknown, Usage
from failover.model.site import Site

_SECONDS = 120.0
_OCID = re.compile(r"ocid1\.([a-z0-9]+)\.[a-z0-9-]+\.([a-z0-9-]*)\.[A-Za-z0-9._-]+")
_NO_RIGHT = (401, 403, 404)
# Without one of these, storage that is there would look as if it were not.
_NEEDED = ("iscsi: ", "lvm: ", "block: ", "fstab: ", "mounts: ", "exports: ")
_NO_LVM = "lvm: pvs: command not found"  # a server whose filesystems are straight on its volumes
_NO_SPEC = no_layers(int(_SECONDS))


@dataclass(frozen=True)
class HostLook:
    """The host, or why it was not read. `site`: the site with the login that got in."""

    host: HostView | None
    site: Site
    reason: str = ""


def checked_ocid(text: str, kind: str, flag: str) -> str:
    """The OCID, without blanks around it, if it is of this kind. Raises Usage naming what kind it is of."""
    match = _OCID.fullmatch(text.strip())
    if match and match.group(1) == kind:
        return match.group()
    what = f"the OCID of a {match.group(1)}" if match else "no OCID"
    raise Usage(
        f"{flag} {text.strip() or repr(text)}: found {what}, expected one of {kind}",
        f'copy it from the console ("ocid1.{kind}.…")',
    )


def instance_of(reads: ServerReads, name: str, compartment_id: str) -> str:
    """The one instance of this display name in the compartment. Raises Usage for none or several."""
    try:
        ids = reads.named(name, compartment_id)
    except Unanswered as error:
        raise _refused(error, f"the instances of compartment {compartment_id}") from error
    if len(ids) != 1:
        many = f"{len(ids)} instances ({', '.join(ids)})" if ids else "no instance"
        raise Usage(
            f"--name {name}: found {many} of that name in {compartment_id}, expected one",
            "name it by its OCID: --instance",
        )
    return ids[0]


def server_of(reads: ServerReads, instance_id: str) -> ServerFacts:
    """The server by the API. Raises Refused where the caller may not read it, Unknown without an answer."""
    try:
        return reads.server(instance_id)
    except Unanswered as error:
        raise _refused(error, instance_id) from error


def _refused(error: Unanswered, what: str) -> FailoverError:
    if error.status in _NO_RIGHT:
        return Refused(
            f"{what}: {error.reason}: it is in another region, or gone, or you may not read it",
            "name a profile of its region (--profile), and allow yourself to read instances, volumes, "
            "volume-attachments, vnics and subnets in its compartment; nothing was written",
        )
    error.remedy = "look at the service's status and your network; then run it again"
    return error


def check_region(site: Site, region: str) -> None:
    """Raise Usage where the profile's region is another: every later run would work in that one."""
    profile_region = profile.read(site.cloud).get("region", "")
    if region and profile_region and profile.full_region(profile_region) != region:
        raise Usage(
            f"the region is {region}; "
            f"profile {site.cloud.profile} of {site.cloud.config_file} has {profile_region}",
            f"name a profile of {region} with --profile, or in [oci] of {site.file}",
        )


def host_of(site: Site, name: str, address: str, system: str) -> HostLook:
    """The server over SSH. A login that is refused is tried once more as the image's user (opc, ubuntu)."""
    if not site.ssh.reach:
        return HostLook(None, site, f"[ssh] reach = false in {site.file}: no host is reached from here")
    if not address:
        return HostLook(None, site, "the API tells no address of it: name one with --host")
    try:
        return HostLook(_inventory(site, name, address), site)
    except LoginRefused as error:
        user = "ubuntu" if "ubuntu" in system.lower() else "opc"
        if site.ssh.user is None:
            other = replace(site, ssh=replace(site.ssh, user=user))
            again = _look(other, name, address)
            return again if again.host else HostLook(None, site, f"{error.reason}; as {user}: {again.reason}")
        return HostLook(None, site, error.reason)
    except (Silent, FailoverError) as error:
        return HostLook(None, site, _reason(error))


def _look(site: Site, name: str, address: str) -> HostLook:
    try:
        return HostLook(_inventory(site, name, address), site)
    except (Silent, FailoverError) as error:
        return HostLook(None, site, _reason(error))


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, FailoverError) else f"no answer: {error}"


def _inventory(site: Site, name: str, address: str) -> HostView:
    hosts = Hosts(site)
    try:
        inventory = parse(hosts.at(name, address).hooks("inventory", _NO_SPEC, _SECONDS))
    finally:
        hosts.close()
    if lacking := [
        line for line in inventory.unread if line.startswith(_NEEDED) and not line.startswith(_NO_LVM)
    ]:
        raise Unknown(f"{name} lets us in, and was not read: {'; '.join(lacking)}", "mend that on the server")
    return inventory
