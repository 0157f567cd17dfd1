"""The command line: one JSON spec in, one JSON result on standard output, progress on standard error."""

import argparse
import json
import os
import sys
import time
from typing import Callable, List, Sequence

from hooks import walk
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import ABSENT, BAD_SPEC, PRESENT, Facts, HookResult, Layer
from hooks.contract.spec import ServerSpec, Spec
from hooks.host import copies, places, released
from hooks.host.host import HookError, Host, OutOfTime
from hooks.host.lock import Busy, exclusive

Walk = Callable[[Host, Spec, Sequence[str]], List[Layer]]
_WALK = {"check": walk.check, "apply": walk.apply, "release": walk.release}
_OPERATORS = (
    "probe",
    "refresh",
    "survey",
    "inventory",
    "fsck",
    "withhold",
    "guard",
    "unguard",
    "contents",
)
_READY, _ANNOUNCE = "ready", "announce"  # of a server that stands by
_TAKE_OVER = "take-over"
_OUTAGE = ("arm", "quiesce", "disarm")  # of a service that is stopped for an image
_MIGRATION = ("foresee", "migrate")  # of a client
_FOLLOWING = ("follow-on", "follow-off")  # of a client's own unit
_READS = ("check", "probe", "survey", "inventory", "fsck", "contents", "foresee")  # without the lock
_TO_ABSENT = dict.fromkeys(("release", "quiesce", "disarm", "unguard", "follow-off"), [ABSENT])
_AIM = {**_TO_ABSENT, "probe": [PRESENT, ABSENT], "foresee": [PRESENT, ABSENT]}
_SERVICES = ("watch", "dead-man", "follow")  # units' own
_PURPOSE = "Brings an NFS server's or client's layers up or down, or tells how they are."
_ARM_SECONDS = 180
_FOLLOW_SECONDS = 600
_BOOT_SECONDS = 1800  # nobody waits for it: the recovery of a long log may take its time


