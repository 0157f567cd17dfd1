"""One name for each word: what is written out elsewhere could be misspelt without a sign."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.model.outcome import Outcome
from failover.plan.model import Step, StepKind, split_name
from failover.report import record
from failover.runs.events import REBOOTED, Event
from failover.stack import addresses
from hooks.contract.result import CLIENTS, WAYS_BY_CLIENT
from tests.paths import ROOT

EVENTS = ROOT / "failover" / "runs" / "events.py"
ADDRESSES = ROOT / "failover" / "stack" / "addresses.py"
RECORD = ROOT / "failover" / "report" / "record.py"
RESULT = ROOT / "hooks" / "contract" / "result.py"
CODE = {path: path.read_text() for path in sorted((ROOT / "failover").rglob("*.py"))}
HOOKS = {path: path.read_text() for path in sorted((ROOT / "hooks").rglob("*.py"))}
# how a run or a step of it came out, and the layer of an answer: other modules compare these
COMPARED = {
    *(outcome.value for outcome in Outcome),
    *(record.DONE, record.FAILED, record.CUT_OFF, record.NOT_STARTED, record.UNDER_WAY, record.KILLED),
    CLIENTS,
}


def compared(tree: ast.AST) -> Iterator[str]:
    """The texts that are written out where they are compared, or given as an outcome."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                yield from texts(side)
        elif isinstance(node, ast.keyword) and node.arg == "outcome":
            yield from texts(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield from texts(value) if isinstance(key, ast.Constant) and key.value == "outcome" else ()


def texts(node: ast.AST) -> Iterator[str]:
    """The text, or those of a tuple, list, set or choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from texts(element)
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))


def test_what_is_compared_has_a_name() -> None:
    by_path = {path: COMPARED.intersection(compared(ast.parse(text))) for path, text in CODE.items()}
    assert {path: words for path, words in by_path.items() if words} == {}


@pytest.mark.parametrize(
    "line",
    [
        'run.outcome == "killed"',
        'run.outcome not in ("killed", UNDER_WAY)',
        'end = {"outcome": UNDER_WAY if under_way else "killed"}',
        'journal.write(event, outcome="done")',
        'facts.get(WAYS_BY_CLIENT) if layer.layer == "clients" else None',
    ],
)
def test_a_literal_would_be_noticed(line: str) -> None:
    assert COMPARED.intersection(compared(ast.parse(line)))


@pytest.mark.parametrize(
    ("written", "home"),
    [(f'"{record.KILLED}"', RECORD), (f'"{REBOOTED}', EVENTS), (f'"{WAYS_BY_CLIENT}"', RESULT)],
)
def test_a_word_is_written_out_in_one_module(written: str, home: Path) -> None:
    assert [path for path, text in {**CODE, **HOOKS}.items() if written in text] == [home]


@pytest.mark.parametrize("event", [e for e in Event if e is not Event.VERIFIED])  # that is a word, too
def test_an_event_is_written_out_in_one_module(event: Event) -> None:
    assert [path for path, text in CODE.items() if f'"{event}"' in text] == [EVENTS]


@pytest.mark.parametrize(
    "resource",
    [
        addresses.ATTACHMENT,
        addresses.INSTANCE,
        addresses.SERVICE_ADDRESS,
        addresses.SERVICE_NAME,
        addresses.SWITCH_RECORD,
        addresses.VNIC,
    ],
)
def test_an_address_is_written_out_in_one_module(resource: str) -> None:
    assert [path for path, text in CODE.items() if resource in text] == [ADDRESSES]


def test_an_address_names_its_volume_or_its_server() -> None:
    assert addresses.volume_of(addresses.attachment("bv1")) == "bv1"
    assert addresses.server_of(addresses.instance("nfs-srv-2")) == "nfs-srv-2"
    assert addresses.server_of(addresses.attachment("bv1")) is None
    assert addresses.volume_of(addresses.SWITCH_RECORD) is None


@pytest.mark.parametrize("kind", StepKind)
def test_a_step_s_name_says_its_kind_and_its_subject(kind: StepKind) -> None:
    assert split_name(Step(kind, "nfs-srv-2", "").name) == (kind, "nfs-srv-2")


@pytest.mark.parametrize("name", ["observe", "verify", "release", "dance nfs-srv-2"])
def test_a_bar_that_is_no_step_has_no_kind(name: str) -> None:
    assert split_name(name) == (None, "")
