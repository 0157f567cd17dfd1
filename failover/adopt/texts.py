"""The files of an adopted site as texts: variables, imports, the active server. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failover.adopt.site import AdoptedSite
from failover.adopt.values import replacement
from failover.adopt.volumes import described
from failover.stack.addresses import attachment
from failover.tfvars import hcl

SUCCESSOR = "nfs-srv-2"
_NAMED = frozenset(
    {
        ("servers",),
        ("volumes",),
        ("storage", "volume_groups"),
        ("storage", "filesystems"),
    }
)
_FLAT = frozenset({("volumes",), ("storage", "volume_groups")})


def variables(values: Mapping[str, Any], site: AdoptedSite) -> str:
    """site.auto.tfvars, commented and as `terraform fmt` lays it out."""
    inner = {("servers", name, "secondary_vnics") for name in values.get("servers", {})}
    named = _NAMED | inner | {("servers", name, "tags") for name in values.get("servers", {})}
    return hcl.body(values, _comments(values, site), frozenset(named), _FLAT | frozenset(inner))


def _comments(values: Mapping[str, Any], site: AdoptedSite) -> hcl.Comments:
    region = ["The site of this stack, read by `invoke adopt`. Run again, that shows what has drifted."]
    region += ["active_server stays in active.auto.tfvars, the one line that a failover changes."]
    comments: dict[hcl.Path, list[str]] = {
        ("region",): region,
        ("ssh_authorized_keys",): ["Who may log in on launched servers: public keys."],
        ("servers", site.name): _server_lines(site),
        ("volumes",): ["Every volume that moves with the service."],
    }
    for name, volume in site.volumes.items():
        comments["volumes", name] = [described(volume)]
    if site.storage:
        comments["storage",] = [f"As the server has it: {_system(site)}", *site.notes]
    elif "storage" not in values:
        comments["volumes", ""] = ["What lies on them could not be read: `storage` is missing."]
    if len(values.get("servers", {})) == 1:
        comments["servers", ""] = _outline(site)
    return comments


def _server_lines(site: AdoptedSite) -> list[str]:
    instance = site.server.instance
    lines = [
        f"Exists: adopted, and never changed. {instance.shape}, {instance.availability_domain}, "
        f"{instance.fault_domain}."
    ]
    for vnic in site.server.vnics:
        kind = "primary VNIC" if vnic.primary else f"VNIC {vnic.name}"
        lines.append(
            f"{kind}: {', '.join(vnic.addresses)} in {vnic.subnet or vnic.subnet_id} ({vnic.cidr}), "
            f"NIC {vnic.nic_index}"
        )
    if site.server.boot_volume:
        lines.append(f"boot volume: {site.server.boot_volume}")
    if site.server.image:
        lines.append(f"launched from {site.server.image} ({site.server.system})")
    return lines


def _system(site: AdoptedSite) -> str:
    host = site.host
    if host is None:
        return ""
    versions = " ".join(host.versions)
    return f"{host.system}; nfsd has {host.threads} threads" + (f", versions {versions}" if versions else "")


def _outline(site: AdoptedSite) -> list[str]:
    """The replacement as far as it is known, in comments: its image is missing."""
    known = {SUCCESSOR: {"image_id": "ocid1.image..."} | replacement(site)}
    named = frozenset({("servers",), ("servers", SUCCESSOR, "secondary_vnics")})
    text = hcl.body({"servers": known}, {}, named, frozenset())
    inner = [line[2:] for line in text.splitlines()[1:-1]]
    return [
        "Its replacement, launched when it is needed. image_id is missing: that of a custom image of the",
        "server, which `invoke image` takes. Then take the # away:",
        *inner,
    ]


def imports(attachments: Mapping[str, str]) -> str:
    """Import blocks for attachments (volume's name → OCID) that no state has yet; empty for none."""
    blocks = [
        f'import {{\n  to = {attachment(name)}\n  id = "{ocid}"\n}}\n' for name, ocid in attachments.items()
    ]
    head = (
        "# Attachments that exist, for Terraform's state: written by `invoke adopt`, which removes this\n"
        "# file once they are imported. It is no part of the stack, and of no zip of it.\n"
    )
    return head + "\n" + "\n".join(blocks) if blocks else ""


def active(name: str) -> str:
    """active.auto.tfvars."""
    return f'active_server = "{name}"\n'
