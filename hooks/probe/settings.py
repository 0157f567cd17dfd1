"""The copy of the settings, kept and compared: for preflight, which refreshes it, and for verification."""

from functools import partial
from typing import Any, Dict, List, Optional

from hooks import walk
from hooks.contract.result import BROKEN, PRESENT, Facts, Layer
from hooks.contract.spec import ServerSpec
from hooks.host.host import Host
from hooks.host.mounts import mounted_on
from hooks.probe.child import run_in_child
from hooks.settings import copy
from hooks.settings.capture import keep, state
from hooks.settings.copy import Copy
from hooks.settings.settings import NAME, differing

SECONDS = 30.0
RELEASE_SECONDS = 10.0


def refreshed(host: Host, spec: ServerSpec) -> Layer:
    """The copy as this host is now; broken where it is not this host's to make. Fact `left`: why a file is
    not in it."""
    return walk.timed(host, NAME, partial(_refreshed, host, spec))


def before_release(host: Host, spec: ServerSpec) -> None:
    """The same where the data is mounted, within seconds: a release waits for no setting."""
    if any(mounted_on(host, item.mount) for item in spec.filesystems):
        walk.timed(host, NAME, partial(_refreshed, host, spec, RELEASE_SECONDS))


def _refreshed(host: Host, spec: ServerSpec, seconds: float = SECONDS) -> Layer:
    files, left = run_in_child(host, NAME, lambda: list(_kept(host, spec)), seconds)
    text = "kept with the data: " + (", ".join(files) or "no file is here")
    return Layer(NAME, PRESENT, True, 0.0, text, {"left": left})


def _kept(host: Host, spec: ServerSpec) -> List[List[str]]:
    now = keep(host, spec)
    return [sorted(now.files), now.left]


def compared(host: Host, spec: ServerSpec) -> Layer:
    """What the kernel and the files here are against the copy: broken when the service is otherwise."""
    return walk.timed(host, NAME, partial(_compared, host, spec))


def _compared(host: Host, spec: ServerSpec) -> Layer:
    wrong, text, facts = run_in_child(host, NAME, lambda: _judged(host, spec), SECONDS)
    return Layer(NAME, BROKEN if wrong else PRESENT, False, 0.0, text, facts)


def _judged(host: Host, spec: ServerSpec) -> List[Any]:
    saved = copy.load(host, spec)
    if saved is None:
        return [False, "no copy lies with the data yet: preflight makes it", {}]
    pending = differing(host, spec, saved)
    odd = [setting.path for setting in pending.settings]
    if odd and copy.is_applied(host, saved):
        text = "{} changed on this host since {}: the next preflight keeps it"
        return [False, text.format(", ".join(odd), saved.written), {}]
    wrong = list(pending.left.values()) + [path + " is not restored" for path in odd]
    wrong += contradictions(saved, state(host, spec))
    origin = "settings of {}, {}".format(saved.host, saved.written)
    facts: Facts = {"state": saved.state}
    return [bool(wrong), "; ".join(wrong) or "as the " + origin, facts]


def contradictions(saved: Copy, now: Dict[str, Any]) -> List[str]:
    """How nfsd and the mounts differ from what the copy's server had."""
    pairs = [("nfsd's " + key, saved.state.get(key), now.get(key)) for key in ("threads", "versions")]
    quotas, present = saved.state.get("quotas"), now["quotas"]
    if isinstance(quotas, dict):
        for mount in sorted(quotas):
            pairs.append(("quotas of " + mount, _words(quotas[mount]), _words(present.get(mount))))
    return [
        "{}: found {}, expected {} as on {}".format(what, here or "none", there or "none", saved.host)
        for what, there, here in pairs
        if there is not None and here is not None and here != there
    ]


def _words(options: Optional[object]) -> Optional[str]:
    return ",".join(map(str, options)) if isinstance(options, list) else None
