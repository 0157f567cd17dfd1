"""What a server that stands by may have beforehand, so that its takeover does not have to make it.

The kernel has the modules that it needs, and what nfsd needs beside data runs. Its own loader finds the hooks
at once, and need not look for them on the volumes while an operator's run waits for it. Its boot service has
the spec of today, and not of the day on which the instance was born. The locks layer's units are there, and
systemd has read them. A takeover by an operator does without all of it; it takes longer then.
"""

from contextlib import suppress
from functools import partial
from typing import Callable, List

from hooks import walk
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import PRESENT, Layer
from hooks.contract.spec import ServerSpec
from hooks.host import site_spec
from hooks.host.host import HookError, Host
from hooks.layers.locks import locks
from hooks.layers.locks.keepers import properties_of
from hooks.probe import kept

SPEC, MODULES, UNITS = "spec", "modules", "units"
_FILESYSTEMS = "/proc/filesystems"  # nfsd has one, too (nfsd(7))
_BELOW_NFSD = ("proc-fs-nfsd.mount", "rpc_pipefs.target", "rpcbind.service")
_OTHERWISE = {1: "a kernel that has no such module: the survey says so"}


def ready(host: Host, text: str) -> List[Layer]:
    """A layer each, `modules`, `units`, `hooks PLACE`, `spec` and `locks`: present when it is there, broken
    with what was in its way. `text`: of a spec with all of the site's volumes.

    Nothing of a service that runs is touched. Raises SpecError for a client's spec.
    """
    has_service = site_spec.wanted(host)
    if has_service:
        with suppress(HookError):  # its own layer says why
            text = site_spec.completed(host, text)
    spec = parse(text)
    if not isinstance(spec, ServerSpec):
        raise SpecError("ready: found a client's spec, expected a server's")
    layers = [_layer(host, MODULES, lambda: _load(host, spec)), _layer(host, UNITS, lambda: _start(host))]
    layers += kept.keep_on_disk(host)
    if has_service:
        layers.append(_layer(host, SPEC, lambda: [site_spec.FILE + " written"] * site_spec.keep(host, text)))
    if spec.locks:
        layers.append(_layer(host, locks.NAME, partial(locks.make_ready, host, spec)))
    return layers


def _load(host: Host, spec: ServerSpec) -> List[str]:
    """The kernel's modules of the spec's filesystems and of nfsd (modprobe(8)); no thread runs by it."""
    there = (host.read(_FILESYSTEMS) or "").split()
    wanted = sorted({item.type for item in spec.filesystems} | {"nfsd"})
    missing = [name for name in wanted if name not in there]
    if not missing:
        return []
    host.run("modprobe", "-a", "-q", *missing, tolerate=_OTHERWISE)
    return [", ".join(missing) + " loaded"]


def _start(host: Host) -> List[str]:
    """The units below nfsd that have no data: filesystems of the kernel, and the register of RPC programs.
    One that is masked, or not there, is left so."""
    states = properties_of(host, "LoadState,ActiveState", _BELOW_NFSD)
    down = {"LoadState": "loaded", "ActiveState": "inactive"}
    names = [name for name, state in states.items() if state == down]
    if not names:
        return []
    host.run("systemctl", "start", *names)
    return [", ".join(names) + " started"]


def _layer(host: Host, name: str, work: Callable[[], List[str]]) -> Layer:
    def made() -> Layer:
        done = work()
        return Layer(name, PRESENT, bool(done), 0.0, "; ".join(done) or "nothing to do: it is there", {})

    return walk.timed(host, name, made)
