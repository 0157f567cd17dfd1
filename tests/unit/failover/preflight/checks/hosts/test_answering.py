"""Servers and clients that answer, refuse or are silent."""

from dataclasses import replace

import pytest

from failover.bundle.zipapp import hooks_sha256
from failover.model.host.hook_report import HookReport
from failover.model.observation import ClientStatus, Presence, ServerStatus, Trouble
from failover.model.site import Client, ClientMount
from failover.preflight.check import CheckResult, blocking, warning
from failover.preflight.checks.hosts import answering
from hooks.contract.result import HookResult as HooksResult
from hooks.contract.result import Layer
from tests.unit.failover.plan.site_model import attempt
from tests.unit.failover.preflight.ground import FIRST, complete


def answer(state: str) -> HookReport:
    layer = Layer("nfs", state, False, 0.1, "why", {})
    return HookReport(
        "nfs-srv-1", HooksResult("check", "server", "nfs-srv-1", True, False, 0.1, "", (layer,))
    )


@pytest.mark.parametrize(
    ("seen", "outcome", "told"),
    [
        (ServerStatus(FIRST, "RUNNING", Presence.ANSWERS, answer("present")), CheckResult.OK, "present: nfs"),
        (
            ServerStatus(FIRST, "RUNNING", Presence.ANSWERS, answer("broken")),
            CheckResult.WARNING,
            "nfs broken: why",
        ),
        (ServerStatus(FIRST, "RUNNING", Presence.ANSWERS), CheckResult.WARNING, "not hold every volume"),
        (ServerStatus(FIRST, "RUNNING", Presence.SILENT), CheckResult.WARNING, "RUNNING and silent"),
        (ServerStatus(FIRST, "STOPPED"), CheckResult.WARNING, "STOPPED"),
        (
            ServerStatus(
                FIRST, "RUNNING", Presence.UNKNOWN, trouble=Trouble("the login was refused", "mend")
            ),
            CheckResult.UNKNOWN,
            "the login was refused",
        ),
    ],
)
def test_the_active_server_never_blocks(seen: ServerStatus, outcome: CheckResult, told: str) -> None:
    found = answering.judge_active(seen)
    assert found.outcome is outcome
    assert told in found.actual
    assert complete(found)


def test_a_failover_that_reaches_no_host_from_here_is_not_said_to_work() -> None:
    active = ServerStatus(FIRST, "RUNNING", Presence.SILENT, attempt=attempt("nfs-srv-1", answered=False))
    client = Client("c1", "c1", ())
    silent = ClientStatus(client, Presence.SILENT, attempt=attempt("c1", answered=False))
    found = answering.judge_reach(active, [silent])
    assert found.outcome is CheckResult.UNKNOWN
    assert complete(found)
    reached = ClientStatus(client, Presence.ANSWERS, attempt=attempt("c1", answered=True))
    assert answering.judge_reach(active, [silent, reached]).outcome is CheckResult.OK


def test_what_a_client_would_refuse_is_blocking_and_what_it_warns_of_is_a_warning() -> None:
    facts: dict[str, object] = {"refusals": ["/mnt/a: no line"], "warnings": ["/mnt/b: not in the site"]}
    layer = Layer("client", "broken", False, 0.1, "why", facts)
    told = HookReport("c1", HooksResult("check", "client", "c1", False, False, 0.1, "", (layer,)))
    found = list(answering.judge_client(ClientStatus(Client("c1", "c1", ()), Presence.ANSWERS, told)))
    assert [(c.outcome, c.actual) for c in found] == [
        (CheckResult.BLOCKING, "/mnt/a: no line"),
        (CheckResult.WARNING, "/mnt/b: not in the site"),
    ]


