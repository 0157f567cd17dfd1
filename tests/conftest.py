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
    "test_second_nic",
    "test_site_shapes",
)


LABS_AT_ONCE = 2
# of two processes one waits for a deadline a quarter of its time; a third one, without guests, uses it
# the longest drill is begun first, so that nobody waits for it alone at the end
LONG_FIRST = (
    "tests/drill/before/test_whole_path",
    "tests/drill/",
    "tests/terraform/",
    "tests/model/",
    "tests/api/",
)


class ByLab(LoadScopeScheduling):
    """Hands a lab's tests to one process, another drill to whichever is free, and a file to any.

    At most LABS_AT_ONCE processes drill for as long as there is something else to do: guests are slow enough
    with one processor each. No process hoards drills, so that none waits at the end while others have two.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        name = file.rpartition("/")[2].removesuffix(".py")
        return nodeid if _is_drill(file) and name not in ONE_LAB else file

    def _assign_work_unit(self, node: Any) -> None:
        """Assign the process its next unit: the first of the kind that it shall do now."""
        self.workqueue.move_to_end(self._next_for(node), last=False)
        super()._assign_work_unit(node)

    def _next_for(self, node: Any) -> str:
        queue = sorted(self.workqueue, key=_rank)
        drilling = {one for one, units in self.assigned_work.items() if any(map(_is_drill, _open(units)))}
        wants_drill = node in drilling or len(drilling) < LABS_AT_ONCE
        return next((scope for scope in queue if _is_drill(scope) == wants_drill), queue[0])

    def _reschedule(self, node: Any) -> None:
        # a process runs a test only when it knows the one after it (xdist.remote): one in advance is enough
        if not self.workqueue or self._pending_of(self.assigned_work[node]) < 2:
            super()._reschedule(node)


def _is_drill(scope: str) -> bool:
    return scope.startswith("tests/drill/")


def _rank(scope: str) -> int:
    """Long ones first; sorting keeps xdist's order, by the number of tests, within a rank."""
    return next((n for n, folder in enumerate(LONG_FIRST) if scope.startswith(folder)), len(LONG_FIRST))


def _open(units: dict[str, dict[str, bool]]) -> list[str]:
    """The scopes of which a test has not ended yet."""
    return [scope for scope, tests in units.items() if not all(tests.values())]


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
