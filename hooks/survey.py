"""What a takeover would refuse, or lose, on this host: looked at beforehand, and nothing written.

A host that holds the volumes is judged by what the next one will find on them; one that does not, by itself.
"""

from functools import partial
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from hooks import layers
from hooks.fields import SpecError
from hooks.result import BROKEN, PRESENT, UNKNOWN, Layer
from hooks.runner import HookError, Host
from hooks.spec import ServerSpec, Spec


class Judgement(NamedTuple):
    """Texts for a person: each names the thing, what was found, what was expected, and after the last
    semicolon the remedy."""

    refusals: Tuple[str, ...] = ()
    warnings: Tuple[str, ...] = ()


Judge = Callable[[Host, ServerSpec], Judgement]
_JUDGES: Dict[str, Tuple[Judge, ...]] = {}


def survey(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """A layer each: present without a refusal, broken with one, unknown when it could not be learnt.

    Facts of each: `refusals` and `warnings`. Raises SpecError for a client's spec.
    """
    if not isinstance(spec, ServerSpec):
        raise SpecError("survey: found a client's spec, expected a server's; use `check`")
    modules = layers.chosen(spec, only)
    return [layers.timed(host, item.NAME, partial(_layer, host, item.NAME, spec)) for item in modules]


def _layer(host: Host, name: str, spec: ServerSpec) -> Layer:
    """One judge that cannot tell does not keep the others from telling."""
    refusals: List[str] = []
    warnings: List[str] = []
    failures: List[str] = []
    for judge in _JUDGES.get(name, ()):
        try:
            found = judge(host, spec)
        except (HookError, OSError) as error:
            failures.append(str(error))
        else:
            refusals += found.refusals
            warnings += found.warnings
    state = BROKEN if refusals else UNKNOWN if failures else PRESENT
    facts: Dict[str, object] = {"refusals": refusals, "warnings": warnings}
    return Layer(name, state, False, 0.0, "; ".join(refusals or failures), facts)