def test_one_export_under_two_names_and_a_clock_that_is_off_are_named() -> None:
    mounts = (ClientMount("/mnt/a", "/x"), ClientMount("/mnt/a", "/y"), ClientMount("/mnt/b", "/z"))
    sources = {"/x": "nfs-srv-1:/mnt/a", "/y": "10.0.0.9:/mnt/a", "/z": "nfs-srv-1:/mnt/b"}
    layer = Layer("client", "present", False, 0.1, "", dict(sources))
    told = HookReport("c1", HooksResult("check", "client", "c1", True, False, 0.1, "", (layer,)), -7260.0)
    found = list(answering.judge_client(ClientStatus(Client("c1", "c1", mounts), Presence.ANSWERS, told)))
    assert [c.actual for c in found] == [
        "mounts /mnt/a under two names: 10.0.0.9 at /y, nfs-srv-1 at /x",
        "its clock is about 121 min behind ours",
    ]
    assert all(complete(c) for c in found)
    near = replace(told, ahead=20.0)
    right = ClientStatus(Client("c1", "c1", mounts[1:]), Presence.ANSWERS, near)
    assert list(answering.judge_client(right)) == []


def test_clients_that_follow_by_themselves_are_shown_and_what_is_not_right_of_them() -> None:
    ours = hooks_sha256()[:16]

    def status(name: str, unit: object) -> ClientStatus:
        facts = {"follow": unit} if unit else {}
        result = HooksResult("check", "client", name, True, False, 0.1, "", (), facts)
        return ClientStatus(Client(name, name, ()), Presence.ANSWERS, HookReport(name, result))

    right = {"sha256": ours, "on": True, "current": True}
    silent = ClientStatus(Client("c9", "c9", ()), Presence.SILENT)
    off = status("c0", None)
    assert list(answering.judge_following([off, silent])) == []
    (check,) = answering.judge_following([off, silent, status("c1", right), status("c2", right)])
    assert (check.outcome, check.actual) == (CheckResult.OK, f"2 of 3: c[1-2]: on, hooks {ours}")
    for unit, text in (
        ({**right, "sha256": "0" * 16}, "others than"),
        ({**right, "on": False, "sha256": ""}, "not whole"),
        ({**right, "current": False}, "not the site's of today"),
        ({}, ""),
        ("on", ""),
    ):
        checks = list(answering.judge_following([status("c1", right), status("c2", unit)]))
        assert [c.outcome for c in checks] == [CheckResult.WARNING if text else CheckResult.OK]
        assert text in checks[0].actual
        assert complete(checks[0])


def test_clients() -> None:
    one, two = Client("c1", "c1", ()), Client("c2", "c2", ())
    answers = ClientStatus(one, Presence.ANSWERS)
    assert answering.judge_clients(()).actual == "none are configured"
    assert answering.judge_clients((answers,)).outcome is CheckResult.OK
    found = answering.judge_clients((answers, ClientStatus(two, Presence.SILENT)))
    assert (found.outcome, found.actual) == (CheckResult.WARNING, "1 of 2 answer; c2: silent")
    refused = ClientStatus(two, Presence.UNKNOWN, trouble=Trouble("c2 answers SSH, but: refused", "mend it"))
    assert "c2 answers SSH, but: refused" in answering.judge_clients((answers, refused)).actual
    assert complete(found)


@pytest.mark.parametrize(
    ("code", "outcome"), [(0, CheckResult.OK), (1, CheckResult.WARNING), (None, CheckResult.WARNING)]
)
def test_the_volume_groups_metadata(code: int | None, outcome: CheckResult) -> None:
    found = answering.judge_metadata("vg1", "nfs-srv-1", code)
    assert found.outcome is outcome
    assert complete(found)


def test_what_hundreds_of_clients_have_in_common_is_one_check():
    every = [blocking(f"client gpu-{n:03}", f"gpu-{n:03}: no line", "a line", "add it") for n in range(200)]
    every += [warning("client gpu-007", "mounted by hand", "a line", "add it")]
    found = answering.together(every)
    assert [(c.name, c.actual) for c in found] == [
        ("client gpu-[000-199]", "the host: no line"),
        ("client gpu-007", "mounted by hand"),
    ]
    assert answering.together(every[:3]) == every[:3]
