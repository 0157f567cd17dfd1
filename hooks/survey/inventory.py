"""What a server is as it stands: read without a spec of it, changing nothing, for whoever writes its spec.

A layer each: system, iscsi, lvm, block, fstab, mounts, exports, nfs, clients. What could not be read is a
layer of its own state with the reason; the others are read all the same.
"""

import json
import os
import re
from functools import partial
from glob import glob
from typing import Callable, Dict, List, Sequence, Tuple

from hooks import walk
from hooks.contract.result import CLIENTS, PRESENT, WAYS_BY_CLIENT, Facts, Layer
from hooks.contract.spec import Spec
from hooks.host.host import CommandFailed, Host
from hooks.host.mounts import mounts
from hooks.layers import fstab, iscsi, lvm, nfs
from hooks.layers.devices import link
from hooks.survey import observed_clients
from hooks.survey.exports import written
from hooks.survey.nfs import settings, shown

_BY_PATH = "/dev/disk/by-path"
_LINK = re.compile(r"ip-(\S+:\d+)-iscsi-(\S+)-lun-(\d+)")
_PVS = "pv_name,pv_missing,vg_name,vg_uuid,vg_missing_pv_count,vg_systemid"
_LVS = "vg_name,lv_name,lv_active,segtype,stripes,stripe_size,devices,origin"
_BLOCK = "KNAME,TYPE,SIZE,FSTYPE,UUID,LABEL,PKNAME"
_AGENTS = ("oracle-cloud-agent", "snap.oracle-cloud-agent.oracle-cloud-agent")
_UNITS = ("iscsid", "nfs-server", "rpc-rquotad", "firewalld", "autofs")
_QUOTAS = ("/etc/projects", "/etc/projid")
_NOT_ACTIVE = dict.fromkeys((1, 3, 4), "not active")
_UNLISTED = {1: "nothing to list"}


