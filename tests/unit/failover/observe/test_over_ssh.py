"""One host asked: whatever goes wrong with it is its own trouble."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from failover.hosts.hook_runner import HookRunner
from failover.model.observation import Presence
from failover.model.outcome import Usage
from failover.observe import over_ssh


class _Host:
    """A host whose login raises this."""

    def __init__(self, error: Exception) -> None:
        self.ssh = self
        self.name, self.attempt = "gpu-1", None
        self._error = error

    async def opened(self) -> None:
        raise self._error


def _checked(error: Exception) -> dict[str, Any]:
    async def spec() -> Any:
        return {}

    host = cast("HookRunner", _Host(error))
    return asyncio.run(over_ssh.checked(host, spec, 1.0, lambda: None))


def test_what_nobody_foresaw_is_one_client_s_trouble() -> None:
    facts = _checked(RuntimeError("a library's own"))
    assert facts["presence"] is Presence.UNKNOWN
    assert facts["trouble"].reason == "gpu-1: RuntimeError: a library's own"


def test_a_fault_of_our_own_configuration_is_no_client_s() -> None:
    with pytest.raises(Usage, match="ssh is not on the PATH"):
        _checked(Usage("ssh is not on the PATH of this machine", "install it"))
