"""Agents without machines: the API's own commands, with the answer that the hosts' model has (hosts.py).

`AnsweringAgents` stands for failover.hosts.run_command.calls.AgentCommands. Every call is made, and meets
what the lab's API answers; only what the script printed is replaced. That a script runs is proven by
tests/unit/failover/hosts/test_run_command.py, and on a guest by tests/drill/clients/test_run_command.py.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

from failover.hosts.run_command.calls import AgentCommands, AgentRun
from hooks.agent import started
from tests.terraform.doubles.hosts import AnsweringHost, HostsModel

_GIVEN = re.compile(r"main\(json\.loads\(u\('(.*)'\)\)\)")


class AnsweringAgents(AgentCommands):
    """The same constructor after `model`."""

    def __init__(self, model: HostsModel, *args: Any) -> None:
        super().__init__(*args)
        self._model = model
        self._texts: dict[str, str] = {}
        self._packed: dict[str, str] = {}

    def create(self, name: str, instance_id: str, text: str, seconds: int) -> str:
        command_id = super().create(name, instance_id, text, seconds)
        self._texts[command_id] = text
        return command_id

    def execution(self, name: str, command_id: str, instance_id: str) -> AgentRun:
        execution = super().execution(name, command_id, instance_id)
        if execution.state != "SUCCEEDED":
            return execution
        return replace(execution, text=self._printed(name, self._texts[command_id]))

    def _printed(self, name: str, text: str) -> str:
        match = _GIVEN.search(text)
        if match is None:
            return AnsweringHost(self._model, name, name).run(["cat"], 5).out
        given = json.loads(zlib.decompress(base64.b85decode(match[1])))
        if "action" in given:
            host = AnsweringHost(self._model, name, name)
            words = ["hooks", "x", given["action"], "--spec", "-", *given["more"]]
            ran = host.run(["sh", "-c", "", *words], 5, given["spec"])
            answer = {"code": ran.code, "result": json.loads(ran.out)}
            self._packed[given["id"]] = started.packed(answer)
        packed = self._packed[given["id"]]
        piece = packed[given["offset"] : given["offset"] + started.PIECE]
        return f"nfs-failover-answer {len(packed)} {piece}\n"


@contextmanager
def answering(model: HostsModel) -> Iterator[None]:
    """Hosts and agents answer out of the model."""
    with (
        mock.patch("failover.hosts.hook_runner.SshHost", partial(AnsweringHost, model)),
        mock.patch("failover.hosts.run_command.calls.AgentCommands", partial(AnsweringAgents, model)),
    ):
        yield
