"""What a step can show for itself: the hooks' seconds per layer, and what proved a holder fenced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from failover.model.host.hook_report import HookReport
from failover.plan.model import Step


class Evidence:
    """Details by step, for the journal. A step is done by one thread, so that no lock is needed."""

    def __init__(self) -> None:
        self._details: dict[str, dict[str, Any]] = {}

    def record_report(self, step: Step, answer: HookReport) -> HookReport:
        """Keep what the hooks answered: host -> action -> seconds, and per layer seconds and state."""
        layers = {
            x.layer: {"seconds": round(x.seconds, 3), "state": x.state, "message": x.message}
            for x in answer.layers
        }
        actions = self._of(step).setdefault("hooks", {}).setdefault(answer.host, {})
        actions[answer.result.action] = {"seconds": round(answer.result.seconds, 3), "layers": layers}
        return answer

    def record_fence(self, step: Step, server: str, source: str, result: str) -> None:
        """Keep what shows, now, that `server` can no longer write: the `result` of `source`."""
        at = datetime.now(UTC).isoformat()
        fences = self._of(step).setdefault("fence", [])
        fences.append({"server": server, "source": source, "result": result, "at": at})

    def of(self, step: Step) -> dict[str, Any]:
        """The details of this step: any of `hooks` and `fence`."""
        return dict(self._details.get(step.name, {}))

    def _of(self, step: Step) -> dict[str, Any]:
        return self._details.setdefault(step.name, {})
