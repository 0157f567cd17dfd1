"""What holds for every test: a busy machine makes one slow, not wrong, so no example has a deadline."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
# Terraform's processes live for a second, and its garbage collector takes a sixth of their processor time
os.environ.setdefault("GOGC", "off")

# the files that bring one lab up for all of their tests; every other drill has a lab of its own
ONE_LAB = (
    "test_client_faults",
    "test_guests",
    "test_host_faults",
    "test_operator_faults",
    "test_site_shapes",
)


class ByLab(LoadScopeScheduling):
    """Hands a lab's tests to one process, and each other drill to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        return file if file.rpartition("/")[2].removesuffix(".py") in ONE_LAB else nodeid


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oci", action="store_true", help="run the tests that are marked oci, on a real tenancy"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs a real tenancy is left out unless it is asked for."""
    if config.getoption("--oci"):
        return
    left_out = [item for item in items if item.get_closest_marker("oci")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """`--dist loadgroup` is by lab here (the groups that tests are marked with do not work with pytest 9)."""
    return ByLab(config, log) if config.getvalue("dist") == "loadgroup" else None