def inventory(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Every part that could be read; a part that could not is broken or unknown, and says why."""
    return [walk.timed(host, name, partial(_layer, host, name)) for name in PARTS]


def _layer(host: Host, name: str) -> Layer:
    return Layer(name, PRESENT, False, 0.0, "", PARTS[name](host))


def _system(host: Host) -> Facts:
    """os-release(5), the login that came here with the keys that let it in, and which services run."""
    release = {}
    for line in (host.read("/etc/os-release") or host.read("/usr/lib/os-release") or "").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            release[key.strip()] = value.strip().strip("\"'")
    login = os.environ.get("SUDO_USER", "root")
    keys = (host.read(os.path.expanduser("~" + login) + "/.ssh/authorized_keys") or "").splitlines()
    active = {unit: _active(host, unit) for unit in (*_UNITS, *_AGENTS)}
    return {
        "os": release,
        "login": login,
        "authorized_keys": [line.strip() for line in keys if line.strip() and not line.startswith("#")],
        "active": sorted(unit for unit, state in active.items() if state),
        "agent": any(active[unit] for unit in _AGENTS),
    }


def _active(host: Host, unit: str) -> bool:
    return host.run("systemctl", "is-active", "-q", unit, tolerate=_NOT_ACTIVE).code == 0


def _iscsi(host: Host) -> Facts:
    """Sessions, node records (never their secrets), and each target's disk by udev's name for its path."""
    now = iscsi.observe(host)
    records = [
        {
            "iqn": iqn,
            "portal": portal,
            "startup": record.get("node.startup", ""),
            "chap": record.get("node.session.auth.authmethod", "None").upper() == "CHAP",
        }
        for (iqn, portal), record in sorted(now.records.items())
    ]
    disks = []
    for name in sorted(glob(host.path(_BY_PATH + "/ip-*-iscsi-*-lun-*"))):
        match = _LINK.fullmatch(os.path.basename(name))
        if match:  # a partition's link ends in -partN
            device = host.real(_BY_PATH + "/" + os.path.basename(name))
            disks.append({"portal": match.group(1), "iqn": match.group(2), "device": device})
    return {"sessions": [dict(item._asdict()) for item in now.sessions], "records": records, "disks": disks}


def _lvm(host: Host) -> Facts:
    """Physical volumes by the disk that they are, and each segment of each logical volume."""
    physical = lvm.report(host, "pv", "pvs", "--foreign", "-o", _PVS)
    segments = lvm.report(host, "seg", "lvs", "-a", "--foreign", "--segments", "-o", _LVS)
    for row in physical:
        row["device"] = host.real(row["pv_name"]) or row["pv_name"]
    for row in segments:
        row["device"] = host.real("/dev/{}/{}".format(row["vg_name"], row["lv_name"])) or ""
    return {"physical": physical, "segments": segments}


def _block(host: Host) -> Facts:
    """Every block device with what is on it; `parents`: what it lies on (lsblk(8))."""
    out = host.run("lsblk", "-J", "-b", "-p", "-o", _BLOCK, tolerate=_UNLISTED).out
    try:
        tree = json.loads(out or "{}").get("blockdevices", [])
    except ValueError:
        raise CommandFailed("`lsblk` gave no JSON, but: {}".format(out[:200])) from None
    by_name: Dict[str, Dict[str, object]] = {}
    _flatten(tree, by_name)
    return {"devices": [by_name[name] for name in sorted(by_name)]}


def _flatten(nodes: List[Dict[str, object]], by_name: Dict[str, Dict[str, object]]) -> None:
    """A device on several others stands below each of them in lsblk's tree."""
    for node in nodes:
        name = str(node["kname"])
        entry = by_name.setdefault(name, {"device": name, "parents": []})
        for key in ("type", "size", "fstype", "uuid", "label"):
            entry[key] = str(node.get(key) or "")
        parents = entry["parents"]
        if node.get("pkname") and isinstance(parents, list) and node["pkname"] not in parents:
            parents.append(node["pkname"])
        children = node.get("children")
        _flatten(children if isinstance(children, list) else [], by_name)


def _fstab(host: Host) -> Facts:
    """The active lines; `real`: the device that the line's source leads to now. Where there is one, symbolic
    links in `mount` are followed, as systemd-fstab-generator(8) does."""
    lines = [line for line in fstab.lines(host.read(fstab.PATH) or "") if line.active]
    rows = []
    for line in lines:
        real = host.real(link(line.device)) or ""
        mount = (host.real(line.mount) if real else None) or line.mount
        rows.append(
            {
                "source": line.device,
                "mount": mount,
                "type": line.type,
                "options": line.options,
                "real": real,
            }
        )
    return {"lines": rows}


def _mounts(host: Host) -> Facts:
    """What the kernel has mounted of block devices; `root`: the folder of the filesystem that it shows."""
    mounted = [item for item in mounts(host) if item.source.startswith("/dev/")]
    files = [name for name in _QUOTAS if (host.read(name) or "").strip()]
    rows = [
        {
            "mount": item.mount,
            "type": item.type,
            "options": item.options,
            "root": item.root,
            "real": host.real(item.source) or item.source,
        }
        for item in mounted
    ]
    return {"mounts": rows, "quota_files": files}


def _exports(host: Host) -> Facts:
    """exportfs(8)'s table, which the kernel serves by, and what each file of exports has."""
    table = shown(host.run("exportfs", "-s").out)
    files = {name: written(fstab.restore(host.read(name) or "")) for name in nfs.files(host)}
    return {"table": _rows(table), "files": {name: _rows(entries) for name, entries in files.items()}}


def _rows(table: Dict[Tuple[str, str], List[str]]) -> List[Dict[str, object]]:
    return [
        {"path": path, "client": client, "options": options}
        for (path, client), options in sorted(table.items())
    ]


def _nfs(host: Host) -> Facts:
    """nfsd's threads and versions as they run, and what it is configured to."""
    return {
        "threads": (host.read("/proc/fs/nfsd/threads") or "0").strip(),
        "versions": (host.read("/proc/fs/nfsd/versions") or "").split(),
        "settings": settings(host),
    }


def _clients(host: Host) -> Facts:
    return {WAYS_BY_CLIENT: observed_clients.observe(host)}


PARTS: Dict[str, Callable[[Host], Facts]] = {
    "system": _system,
    "iscsi": _iscsi,
    "lvm": _lvm,
    "block": _block,
    "fstab": _fstab,
    "mounts": _mounts,
    "exports": _exports,
    "nfs": _nfs,
    CLIENTS: _clients,
}
