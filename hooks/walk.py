"""Walks the layers in order: check, act, check again; stops at the first that fails and says which."""

from functools import partial
from types import ModuleType
from typing import Callable, Iterable, List, Sequence, Tuple

from hooks.contract.result import ABSENT, BROKEN, PRESENT, STAYS, UNKNOWN, Layer, LayerFinding
from hooks.contract.spec import Spec
from hooks.host.host import HookError, Host, OutOfTime
from hooks.layers import address, filesystem, iscsi, lvm, network, nfs
from hooks.layers.locks import locks
from hooks.settings import settings

# each layer with the part of the spec that it brings up, from the ground upwards
_Order = Tuple[Tuple[ModuleType, str], ...]
_SERVER: _Order = (
    (iscsi, "volumes"),
    (lvm, "volume_groups"),
    (filesystem, "filesystems"),
    (settings, "settings"),
    (locks, "locks"),
    (nfs, "exports"),
    (network, "networks"),
    (address, "service_address"),
)
Act = Callable[[Host, ModuleType, Spec], Layer]
NAMES = (*(module.NAME for module, _ in _SERVER), "client")


def check(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Every layer's state. A layer whose check fails is unknown; the other layers are still checked."""
    parts = chosen(spec, only)
    return [timed(host, module.NAME, partial(_layer_of, host, module, spec, "look")) for module in parts]


def apply(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Brings up each layer on the one below; after a failure nothing above is touched.

    What a layer can learn before those below are up, its `begin` has asked meanwhile.
    """
    modules = chosen(spec, only)
    for module in modules:
        if hasattr(module, "begin") and len(modules) > 1:
            module.begin(host, spec)
    with host.one_look():  # a check and the act after it ask the same, and so may the next layer's check
        layers = _walk(host, modules, spec, _applied, PRESENT)
    return [_with_afterthoughts(host, module, layer) for module, layer in zip(modules, layers)]  # noqa: B905 - Python 3.6


def _with_afterthoughts(host: Host, module: ModuleType, layer: Layer) -> Layer:
    """What a layer that is up has to say when nobody waits for it any more: it changes nothing."""
    say = getattr(module, "afterwards", None)
    texts: List[str] = say(host) if say and layer.state == PRESENT else []
    return layer._replace(message="; ".join([layer.message, *texts]))


def release(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Takes down each layer from the top; after a failure nothing below is touched.

    A host keeps its own settings and its own networks.
    """
    going = [
        module for module in chosen(spec, only) if module.NAME not in STAYS and hasattr(module, "release")
    ]
    return _walk(host, going[::-1], spec, _released, ABSENT)


def chosen(spec: Spec, only: Sequence[str]) -> List[ModuleType]:
    """The layers that this spec has a part for, from the ground upwards."""
    order = _SERVER if spec.role == "server" else _client()
    return [module for module, part in order if getattr(spec, part) and (not only or module.NAME in only)]


def _client() -> _Order:
    from hooks.client import client  # noqa: PLC0415 - a server starts without its modules

    return ((client, "mounts"),)


def _walk(host: Host, modules: Iterable[ModuleType], spec: Spec, act: Act, aim: str) -> List[Layer]:
    layers: List[Layer] = []
    for module in modules:
        layer = timed(host, module.NAME, partial(act, host, module, spec))
        layers.append(layer)
        if not _reached(layer, aim):
            if hasattr(module, "release"):
                break
            layers[-1] = layer._replace(state=aim)  # the service waits for no setting; the message names it
    return _reloaded(host, layers)


def _reloaded(host: Host, layers: List[Layer]) -> List[Layer]:
    """After a failure too: what was edited or is to be enabled is for the next boot and shutdown, which no
    client waits for."""
    if not (host.reload_due or host.enable_due):
        return layers
    command = " ".join(host.reload_command())
    try:
        host.reload_systemd()
    except HookError as error:
        message = "{}; {}: run `{}`".format(layers[-1].message, error, command)
        return layers[:-1] + [layers[-1]._replace(message=message)]
    return layers


def _reached(layer: Layer, aim: str) -> bool:
    return layer.state == aim or bool(layer.facts.get("reboot_required"))


def timed(host: Host, name: str, act: Callable[[], Layer]) -> Layer:
    """What the act came to, with its seconds, noted."""
    began = host.now()
    layer = _guarded(name, act)._replace(seconds=round(host.now() - began, 2))
    host.note("{}: {} ({:.1f} s) {}".format(layer.layer, layer.state, layer.seconds, layer.message))
    return layer


def _guarded(name: str, act: Callable[[], Layer]) -> Layer:
    """A failure as a layer: unknown when time ran out, broken when it went wrong or was refused."""
    try:
        return act()
    except OutOfTime as error:
        return Layer(name, UNKNOWN, False, 0.0, str(error), {})
    except (HookError, OSError) as error:
        return Layer(name, BROKEN, False, 0.0, str(error), {})


def _layer_of(host: Host, module: ModuleType, spec: Spec, check: str = "check") -> Layer:
    """`check`: what the module may have for an operator's question alone; a run has no time for it."""
    try:
        finding: LayerFinding = getattr(module, check, module.check)(host, spec)
    except (HookError, OSError) as error:
        finding = LayerFinding(UNKNOWN, str(error))
    return Layer(module.NAME, finding.state, False, 0.0, finding.message, finding.facts)


def _applied(host: Host, module: ModuleType, spec: Spec) -> Layer:
    before = _layer_of(host, module, spec)
    if before.state == PRESENT:
        return before._replace(message="nothing to do: " + before.message)
    done = module.apply(host, spec)
    host.look_anew()
    return _checked(_layer_of(host, module, spec), done, PRESENT)


def _released(host: Host, module: ModuleType, spec: Spec) -> Layer:
    done = module.release(host, spec)
    after = _layer_of(host, module, spec)
    if not done and after.state == ABSENT:
        return after._replace(message="nothing to do: " + after.message)
    return _checked(after, done, ABSENT)


def _checked(after: Layer, done: List[str], aim: str) -> Layer:
    """What the check after the act found has the last word."""
    message = "; ".join(done) or "nothing done"
    if not _reached(after, aim):
        message = "{}; but the check afterwards found it {}: {}".format(message, after.state, after.message)
    return after._replace(changed=bool(done), message=message)
