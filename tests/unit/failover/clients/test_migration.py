"""A migration's first client, its outcome, and what is shown of it, also with a thousand clients."""

import pytest

from failover.clients import shown
from failover.clients.migration import MigrationResult, Prospect, canary
from failover.model.outcome import Outcome
from failover.model.site import Client

pytestmark = pytest.mark.own_rule

DIFF = ("- /etc/fstab: nfs-srv-1:/a /a nfs", "+ /etc/fstab: 10.0.0.100:/a /a nfs")


def prospect(name: str, **others: object) -> Prospect:
    return Prospect(Client(name, name, ()), **others)  # type: ignore[arg-type]


def test_the_first_client_is_one_that_nothing_holds() -> None:
    held = prospect("a", diff=DIFF, waits={"/a": "held by 1 (x)"})
    assert canary([held, prospect("b", diff=DIFF)]).name == "b"
    assert canary([held]).name == "a"


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"already": ["a"]}, Outcome.NOTHING_TO_DO),
        ({"already": ["a"], "refused": {"b": "x"}}, Outcome.REFUSED),
        ({"already": ["a"], "silent": {"b": "x"}}, Outcome.CLIENTS_LEFT),
        ({"canary": "a", "migrated": ["a"]}, Outcome.DONE),
        ({"canary": "a", "migrated": ["a"], "waiting": {"b": "x"}}, Outcome.CLIENTS_LEFT),
        ({"canary": "a", "migrated": ["a"], "failed": {"b": "x"}}, Outcome.CLIENTS_LEFT),
        ({"canary": "a", "waiting": {"a": "x"}}, Outcome.CLIENTS_LEFT),
        ({"canary": "a", "failed": {"a": "x"}, "not_begun": ["b"]}, Outcome.FAILED),
    ],
)
def test_what_a_migration_came_to(result: dict[str, object], outcome: Outcome) -> None:
    assert MigrationResult("10.0.0.100", **result).outcome is outcome  # type: ignore[arg-type]


def test_a_thousand_clients_are_a_few_lines() -> None:
    every = [prospect(f"gpu-{n:04}", diff=DIFF) for n in range(1000)]
    every += [prospect(f"cpu-{n:03}", diff=DIFF, waits={"/a": "held by 1 (x)"}) for n in range(50)]
    every += [prospect(f"old-{n:02}", refusals=(f"old-{n:02}: mounted by hand",)) for n in range(20)]
    every += [prospect("off", trouble="no route to host"), prospect("done", done=True)]
    lines = list(shown.before(every, "10.0.0.100"))
    assert lines == [
        "off: not reached: no route to host",
        "old-[00-19]: REFUSED, and not touched: the host: mounted by hand",
        "done: migrated already",
        "cpu-[000-049]: the lines change, the mounts wait until nothing holds them: /a: held by 1 (x)",
        "to 10.0.0.100: 1050 clients: cpu-[000-049],gpu-[0000-0999]",
        *(f"  {line}" for line in DIFF),
        "gpu-0000 goes first; the others follow when it is right",
    ]
    result = MigrationResult("10.0.0.100", "a", ["a", "b"], ["c"], failed={"d": "mount: no"})
    assert list(shown.after(result)) == [
        "d: FAILED: mount: no",
        "3 clients mount from 10.0.0.100, 1 of them before; 1 are left: clients-left",
    ]
