"""The timer and the service on a client, which look by themselves where its mounts' server is: on and off.

Functions with a `host` read it; `on` and `off` change it. All files are here: `off` leaves none of them.
"""

import os
import re
from typing import Dict, List, Optional, Sequence

from hooks import walk
from hooks.contract.client_spec import ClientSpec
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import ABSENT, BROKEN, PRESENT, Layer
from hooks.contract.spec import Spec
from hooks.host import copies, places, text_file
from hooks.host.host import RELOAD_SECONDS, Host

NAME = "follow"
SERVICE = "/etc/systemd/system/nfs-failover-follow.service"
TIMER = "/etc/systemd/system/nfs-failover-follow.timer"
WANTED = "/etc/systemd/system/timers.target.wants/nfs-failover-follow.timer"
FOLDER = "/etc/nfs-failover/follow"
SPEC = FOLDER + "/spec"
ATTEMPT = "/run/nfs-failover.follow"  # when it acted last, by the clock since boot
_STOP_SECONDS = 30.0
# the two levels leave out of the journal what systemd itself writes at each start, twice a minute
_UNIT_TEXT = """[Unit]
Description=NFS failover: remount what the site's former server served, once another one serves it
After=network-online.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'exec "$(command -v python3 || echo /usr/libexec/platform-python)" {hooks} follow'
TimeoutStartSec=1800
SyslogLevel=notice
LogLevelMax=notice
"""
_TIMER_TEXT = """[Unit]
Description=NFS failover: look whether the server of this client's mounts answers

[Timer]
OnBootSec=2min
OnUnitInactiveSec=30s
AccuracySec=5s

[Install]
WantedBy=timers.target
"""
_COPY = re.compile(r"/(hooks-([0-9a-f]{16})\.pyz) follow")


def state(host: Host, now: Spec) -> Optional[Dict[str, object]]:
    """Whether the unit is on, and of which hooks; None where there is no file of it.

    "sha256": the first 16 digits; empty where the unit's text names no copy. "on": the timer starts at a
    boot, and the copy and the spec are there. "current": its spec knows the servers and mounts of `now`.
    """
    text, timer, spec = host.read(SERVICE), host.read(TIMER), host.read(SPEC)
    if text is None and timer is None and spec is None:
        return None
    match = _COPY.search(text or "")
    there = match is not None and os.path.exists(host.path(places.DISK + "/" + match.group(1)))
    whole = there and timer is not None and bool(spec) and os.path.lexists(host.path(WANTED))
    return {
        "sha256": match.group(2) if match else "",
        "on": whole,
        "current": _known(spec or "") == _parts(now),
    }


def _known(text: str) -> object:
    try:
        return _parts(parse(text))
    except SpecError:
        return None


def _parts(spec: Spec) -> object:
    """What of a client's spec does not depend on who serves now, nor on how it is asked."""
    if not isinstance(spec, ClientSpec):
        return None
    return spec.servers, spec.service, spec.exports, spec.root, spec.mounts


def on(host: Host, spec: Spec, text: str) -> List[Layer]:
    """Writes the units, the spec and the hooks that run now; earlier copies go. `text`: the spec's JSON.

    Raises SpecError for a server's spec.
    """
    if not isinstance(spec, ClientSpec):
        raise SpecError("follow-on: found a server's spec, expected a client's")
    return [walk.timed(host, NAME, lambda: _on(host, spec, text))]


def _on(host: Host, spec: ClientSpec, text: str) -> Layer:
    content = copies.own()
    if not content:
        return Layer(NAME, BROKEN, False, 0.0, "these hooks are no zipapp", {})
    name = copies.name_of(copies.digest(content))
    new = not os.path.exists(host.path(places.DISK + "/" + name))
    if new:
        copies.keep(host, content)
    unit = _UNIT_TEXT.format(hooks=places.DISK + "/" + name)
    changed = [
        text_file.edit(host, SPEC, lambda _: text.rstrip("\n") + "\n", 0o600),
        text_file.edit(host, SERVICE, lambda _: unit),
        text_file.edit(host, TIMER, lambda _: _TIMER_TEXT),
        not os.path.lexists(host.path(WANTED)),
    ]
    swept = _sweep(host, name)
    if any(changed[1:]):
        host.run("systemctl", "daemon-reload", seconds=RELOAD_SECONDS)
    timer = os.path.basename(TIMER)
    active = host.run("systemctl", "show", "-p", "ActiveState", timer).out.strip()
    if any(changed[1:]) or active != "ActiveState=active":
        changed.append(True)
        host.run("systemctl", "enable", "--now", timer, seconds=RELOAD_SECONDS)
        active = host.run("systemctl", "show", "-p", "ActiveState", timer).out.strip()
    facts: Dict[str, object] = {"follow": state(host, spec)}
    if active != "ActiveState=active":
        return Layer(NAME, BROKEN, True, 0.0, "{} does not run: {}".format(timer, active), facts)
    done = any(changed) or new or bool(swept)
    message = "on, with the hooks {}".format(name[6:22]) if done else "nothing to do: it is on"
    return Layer(NAME, PRESENT, done, 0.0, message, facts)


def off(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Stops the timer and takes every file away. Not there is success."""
    return [walk.timed(host, NAME, lambda: _off(host))]


def _off(host: Host) -> Layer:
    there = any(os.path.lexists(host.path(name)) for name in (WANTED, TIMER, SERVICE, SPEC))
    if there:
        timer, service = os.path.basename(TIMER), os.path.basename(SERVICE)
        unknown = {1: "not loaded", 5: "not loaded"}
        host.run("systemctl", "disable", "--now", timer, tolerate=unknown, seconds=RELOAD_SECONDS)
        host.run("systemctl", "stop", service, tolerate=unknown, seconds=_STOP_SECONDS)
    for name in (WANTED, TIMER, SERVICE, SPEC, ATTEMPT):
        if os.path.lexists(host.path(name)):
            os.unlink(host.path(name))
    swept = _sweep(host, "") if there else []
    for folder in (FOLDER, os.path.dirname(FOLDER), places.DISK):
        if os.path.isdir(host.path(folder)) and not os.listdir(host.path(folder)):
            os.rmdir(host.path(folder))
    if there:
        host.run("systemctl", "daemon-reload", seconds=RELOAD_SECONDS)
    message = "off" if there or swept else "nothing to do: it is not here"
    return Layer(NAME, ABSENT, there, 0.0, message, {})


def _sweep(host: Host, kept: str) -> List[str]:
    """Removes the copies of other versions, where no boot service and no guard of a server may need one."""
    folder = host.path(places.DISK)
    if not os.path.isdir(folder) or _is_server(host):
        return []
    old = [name for name in os.listdir(folder) if copies.KEPT.fullmatch(name) and name != kept]
    for name in old:
        os.unlink(os.path.join(folder, name))
    return old


def _is_server(host: Host) -> bool:
    """Whether another unit of ours, or the guard of an image, is here: they run copies of their own."""
    units = host.path(os.path.dirname(SERVICE))
    ours = (os.path.basename(SERVICE), os.path.basename(TIMER))
    names = os.listdir(units) if os.path.isdir(units) else []
    others = [name for name in names if name.startswith("nfs-failover") and name not in ours]
    return bool(others) or os.path.exists(host.path("/etc/nfs-failover/guard"))
