"""What of a server's root disk would not move with the data, and why."""

from typing import Dict, Iterator

from hooks.contract.spec import ServerSpec
from hooks.host.host import Host
from hooks.settings.capture import capture, state
from hooks.settings.settings import link, unit_states
from hooks.survey import nfs
from hooks.survey.remark import Remark, holds, warning

_DEFAULTS = (8, 16)  # threads of rpc.nfsd(8) where nobody set them; 16 since nfs-utils 2.8


def carried(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """On the server that holds the data, what is not carried; on another one, what could not be written.

    Warnings all: no server stays down for a setting.
    """
    if not holds(host, spec):
        yield from (warning("{}", text) for text in (link(host, path) for path in spec.settings) if text)
        return
    yield from (warning("{}", text) for text in capture(host, spec).left)
    threads, configured = state(host, spec).get("threads"), nfs.settings(host).get("threads", "")
    wanted = (int(configured),) if configured.isdigit() else _DEFAULTS
    if threads and threads not in wanted:
        text = "nfsd runs {} threads, and no file says so: the next server would not; set {} in {}"
        yield warning(text, threads, "threads={}".format(threads), "[nfsd] of /etc/nfs.conf")


def daemons(host: Host) -> Dict[str, str]:
    """Whether rpc.rquotad starts at boot, whatever its unit is called; empty where it is not installed."""
    states = sorted(unit_states(host).values(), key=lambda state: state != "enabled")
    return {"rpc.rquotad": states[0]} if states else {}
