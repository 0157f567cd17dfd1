"""What a server that stands by may have beforehand, so that its takeover does not have to make it.

Its own loader finds the hooks at once, and need not look for them on the volumes while an operator's run
waits for it. The locks layer's units are there, and systemd has read them. A takeover does without either; it
takes longer then.
"""

from functools import partial
from typing import List, Sequence

from hooks import walk
from hooks.contract.fields import SpecError
from hooks.contract.result import PRESENT, Layer
from hooks.contract.spec import ServerSpec, Spec
from hooks.host.host import Host
from hooks.layers.locks import locks
from hooks.probe import kept


def ready(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """A layer each, `hooks PLACE` and `locks`: present when it is there, broken with what was in its way.

    Nothing of a service that runs is touched. Raises SpecError for a client's spec.
    """
    if not isinstance(spec, ServerSpec):
        raise SpecError("ready: found a client's spec, expected a server's")
    layers = kept.keep_on_disk(host)
    if spec.locks and (not only or locks.NAME in only):
        layers.append(walk.timed(host, locks.NAME, partial(_units, host, spec)))
    return layers


def _units(host: Host, spec: ServerSpec) -> Layer:
    done = locks.make_ready(host, spec)
    message = "; ".join(done) or "nothing to do: its units are there"
    return Layer(locks.NAME, PRESENT, bool(done), 0.0, message, {})
