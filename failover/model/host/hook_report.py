"""One result of the hooks on a host (hooks/contract/result.py), and what it means for a plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from failover.model.outcome import Failed, Unknown
from hooks.contract.result import ABSENT, BAD_SPEC, CLIENTS, PRESENT, STAYS, WAYS_BY_CLIENT, HookResult, Layer


@dataclass(frozen=True)
class FollowUnit:
    """The client's own unit (hooks/follow/unit.py). `sha256`: of its hooks, the first 16 digits. `whole`:
    the timer, the copy and the spec are there. `current`: it knows today's servers and mounts of the site."""

    sha256: str
    whole: bool
    current: bool

    def fault(self, sha256: str) -> str:
        """What is not right about it beside hooks with this SHA-256; empty when it is."""
        if not self.whole:
            return "not whole: a file of it is gone"
        if not sha256.startswith(self.sha256):
            return f"on, with the hooks {self.sha256}, which are others than {sha256[:16]} here"
        return "" if self.current else "on, with servers or mounts that are not the site's of today"


@dataclass(frozen=True)
class HookReport:
    """One result of the hooks on one host.

    `ahead`: seconds by which the host's clock was ahead of this machine's when the answer came; None where
    older hooks do not tell.
    """

    host: str
    result: HookResult
    ahead: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the hooks did the action."""
        return self.result.ok

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Each layer's state, in the order iscsi, lvm, filesystem, nfs (or client)."""
        return self.result.layers

    @property
    def present(self) -> bool:
        """Every layer is up and right."""
        return bool(self.layers) and all(layer.state == PRESENT for layer in self.layers)

    @property
    def released(self) -> bool:
        """No layer is up: the host holds nothing of the service."""
        return bool(self.layers) and all(x.state == ABSENT for x in self.layers if x.layer not in STAYS)

    @property
    def follows(self) -> FollowUnit | None:
        """The client's own unit; None where it is off, and where older hooks do not tell."""
        state = self.result.facts.get("follow")
        if not isinstance(state, dict):
            return None
        return FollowUnit(str(state.get("sha256")), bool(state.get("on")), bool(state.get("current")))

    @property
    def reboot_required(self) -> bool:
        """The client has to be rebooted to see what was changed."""
        return any(bool(layer.facts.get("reboot_required")) for layer in self.layers)

    @property
    def refusals(self) -> tuple[str, ...]:
        """What a run would refuse on this host now, over all layers: each with its remedy."""
        return self._texts("refusals")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should know of this host beforehand, over all layers."""
        return self._texts("warnings")

    @property
    def servers(self) -> Mapping[str, Mapping[str, object]]:
        """Whether this client gets answers from each server of the site, by its name.

        "port_2049": why the port takes no connection (empty: it does); "answers": a mount of it answered.
        Empty for a host that is not a client.
        """
        by_name: dict[str, Mapping[str, object]] = {}
        for layer in self.layers:
            servers = layer.facts.get("servers")
            entries = servers.items() if isinstance(servers, dict) else ()
            by_name |= {str(name): entry for name, entry in entries if isinstance(entry, dict)}
        return by_name

    @property
    def observed_clients(self) -> dict[str, list[str]]:
        """By address or name: how the server sees the client (hooks/survey/observed_clients.py).

        Empty in a report that is no inventory.
        """
        for layer in self.layers:
            ways_by_client = layer.facts.get(WAYS_BY_CLIENT) if layer.layer == CLIENTS else None
            if isinstance(ways_by_client, Mapping):
                return {str(host): [str(way) for way in ways] for host, ways in ways_by_client.items()}
        return {}

    def _texts(self, name: str) -> tuple[str, ...]:
        lists = [layer.facts.get(name) for layer in self.layers]
        return tuple(str(text) for texts in lists if isinstance(texts, list) for text in texts)

    @property
    def complaint(self) -> str:
        """What is not as it should be, for a person."""
        parts = [f"{x.layer} {x.state}: {x.message}" for x in self.layers if x.state != PRESENT]
        return "; ".join(parts) or self.result.message

    @property
    def summary(self) -> str:
        """Each layer's state in a word, for a person."""
        return ", ".join(f"{x.layer} {x.state}" for x in self.layers)

    @property
    def unreleased(self) -> str:
        """The layers that are not released, with their messages."""
        return "; ".join(
            f"{x.layer}: {x.message}" for x in self.layers if x.state != ABSENT and x.layer not in STAYS
        )

    @property
    def message(self) -> str:
        """The layers' messages."""
        return "; ".join(x.message for x in self.layers if x.message) or self.result.message


def parse(host: str, action: str, code: int, out: str, err: str) -> HookReport:
    """The report in the hooks' stdout. Raises Unknown when there is none, Failed for a spec they refuse."""
    result = _result_in(out)
    if result is None:
        tail = " ".join((err or out).split())[-400:]
        raise Unknown(
            f"{host}: hooks {action} gave no answer (exit code {code}): {tail}",
            f"log in to {host}, look for the cause, then run the same command again",
        )
    if code == BAD_SPEC:
        raise Failed(
            f"{host}: hooks refused the spec: {result.message}",
            "correct the site file or the stack's `storage`, whichever has that field",
        )
    return HookReport(host, result)


def _result_in(out: str) -> HookResult | None:
    """The last line that is a result: a login's background job may print after it."""
    for line in reversed(out.splitlines()):
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            return HookResult.from_json(json.dumps(_shown(json.loads(line))))
    return None


def _shown(value: Any) -> Any:
    """The value with each byte that is no UTF-8, such as one of a file's name, spelled out: no terminal and
    no file takes it as it is."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return {_shown(key): _shown(item) for key, item in value.items()} if isinstance(value, dict) else value
