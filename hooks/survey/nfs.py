"""What the server exports, and how, that the spec lacks; what its nfsd is set to."""

import os
import re
from typing import Dict, Iterator, List, Tuple

from hooks.contract.parse import PATH
from hooks.contract.spec import Export, ServerSpec
from hooks.host.host import Host
from hooks.layers import exports, nfs
from hooks.layers.served import NETWORK, addresses, served
from hooks.survey.remark import Remark, holds, refusal, refusals, warning

DEFAULTS = ("ro", "sync", "wdelay", "hide", "no_subtree_check", "secure", "root_squash", "no_all_squash")
_PAIRS = {"rw": "ro", "async": "sync", "nohide": "hide", "insecure": "secure"}
_IGNORED = ("mountpoint", "mp", "sec", "pnfs", "no_pnfs")
_CONFIGURED = ("/etc/nfs.conf", "/etc/nfs.conf.d")
_ETAB = "/var/lib/nfs/etab"
_COUNT = ("/etc/sysconfig/nfs", "/etc/default/nfs-kernel-server")


def refused(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    yield from refusals(nfs.refusals(host, spec))


def names(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """exportfs(8) leaves out a client whose name has no address, and serves the others, if there are any."""
    text = "{} to {}: the name has no address on this host; correct the name, or take it out"
    for export in spec.exports:
        nameless = [client for client in _named(export) if not addresses(host, client)]
        remark = refusal if nameless == list(export.clients) and not holds(host, spec) else warning
        yield from (remark(text, export.path, client) for client in nameless)


def known(host: Host, spec: ServerSpec) -> Dict[str, List[str]]:
    """Addresses by name of each client that is exported to by its name, as this host has them."""
    clients = {client for export in spec.exports for client in _named(export)}
    return {client: sorted(addresses(host, client)) for client in sorted(clients)}


def _named(export: Export) -> List[str]:
    return [client for client in export.clients if not NETWORK.search(client)]


def lost(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """Where the volumes are: what is exported now and would be no more, or otherwise."""
    if holds(host, spec):
        yield from _lost(host, spec, shown(host.run("exportfs", "-s").out))


def unlisted(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """The same for a spec without any export, which nobody asks the NFS layer about."""
    if holds(host, spec) and not spec.exports:
        yield from _lost(host, spec, shown(host.read(_ETAB) or ""))


def _lost(host: Host, spec: ServerSpec, table: Dict[Tuple[str, str], List[str]]) -> Iterator[Remark]:
    concerned = nfs.concerning(host, spec)
    for (path, client), options in sorted(table.items()):
        if concerned(path) and not exports.concerned(spec, path):
            text = (
                "{} is exported to {} and is a bind mount out of a filesystem of the spec, which no spec "
                "has; export the filesystem's own folder instead (fsid=0 makes it NFSv4's root)"
            )
            yield refusal(text, path, client)
            continue
        if not exports.concerned(spec, path):
            yield _stays(spec, path, client, options)
            continue
        mine = [one for one in spec.exports if one.path == path and _wanted(host, one, client)]
        if not mine:
            text = "{} is exported to {} ({}), and the spec lacks it; add it to the spec's exports"
            yield warning(text, path, client, ",".join(_telling(options)))
        else:
            yield from _kerberos(mine[0], client, options)
            yield from _different(mine[0], client, options)


def _stays(spec: ServerSpec, path: str, client: str, options: List[str]) -> Remark:
    """An export from this server's own disk. One of a folder above the data may be what serves that
    (exports(5), crossmnt), or what gives clients of NFSv4 shorter paths to it (fsid=0)."""
    mounts = [item.mount for item in spec.filesystems]
    above = [mount for mount in mounts if mount.startswith(path.rstrip("/") + "/")]
    alone = [mount for mount in above if not any(_below(export.path, mount) for export in spec.exports)]
    if "crossmnt" in options and alone:
        text = (
            "{0} is exported to {1} with crossmnt, and {2} by that alone, which the next server lacks; "
            "export {2} itself, and add that to the spec's exports"
        )
        return refusal(text, path, client, ", ".join(alone))
    if "fsid=0" in options and above:
        text = (
            "{} is exported to {} as NFSv4's root (fsid=0) from this server's own disk, and stays behind: "
            "the next server has {} by the full path alone; have clients mount by that, without fsid=0 here"
        )
        return warning(text, path, client, ", ".join(above))
    return warning("{} is exported to {} from this server's own disk; it stays behind", path, client)


def _below(path: str, mount: str) -> bool:
    return (path + "/").startswith(mount + "/")


def unnamed(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """Exported paths that no spec can name, by the files and exportfs(8)'s own: its -s quotes no blanks."""
    if not holds(host, spec):
        return
    texts = [host.read(name) or "" for name in (*nfs.files(host), _ETAB)]
    paths = {path for text in texts for path, _ in exports.parse(text) if not PATH[0].fullmatch(path)}
    for path in sorted(path for path in paths if exports.concerned(spec, path)):
        text = (
            "{!r} is exported, and a path with blanks or special characters cannot be in the spec; export "
            "the folder above it instead, or rename it"
        )
        yield refusal(text, path)


def _wanted(host: Host, export: Export, client: str) -> bool:
    return any(
        exports.canonical(wanted) == exports.canonical(client)
        or (
            not exports.covers(client, wanted)
            and served(host, (export.path, wanted), [(export.path, client)])
        )
        for wanted in export.clients
    )


def shown(text: str) -> Dict[Tuple[str, str], List[str]]:
    """Options by path and client, as exportfs(8) -s shows them."""
    options_by_export = {}
    for line in text.splitlines():
        options = line.rstrip().rpartition("(")[2].rstrip(")").split(",")
        options_by_export.update(dict.fromkeys(exports.parse(line), options))
    return options_by_export


def _effective(export: Export) -> List[str]:
    """All options of the spec's export, those by default too (exports(5))."""
    options = list(DEFAULTS) + export.options.split(",")
    options += ["fsid={}".format(export.fsid)] if export.fsid is not None else []
    return list({key_of(option): option for option in options}.values())


def key_of(option: str) -> str:
    """What excludes each other has one key."""
    option = _PAIRS.get(option, option)
    return option.partition("=")[0][3:] if option.startswith("no_") else option.partition("=")[0]


def _telling(options: List[str]) -> List[str]:
    return [option for option in options if option not in DEFAULTS and key_of(option) not in _IGNORED]


def _kerberos(export: Export, client: str, options: List[str]) -> Iterator[Remark]:
    """Its keys are on this server's own disk; a spec that names the same has somebody who put them there."""
    wanted = export.options.split(",")
    odd = [option for option in options if re.match("sec=.*krb5", option) and option not in wanted]
    if odd:
        text = (
            "{} is exported to {} with {}, expected sec=sys: the next server has no keys for Kerberos; "
            "export with sec=sys, or give every server a keytab and the spec's options the same sec"
        )
        yield refusal(text, export.path, client, ",".join(odd))


def _different(export: Export, client: str, options: List[str]) -> Iterator[Remark]:
    wanted = {key_of(option): option for option in _effective(export)}
    odd = [
        option
        for option in options
        if key_of(option) not in _IGNORED and wanted.get(key_of(option)) != option
    ]
    odd = [option for option in odd if key_of(option) in wanted or option not in DEFAULTS]
    if odd:
        text = "{} is exported to {} with {}, and by the spec it would be {}; make the spec's options agree"
        other = [wanted.get(key_of(option), "without " + option) for option in odd]
        yield warning(text, export.path, client, ",".join(odd), ",".join(other))


def settings(host: Host) -> Dict[str, str]:
    """What nfsd is configured to here: [nfsd] of nfs.conf(5), and the older files' count of threads."""
    values: Dict[str, str] = {}
    for name in _COUNT:
        counts = re.findall(r"^\s*RPCNFSDCOUNT=[\"']?(\d+)", host.read(name) or "", re.MULTILINE)
        if counts:
            values["threads"] = counts[-1]
    return {**values, **configured(host, "nfsd")}


def configured(host: Host, name: str) -> Dict[str, str]:
    """One section of nfs.conf(5), of all its files."""
    values: Dict[str, str] = {}
    for file in _files(host):
        values.update(section(host.read(file) or "", name))
    return values


def _files(host: Host) -> List[str]:
    main, folder = _CONFIGURED
    names = sorted(os.listdir(host.path(folder))) if os.path.isdir(host.path(folder)) else []
    return [main] + [folder + "/" + name for name in names if name.endswith(".conf")]


def section(text: str, name: str) -> Dict[str, str]:
    """The settings of one section, names in lower case (nfs.conf(5))."""
    values, current = {}, ""
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].strip()
        if words.startswith("["):
            current = words[1:].split("]")[0].split('"')[0].strip().lower()
        elif current == name and "=" in words:
            key, _, value = words.partition("=")
            values[key.strip().lower()] = value.strip().strip("\"'")
    return values
