"""The order of the tests: every one is run once, a lab's by one process, and drills in two at once."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import LABS_AT_ONCE, ONE_LAB, ByLab
from tests.paths import ROOT

TESTS = [
    *(f"tests/drill/faults/test_host_faults.py::test_{n}" for n in range(4)),
    *(f"tests/drill/faults/test_operator_faults.py::test_{n}" for n in range(3)),
    *(f"tests/drill/doors/test_failovers.py::test_{n}" for n in range(3)),
    *(f"tests/drill/doors/test_doors.py::test_{n}" for n in range(4)),
    *(f"tests/terraform/flow/test_flow.py::test_{n}" for n in range(9)),
    *(f"tests/unit/test_much.py::test_{n}" for n in range(20)),
    *(f"tests/unit/test_file_{n}.py::test_it" for n in range(5)),
]
LONGEST = "tests/drill/doors/test_failovers.py::test_0"


class Process:
    """A worker as the scheduler sees it; it runs a test when it knows the next one, or that there is none."""

    def __init__(self, name: str, tests: list[str]) -> None:
        self.tests = tests
        self.gateway = SimpleNamespace(id=name)
        self.queue: deque[int] = deque()
        self.ran: list[str] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.queue.extend(indices)

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def runs(self) -> str:
        """The test that it is at; empty when it waits."""
        return self.tests[self.queue[0]] if len(self.queue) > 1 or (self.queue and self.shutting_down) else ""


def seconds(test: str) -> int:
    if test == LONGEST:
        return 200
    return 40 if "/drill/" in test else 3 if "/terraform/" in test else 1


def run(count: int, tests: list[str] = TESTS) -> tuple[list[Process], list[set[str]], list[int]]:
    """The processes after all tests; what ran at each second; how many tests then waited for a process."""
    config: Any = SimpleNamespace(
        getvalue=lambda _: ["popen"] * count, option=SimpleNamespace(loadscopereorder=True)
    )
    scheduler = ByLab(config)
    processes = [Process(f"gw{n}", tests) for n in range(count)]
    for one in processes:
        scheduler.add_node(one)
    for one in processes:
        scheduler.add_node_collection(one, tests)
    scheduler.schedule()
    at: list[set[str]] = []
    waiting: list[int] = []
    left = {test: seconds(test) for test in tests}
    while running := [one for one in processes if one.runs]:
        at.append({one.runs for one in running})
        waiting.append(sum(not test.startswith("tests/drill/") for test in _unassigned(scheduler)))
        for one in running:
            left[one.runs] -= 1
            if not left[one.runs]:
                index = one.queue.popleft()
                one.ran.append(tests[index])
                scheduler.mark_test_complete(one, index)
    assert not any(one.queue for one in processes), "a process waits for ever"
    return processes, at, waiting


def _unassigned(scheduler: ByLab) -> list[str]:
    return [test for tests in scheduler.workqueue.values() for test in tests]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_test_is_run_once_and_a_lab_s_by_one_process(count: int) -> None:
    processes, _, _ = run(count)
    assert sorted(test for one in processes for test in one.ran) == sorted(TESTS)
    for file in ("test_host_faults", "test_operator_faults", "test_flow"):
        assert sum(any(f"/{file}.py" in test for test in one.ran) for one in processes) == 1, file


def test_drills_are_in_two_processes_while_other_tests_wait() -> None:
    _, at, waiting = run(3)
    drills = [sum("/drill/" in test for test in tests) for tests in at]
    assert {count for count, others in zip(drills, waiting, strict=True) if others} == {LABS_AT_ONCE}
    assert max(drills) == 3


def test_drills_are_shared_out_evenly_also_when_one_takes_long() -> None:
    """A process that took two in advance would do them while another one has ended."""
    only = [test for test in TESTS if "/drill/" in test]
    _, at, _ = run(2, only)
    assert len(at) == sum(map(seconds, only)) / 2


def test_each_file_that_has_one_lab_for_its_tests_is_known() -> None:
    """In two processes it would bring up two."""
    files = (ROOT / "tests" / "drill").rglob("test_*.py")
    assert {file.stem for file in files if "tmp_path_factory" in file.read_text()} == set(ONE_LAB)
