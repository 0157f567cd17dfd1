"""The repository that every test here has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.failover.checkout.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin")
