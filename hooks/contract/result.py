"""What a run tells its caller: one JSON object, per layer its state, whether it changed, and why."""

import json
from typing import Dict, NamedTuple, Tuple

PRESENT, ABSENT, BROKEN, UNKNOWN = "present", "absent", "broken", "unknown"
STAYS = frozenset({"network"})  # layers of the host itself: a release of the service leaves them as they are
CLIENTS, WAYS_BY_CLIENT = "clients", "seen"  # the inventory's layer of whom nfsd sees, and its fact
DONE, FAILED, BAD_SPEC, CANNOT_TELL = 0, 1, 2, 3
Facts = Dict[str, object]


class LayerFinding(NamedTuple):
    """How a layer is now: present as specified, absent, broken (there, but wrong), or unknown."""

    state: str
    message: str
    facts: Facts = {}


class Layer(NamedTuple):
    layer: str
    state: str
    changed: bool
    seconds: float
    message: str
    facts: Facts


class HookResult(NamedTuple):
    action: str
    role: str
    host: str
    ok: bool
    changed: bool
    seconds: float
    message: str
    layers: Tuple[Layer, ...]
    facts: Facts = {}
    version: int = 1

    def to_json(self) -> str:
        document = dict(self._asdict(), layers=[dict(layer._asdict()) for layer in self.layers])
        return json.dumps(document, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "HookResult":
        """The result in this text; raises ValueError, KeyError or TypeError when it holds none."""
        document = json.loads(text)
        layers = tuple(Layer(**layer) for layer in document.pop("layers"))
        return HookResult(layers=layers, **document)

    @property
    def exit_code(self) -> int:
        if self.ok:
            return DONE
        unknown = not self.layers or any(layer.state == UNKNOWN for layer in self.layers)
        return CANNOT_TELL if unknown else FAILED
