"""Which servers of the site show a sign of life to this client: all are tried at once."""

import threading
import time
from functools import partial
from typing import Callable, Dict, Iterable

from hooks.client.view import ClientView, own_port
from hooks.contract.client_spec import KnownServer
from hooks.host.host import HookError, Host

SECONDS = 3.0
PORT = 2049
_GRACE = 1.0
Facts = Dict[str, object]


def at_once(work: Dict[str, Callable[[], object]], seconds: float) -> Dict[str, object]:
    """What each piece of work returned; one that did not end in time is left out, and left behind."""
    results: Dict[str, object] = {}

    def run(name: str) -> None:
        results[name] = work[name]()

    if len(work) == 1:
        run(next(iter(work)))
    threads = [
        threading.Thread(target=run, args=(name,), daemon=True) for name in work if name not in results
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(results)


def all_answer(host: Host, points: Iterable[str], seconds: float) -> Dict[str, bool]:
    """Whether each mount answers within so many seconds."""
    tried = sorted(set(points))
    results = at_once({point: partial(answers, host, point, seconds) for point in tried}, seconds + _GRACE)
    return {point: bool(results.get(point)) for point in tried}


def answers(host: Host, point: str, seconds: float) -> bool:
    """Asks the server in a child process that is left behind if it hangs (stat(1), statfs(2))."""
    tolerated = {1: "no answer"}
    try:
        return not host.run("stat", "-f", "-c", "%T", point, tolerate=tolerated, seconds=seconds).code
    except HookError as error:
        host.note(str(error))
        return False


def servers(host: Host, view: ClientView, known: Dict[str, bool]) -> Dict[str, Facts]:
    """For each server of the site why its port 2049 takes no connection (empty: it does), and whether a
    mount of it answered. `known`: mount points of which that is known already."""
    reasons = _ports(host, view.spec.servers)
    points = {server.name: _point(view, server, reasons[server.name], known) for server in view.spec.servers}
    unknown = {point for point in points.values() if point and point not in known}
    answer = dict(all_answer(host, unknown, SECONDS), **known)
    return {
        name: {"port_2049": reasons[name], "answers": bool(point and answer.get(point))}
        for name, point in points.items()
    }


def _ports(host: Host, every: Iterable[KnownServer]) -> Dict[str, str]:
    """Why none of a server's addresses takes a connection; empty when one does."""
    tried = {server.name: list(server.addresses) or [server.hostname] for server in every}
    addresses = {address for many in tried.values() for address in many}
    results = at_once({item: partial(host.connect, item, PORT) for item in addresses}, SECONDS + _GRACE)
    reasons = {
        item: str(results.get(item, "no answer within {:.0f} s".format(SECONDS))) for item in addresses
    }
    return {
        name: "" if any(not reasons[item] for item in many) else "; ".join(reasons[item] for item in many)
        for name, many in tried.items()
    }


def _point(view: ClientView, server: KnownServer, reason: str, known: Dict[str, bool]) -> str:
    """One mount of this server to ask, one that answered before all; empty when there is none to ask.

    Where its port takes no connection no mount is tried: the question would hang, and stay behind.
    """
    mounts = [item for item in view.nfs if view.node_owner(item) == server.name and item.root == "/"]
    points = sorted(item.mount for item in mounts if not reason or own_port(item.options))
    best = [point for point in points if known.get(point)]
    return (best + points + [""])[0]
