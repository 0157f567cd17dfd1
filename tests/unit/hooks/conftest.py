"""No test of a layer may run a real command: only those marked `real_commands` do."""

import subprocess

import pytest


@pytest.fixture(autouse=True)
def _no_commands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real_commands" not in request.fixturenames:

        def refuse(*args: object, **_: object) -> None:
            raise AssertionError(f"a unit test ran a real command: {args}")

        monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture
def real_commands() -> None:
    """Asked for by tests of the runner itself."""
