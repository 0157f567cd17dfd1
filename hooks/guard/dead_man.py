"""Brings a service that was stopped for an image back by itself, when the operator's word does not come.

Functions with a `host` read it. `arm` and `disarm` change it: the unit, and the files in places.QUIESCED. The
unit runs `stand_by`, which waits on the server itself: until the word is overdue, or the server was booted.
"""

import json
import os
import shutil
from typing import Callable, Dict, List, Optional, Sequence

from hooks import walk
from hooks.contract.result import ABSENT, BROKEN, PRESENT, HookResult, Layer
from hooks.contract.spec import Spec
from hooks.guard import script
from hooks.host import copies, text_file
from hooks.host.host import RELOAD_SECONDS, CommandFailed, Host
from hooks.host.places import QUIESCED

NAME = "dead-man"
SPEC, IDENTITY, RESTORED = (QUIESCED + "/" + name for name in ("spec", "of", "restored"))
UNTIL = "/run/nfs-failover.quiesced-until"  # of the clock since boot, which neither outlives
BOOTED, OVERDUE = "boot", "deadline"
PAUSE_SECONDS = 1.0
# systemd starts it again where it ends with an error: the service was not brought back yet
UNIT_TEXT = """[Unit]
Description=NFS failover: bring the service back that was stopped for an image of this server
Wants=network-online.target
After=network-online.target iscsid.service

[Service]
Type=simple
ExecStart=/bin/sh -c 'exec "$(command -v python3 || echo /usr/libexec/platform-python)" {hooks} dead-man'
Restart=on-failure
RestartSec=10

[Install]
WantedBy=multi-user.target
"""


def arm(host: Host, spec: Spec, text: str, seconds: float) -> List[Layer]:
    """Within so many seconds another word is expected: `arm` again, or `disarm`. `text`: the spec's JSON, by
    which the service is brought back. Needs the boot guard here: it keeps a copy of this disk from doing so.
    Its fact `again`: whether it was armed already, so that nobody has brought the service back meanwhile.
    """
    return [walk.timed(host, NAME, lambda: _arm(host, text, seconds))]


def _arm(host: Host, text: str, seconds: float) -> Layer:
    again = armed(host)
    if not again:
        identity = host.read(script.FOLDER + "/of")
        content = copies.own()
        if not identity or not content:
            why = "no boot guard is here; `guard` puts it here" if content else "these hooks are no zipapp"
            return Layer(NAME, BROKEN, False, 0.0, why, {})
        text_file.edit(host, IDENTITY, lambda _: identity or "", 0o600)
        text_file.edit(host, RESTORED, lambda _: "")
        unit = UNIT_TEXT.format(hooks=copies.keep(host, content))
        text_file.edit(host, script.DEAD_MAN, lambda _: unit)
    _expect(host, seconds)
    text_file.edit(host, SPEC, lambda _: text.rstrip("\n") + "\n", 0o600)  # from here on it is armed
    if not again:
        unit = os.path.basename(script.DEAD_MAN)
        host.run("systemctl", "enable", "--now", unit, seconds=RELOAD_SECONDS)
        if host.run("systemctl", "show", "-p", "ActiveState", unit).out.strip() != "ActiveState=active":
            return Layer(NAME, BROKEN, True, 0.0, "{} does not run".format(unit), {})
    text = "the next word is expected within {:.0f} s".format(seconds)
    return Layer(NAME, PRESENT, True, 0.0, text, {"again": again})


def _expect(host: Host, seconds: float) -> None:
    text_file.edit(host, UNTIL, lambda _: "{:.0f}\n".format(host.now() + seconds), 0o600)


def armed(host: Host) -> bool:
    """Whether the service comes back by itself here."""
    return bool(host.read(SPEC))


def disarm(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Ends the wait: whatever the service is now, it stays. Not armed is success.

    Its fact `restored`, where the server brought the service back itself: "why" (boot, deadline), "seconds".
    """
    return [walk.timed(host, NAME, lambda: _disarm(host))]


def _disarm(host: Host) -> Layer:
    changed = forget(host)
    unit = os.path.basename(script.DEAD_MAN)
    restored = json.loads(host.read(RESTORED) or "null")
    if changed or restored:
        host.run("systemctl", "stop", unit, tolerate={5: "not loaded"}, seconds=RELOAD_SECONDS)
        host.run("systemctl", "daemon-reload", seconds=RELOAD_SECONDS)
    shutil.rmtree(host.path(QUIESCED), ignore_errors=True)
    message = "disarmed" if changed else "nothing to do: not armed"
    return Layer(NAME, ABSENT, changed, 0.0, message, {"restored": restored} if restored else {})


def forget(host: Host) -> bool:
    """Has neither this boot nor the next one bring anything back; False when it was so."""
    there = armed(host)
    for name in (SPEC, UNTIL, script.WANTED, script.DEAD_MAN):  # the first one decides
        if os.path.lexists(host.path(name)):
            os.unlink(host.path(name))
    return there


def quiesce(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """A release of which the server brings itself back: only while it is armed."""
    if not armed(host):
        return [Layer(NAME, BROKEN, False, 0.0, "not armed: the service would stay stopped; `arm` first", {})]
    return walk.release(host, spec, only)


def due(host: Host) -> Optional[str]:
    """Why the service is to come back now: BOOTED, OVERDUE; None while the word is not overdue."""
    until = host.read(UNTIL)
    if until is None:
        return BOOTED
    return OVERDUE if host.now() >= float(until) else None


def is_copy(host: Host) -> bool:
    """Whether this disk is a copy of the server that was armed, by what the boot guard compares.

    What cannot be compared is no copy: the server gets its service back.
    """
    try:
        now = _identity(host.run("sh", host.path(script.SCRIPT), "identity").out)
    except CommandFailed:
        return False
    then = _identity(host.read(IDENTITY) or "")
    both = [(then[key], now[key]) for key in ("disk", "machine") if then.get(key) and now.get(key)]
    return bool(both) and both[0][0] != both[0][1]


def _identity(text: str) -> Dict[str, str]:
    return {key: value for key, _, value in (line.partition("=") for line in text.splitlines())}


def stand_by(host: Host, restore: Callable[[str], HookResult]) -> Optional[HookResult]:
    """Waits until the service is to come back, and brings it back by `restore` of the spec's text; None when
    it was disarmed meanwhile, or this is a copy. A result that is not ok: systemd starts the wait again.
    """
    if is_copy(host):
        forget(host)
        return None
    why = None
    while armed(host) and not why:
        why = due(host)
        if not why:
            host.sleep(PAUSE_SECONDS)
    text = host.read(SPEC)
    if not text or not why:
        return None
    began = host.now()
    result = restore(text)
    if result.ok:
        host.renew()
        note = {"why": why, "seconds": round(host.now() - began, 1)}
        text_file.edit(host, RESTORED, lambda _: json.dumps(note))
        forget(host)
    return result