def main(argv: Sequence[str], root: str = "/") -> int:
    """Runs one action; exit codes: 0 ok, 1 failed, 2 bad spec and nothing changed, 3 state unknown.

    `check` is ok when every layer is present as specified; its result says what is not. `watch` is the boot
    service: it prints a result for everything that it does, and ends when that fails. `refresh` writes
    the canaries of a server, `probe` reads them; on a client it also writes. `ready` has a server that stands
    by hold ready what a takeover needs; `announce` also has its boot service wait for the run that says
    so. `take-over` is an `apply` that is started before its spec is known: it announces what a line
    {"ready": SPEC} of its standard input has, and ends by applying the first line that is a spec. `survey`
    judges beforehand what a takeover would refuse.
    `inventory` reads what a server has, whatever its spec says. `fsck` checks unmounted filesystems;
    `withhold` takes the site's exports of an image out of force: both for a rehearsal.
    `guard` has the boot guard on this server, for an image of it, and `unguard` takes it away; `contents`
    reads what such an image would have. `arm` has this server bring its service back by itself when the
    spec's deadline passes without another word (`arm`, `disarm`), or at a boot; `quiesce` is a release of an
    armed server; `dead-man` is the unit that waits.
    `migrate` moves a client's lines and mounts to the service's address, or back; `foresee` says what it
    would do.
    `follow-on` has a client follow the service by a unit of its own, which runs `follow`; `follow-off` takes
    the unit away. `follow` prints no result when there was nothing to do.
    """
    arguments = _arguments(argv)
    began, code = time.monotonic(), None
    try:
        if arguments.action == "watch":
            result = _watch(root)
        elif arguments.action == "dead-man":
            result = _stand_by(root)
        elif arguments.action == "follow":
            result = _follow(root)
        elif arguments.action == _TAKE_OVER:
            result = _taken_over(root)
        elif arguments.action in _WITH_TEXT:
            result = _WITH_TEXT[arguments.action](_text(arguments.spec), root)
        elif arguments.from_metadata:
            result = _attached(arguments.only, root)
        else:
            result = _run(arguments.action, parse(_text(arguments.spec)), arguments.only, root)
    except SpecError as error:
        result, code = _without_layers(arguments.action, str(error)), BAD_SPEC
    except PermissionError as error:
        result = _without_layers(arguments.action, "{}; run this as root".format(error))
    except OutOfTime as error:
        busy = {"busy": isinstance(error, Busy)}
        result = _without_layers(arguments.action, str(error))._replace(facts=dict(busy))
    if arguments.action == "follow" and result.ok and not result.layers:
        return result.exit_code  # of each half a minute the journal needs no line
    print(result._replace(seconds=round(time.monotonic() - began, 2)).to_json())
    return result.exit_code if code is None else code


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hooks.pyz", description=_PURPOSE)
    parser.add_argument(
        "action",
        choices=sorted(_WALK)
        + [*_OPERATORS, _READY, _ANNOUNCE, _TAKE_OVER, *_OUTAGE, *_MIGRATION, *_FOLLOWING, *_SERVICES],
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--spec", help="file with the spec, - for standard input")
    source.add_argument("--from-metadata", action="store_true", help="spec and portals of this OCI instance")
    parser.add_argument("--only", type=_names, default=(), help="of the layers: " + ",".join(walk.NAMES))
    arguments = parser.parse_args(argv)
    if arguments.from_metadata and arguments.action != "apply":
        parser.error("--from-metadata goes with apply only")
    if (arguments.action in _SERVICES) == bool(arguments.spec or arguments.from_metadata):
        parser.error("expected --spec or --from-metadata, and with watch, dead-man and follow neither")
    return arguments


def _names(text: str) -> List[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in walk.NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(
            "no layer {}; there are: {}".format(unknown[0], ", ".join(walk.NAMES))
        )
    return names


def _text(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        with open(name, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("{}: {}".format(name, error)) from None


def _run(action: str, spec: Spec, only: Sequence[str], root: str) -> HookResult:
    host = Host(spec.deadline_seconds, root)
    os.chdir(root)  # not to be what keeps a filesystem busy
    if action in _READS:
        return _result(action, spec, _walk(action)(host, spec, only), host)
    with exclusive(host, action):
        _remember(host, action)
        _before(host, action, spec)
        return _kept(_result(action, spec, _walk(action)(host, spec, only), host), host, spec)


def _walk(action: str) -> Walk:
    if action in _WALK:
        return _WALK[action]
    from hooks.follow import unit  # noqa: PLC0415 - a takeover starts without them
    from hooks.guard import contents, dead_man, guard  # noqa: PLC0415
    from hooks.migrate import migrate  # noqa: PLC0415
    from hooks.probe import canary, fsck, withhold  # noqa: PLC0415
    from hooks.survey import inventory, survey  # noqa: PLC0415

    return {
        "refresh": canary.refresh,
        "probe": canary.probe,
        "survey": survey.survey,
        "inventory": inventory.inventory,
        "fsck": fsck.fsck,
        "withhold": withhold.withhold,
        "guard": guard.guard,
        "unguard": guard.unguard,
        "contents": contents.contents,
        "quiesce": dead_man.quiesce,
        "disarm": dead_man.disarm,
        "foresee": migrate.foresee,
        "migrate": migrate.migrate,
        "follow-off": unit.off,
    }[action]


def _remember(host: Host, action: str) -> None:
    """After a release: not before its volumes were gone, a reboot, or an operator's apply; see _take_over."""
    if action in ("release", "quiesce"):
        released.remember(host)
    elif action == "apply":
        released.forget(host)


def _before(host: Host, action: str, spec: Spec) -> None:
    """A release is the last moment in which this server's settings can go along with its data."""
    if action == "release" and os.path.exists(host.path(places.QUIESCED)):
        from hooks.guard import dead_man  # noqa: PLC0415 - as in _walk

        dead_man.forget(host)  # the service goes elsewhere: this server is not to bring it back
    if action in ("release", "quiesce") and isinstance(spec, ServerSpec) and spec.settings:
        from hooks.probe import settings  # noqa: PLC0415 - as in _walk

        settings.before_release(host, spec)


def _attached(only: Sequence[str], root: str) -> HookResult:
    from hooks.boot import metadata  # noqa: PLC0415 - an HTTP client takes a fifth of the time in which hooks start

    try:
        now = metadata.look()
    except metadata.Unreachable as error:
        return _without_layers("apply", str(error))
    if now.attached < now.total:
        why = "{} of {} volumes are attached to this host".format(now.attached, now.total)
        return _without_layers("apply", why + ("" if now.attached else ": nothing to do"), not now.attached)
    return _take_over(lambda: now.text, only, root)


def _watch(root: str) -> HookResult:
    """Ends only with a result that is not ok; systemd begins it again."""
    from hooks.boot.watch import PAUSE_SECONDS, Watch  # noqa: PLC0415 - as in _attached

    host = Host(60.0, root)
    watch = Watch(host, lambda newest: _take_over(newest, (), root), lambda: released.forget(host))
    while True:
        result = watch.look()
        if result is None:
            host.sleep(PAUSE_SECONDS)
        elif result.ok:
            print(result.to_json(), flush=True)
        else:
            return result


def _made_ready(text: str, root: str, action: str = _READY) -> HookResult:
    from hooks.probe import ready  # noqa: PLC0415 - as in _walk

    spec = parse(text)
    host = Host(spec.deadline_seconds, root)
    with exclusive(host, action):
        return _result(action, spec, ready.ready(host, text), host)


def _announced(text: str, root: str) -> HookResult:
    from hooks.host import taker  # noqa: PLC0415 - as in _walk

    taker.announce(Host(1.0, root))  # before the lock: the volumes are on their way
    return _made_ready(text, root, _ANNOUNCE)


def _taken_over(root: str) -> HookResult:
    """Nobody waits here for what it holds ready: what was in its way is noted, and the takeover does it."""
    for line in iter(sys.stdin.readline, ""):
        spec = _to_hold_ready(line)
        if not spec:
            return _run("apply", parse(line), (), root)
        try:
            _announced(spec, root)
        except (SpecError, HookError, OSError) as error:
            sys.stderr.write("not made ready: {}\n".format(error))
    raise SpecError("standard input: found its end, expected a spec; nothing was done")


def _to_hold_ready(line: str) -> str:
    """The spec of such a line; empty for another one."""
    try:
        document = json.loads(line)
    except ValueError:
        return ""
    return json.dumps(document["ready"]) if isinstance(document, dict) and "ready" in document else ""


def _armed(text: str, root: str) -> HookResult:
    """The spec's deadline is how long the next word is waited for."""
    from hooks.guard import dead_man  # noqa: PLC0415 - as in _walk

    spec = parse(text)
    if not isinstance(spec, ServerSpec):
        raise SpecError("arm: found a client's spec, expected a server's")
    host = Host(_ARM_SECONDS, root)
    with exclusive(host, "arm"):
        return _result("arm", spec, dead_man.arm(host, spec, text, spec.deadline_seconds), host)


def _stand_by(root: str) -> HookResult:
    from hooks.guard import dead_man  # noqa: PLC0415 - as in _walk

    result = dead_man.stand_by(Host(_ARM_SECONDS, root), lambda text: _bring_back(text, root))
    return result or _without_layers("dead-man", "nothing to do: not armed", True)


def _followed(text: str, root: str) -> HookResult:
    from hooks.follow import unit  # noqa: PLC0415 - as in _walk

    spec = parse(text)
    host = Host(_ARM_SECONDS, root)
    with exclusive(host, "follow-on"):
        return _result("follow-on", spec, unit.on(host, spec, text), host)


def _follow(root: str) -> HookResult:
    """The client's own unit: it holds the lock only to act."""
    from hooks.contract.client_spec import ClientSpec  # noqa: PLC0415 - as in _walk
    from hooks.follow import follow, unit  # noqa: PLC0415
    from hooks.follow.nfs_call import NfsCalls  # noqa: PLC0415

    host = Host(_FOLLOW_SECONDS, root)
    text = host.read(unit.SPEC)
    if not text:
        return _without_layers(
            "follow", "{}: not there; `./inv clients follow --on` writes it".format(unit.SPEC)
        )
    spec = parse(text)
    if not isinstance(spec, ClientSpec):
        raise SpecError("follow: {}: found a server's spec, expected a client's".format(unit.SPEC))
    layers = follow.follow(host, spec, NfsCalls(host), lambda: exclusive(host, "the client's own unit"))
    if layers is None:
        return _without_layers("follow", "nothing to do", True)
    return _result("follow", spec, layers, host)


def _bring_back(text: str, root: str) -> HookResult:
    """As an operator would, with the time that a boot has."""
    spec = parse(text)
    host = Host(max(spec.deadline_seconds, _BOOT_SECONDS), root)
    with exclusive(host, "the dead-man"):
        released.forget(host)
        return _kept(_result("apply", spec, walk.apply(host, spec, ()), host), host, spec)


def _take_over(newest: Callable[[], str], only: Sequence[str], root: str) -> HookResult:
    """As an operator would, except after a release. `newest`: the spec's text, under the host's lock."""
    host = Host(_BOOT_SECONDS, root)
    with exclusive(host, "the boot service"):
        if released.released(host):
            why = "released: not taken over again before its volumes were gone, a reboot, or `apply --spec`"
            return _without_layers("apply", why, True)
        spec = parse(newest())
        return _kept(_result("apply", spec, walk.apply(host, spec, only), host), host, spec)


_WITH_TEXT = {_READY: _made_ready, _ANNOUNCE: _announced, "arm": _armed, "follow-on": _followed}


def _kept(result: HookResult, host: Host, spec: Spec) -> HookResult:
    """After a refresh and a takeover, these hooks lie with the data, for a server that starts by itself."""
    if result.action not in ("apply", "refresh") or spec.role != "server" or not result.ok:
        return result
    from hooks.probe import kept  # noqa: PLC0415 - as in _walk

    layers = kept.keep(host, spec)
    if result.action == "refresh":
        return result._replace(layers=result.layers + tuple(layers))
    facts = {layer.layer: layer.message for layer in layers}
    return result._replace(facts=dict(result.facts, **facts))


def _result(action: str, spec: Spec, layers: List[Layer], host: Host) -> HookResult:
    aim = _AIM.get(action, [PRESENT])
    bad = [layer for layer in layers if layer.state not in aim and not layer.facts.get("reboot_required")]
    message = "; ".join("{}: {}".format(layer.layer, layer.message) for layer in bad)
    changed = any(layer.changed for layer in layers)
    if not bad:
        message = "nothing to do: already so" if action not in _READS and not changed else ""
    facts = dict(_facts(host), **_following(host, spec))
    return HookResult(
        action, spec.role, os.uname().nodename, not bad, changed, 0.0, message, tuple(layers), facts
    )


def _following(host: Host, spec: Spec) -> Facts:
    if spec.role != "client":
        return {}
    from hooks.follow import unit  # noqa: PLC0415 - as in _walk

    state = unit.state(host, spec)
    return {} if state is None else {"follow": state}


def _without_layers(action: str, message: str, ok: bool = False) -> HookResult:
    return HookResult(action, "", os.uname().nodename, ok, False, 0.0, message, ())


def _facts(host: Host) -> Facts:
    """What an operator asks first of a host that is out of sight."""
    boot = copies.at_boot(host)
    uptime = (host.read("/proc/uptime") or "0").split()[0]
    return {
        "boot_id": (host.read("/proc/sys/kernel/random/boot_id") or "").strip(),
        "uptime_seconds": float(uptime),
        "time": round(time.time(), 1),
        "kernel": os.uname().release,  # not the module platform: a fifteenth of the hooks' start
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        **({"boot": boot} if boot else {}),
    }
