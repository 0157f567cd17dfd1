"""What prechecks conclude from what they find, outcome by outcome, and the deadlines of their runner."""

import inspect
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from failover.cloud import inventory
from failover.cloud.inventory import Unanswered
from failover.cloud.resources import ImageFound, SubnetFound, VolumeFound
from failover.model.hook_report import Answer
from failover.model.observation import Attachment, ClientSeen, Presence, ServerSeen, Trouble
from failover.model.outcome import Outcome, Refused, Unknown, Usage
from failover.model.resource_change import Change
from failover.model.site import Client
from failover.model.stack_output import Launch, Server, Stack, Volume, parse
from failover.plan.model import Kind, Plan, Step
from failover.preflight import catalogue, gate, policies, runner
from failover.preflight import check as checks
from failover.preflight.check import Check, Result
from failover.preflight.checks import address, backups, capacity, hosts, image, target, terraform, volumes
from failover.preflight.memo import Once
from failover.verbs.site_file import parse as parse_site
from hooks.contract.result import Layer
from hooks.contract.result import Result as HooksResult
from tests.unit.failover.plan.site_model import attempt

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AD1, AD2 = "Uocm:PHX-AD-1", "Uocm:PHX-AD-2"
LAUNCH = Launch("ocid1.image.x", "BM.Optimized3.36", AD1, "ocid1.subnet.x", "10.0.0.12")
SUBNET = SubnetFound("nfs", "AVAILABLE", "10.0.0.0/29", None)
FIRST = Server("nfs-srv-1", "nfs-srv-1", True, True, "ocid1.instance.1", "10.0.0.11")
SECOND = Server("nfs-srv-2", "nfs-srv-2", False, False, None, None, LAUNCH)
BV1 = Volume("bv1", "ocid1.volume.1", "ocid1.attachment.1", FIRST.instance_id, "iqn", "169.254.2.2", 3260)
STACK = Stack("nfs-srv-1", "ocid1.compartment.c", {s.name: s for s in (FIRST, SECOND)}, {"bv1": BV1}, {})
HELD = Attachment("ocid1.attachment.1", BV1.volume_id, "ocid1.instance.1", "ATTACHED", "iqn", "", 0, False)


def complete(check: Check) -> bool:
    """Whatever is not right says what was expected and what to do."""
    return check.outcome is Result.OK or bool(check.found and check.expected and check.remedy)


@pytest.mark.parametrize(
    ("state", "age", "outcome"),
    [
        ("AVAILABLE", 89, Result.OK),
        ("AVAILABLE", 91, Result.WARNING),
        ("PROVISIONING", 0, Result.BLOCKING),
        ("DELETED", 1, Result.BLOCKING),
        ("DISABLED", 1, Result.BLOCKING),
    ],
)
def test_an_image(state: str, age: int, outcome: Result) -> None:
    found = image.judge("nfs-srv-2", ImageFound("golden", state, NOW - timedelta(days=age)), NOW, 90)
    assert found.outcome is outcome
    assert complete(found)
    assert f"{age} days old" in found.found


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("AVAILABLE", Result.OK),
        ("OUT_OF_HOST_CAPACITY", Result.BLOCKING),
        ("HARDWARE_NOT_SUPPORTED", Result.BLOCKING),
        ("UNKNOWN_ENUM_VALUE", Result.WARNING),
    ],
)
def test_a_capacity_report(status: str, outcome: Result) -> None:
    found = capacity.judge(LAUNCH, status)
    assert found.outcome is outcome
    assert complete(found)


@pytest.mark.parametrize(
    ("changes", "taken", "outcome"),
    [
        ({"private_ip": "10.0.0.2"}, set(), Result.OK),
        ({"private_ip": "10.0.0.2"}, {"10.0.0.2"}, Result.BLOCKING),
        ({"private_ip": "10.0.0.0"}, set(), Result.BLOCKING),
        ({"private_ip": "10.0.0.1"}, set(), Result.BLOCKING),  # the virtual router's
        ({"private_ip": "10.0.0.7"}, set(), Result.BLOCKING),  # broadcast
        ({"private_ip": "10.0.0.8"}, set(), Result.BLOCKING),
        ({"private_ip": None}, {f"10.0.0.{n}" for n in (2, 3, 4, 5)}, Result.OK),
        ({"private_ip": None}, {f"10.0.0.{n}" for n in (2, 3, 4, 5, 6)}, Result.BLOCKING),
    ],
)
def test_an_address(changes: dict[str, Any], taken: set[str], outcome: Result) -> None:
    found = address.judge("nfs-srv-2", replace(LAUNCH, **changes), SUBNET, taken)
    assert found.outcome is outcome, found
    assert complete(found)


@pytest.mark.parametrize("changes", [{"state": "TERMINATING"}, {"availability_domain": AD2}])
def test_a_subnet_that_does_not_serve_the_target(changes: dict[str, Any]) -> None:
    found = address.judge("nfs-srv-2", LAUNCH, replace(SUBNET, **changes), set())
    assert found.outcome is Result.BLOCKING
    assert complete(found)


@pytest.mark.parametrize(
    ("state", "domain", "wanted", "outcome"),
    [
        ("AVAILABLE", AD1, AD1, Result.OK),
        ("AVAILABLE", AD1.lower(), AD1, Result.OK),
        ("AVAILABLE", AD1, None, Result.OK),  # an old state does not tell
        ("AVAILABLE", AD2, AD1, Result.BLOCKING),
        ("FAULTY", AD1, AD1, Result.BLOCKING),
        ("TERMINATED", AD1, AD1, Result.BLOCKING),
    ],
)
def test_a_volume(state: str, domain: str, wanted: str | None, outcome: Result) -> None:
    found = volumes.judge_volume("bv1", VolumeFound(state, domain, None), "nfs-srv-2", wanted)
    assert found.outcome is outcome
    assert complete(found)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ([HELD], Result.OK),
        ([], Result.WARNING),
        ([replace(HELD, id="ocid1.attachment.2")], Result.WARNING),  # another one than the state's
        ([replace(HELD, state="DETACHING")], Result.WARNING),
        ([replace(HELD, shareable=True)], Result.WARNING),
        ([replace(HELD, instance_id="ocid1.instance.stranger")], Result.BLOCKING),
        ([replace(HELD, shareable=True), replace(HELD, id="x", shareable=True)], Result.BLOCKING),
    ],
)
def test_an_attachment(found: list[Attachment], outcome: Result) -> None:
    (check,) = volumes.judge_attachments(STACK, {"bv1": found})
    assert check.outcome is outcome
    assert complete(check)


@pytest.mark.parametrize(
    ("state", "adopted", "outcome"),
    [
        ("RUNNING", True, Result.OK),
        ("STOPPED", True, Result.OK),
        ("STOPPING", False, Result.OK),
        ("MOVING", False, Result.BLOCKING),
        ("TERMINATED", True, Result.BLOCKING),
        ("TERMINATED", False, Result.OK),
    ],
)
def test_a_target(state: str, adopted: bool, outcome: Result) -> None:
    found = target.judge("nfs-srv-2", state, adopted)
    assert found.outcome is outcome
    assert complete(found)


ATTACH = Change('oci_core_volume_attachment.data["bv1"]', ("delete", "create"))
OWN = 'oci_core_instance.server["nfs-srv-2"]'


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ([], Result.OK),
        ([ATTACH], Result.WARNING),
        ([Change(OWN, ("update",))], Result.WARNING),
        ([Change(OWN, ("delete", "create"))], Result.BLOCKING),
        ([Change('oci_core_instance.server["nfs-srv-3"]', ("create",))], Result.BLOCKING),
        ([ATTACH, Change('oci_core_volume.data["bv1"]', ("update",))], Result.BLOCKING),
    ],
)
def test_a_plan(changes: list[Change], outcome: Result) -> None:
    found = terraform.judge_plan(changes, "nfs-srv-2")
    assert found.outcome is outcome
    assert complete(found)


def test_a_name_that_has_a_record_already_is_told_with_the_import() -> None:
    """Terraform makes the set on the condition that there is none: the 409 would come after the volumes."""
    found = terraform.judge_name("hpc.example", "nfs.hpc.example", "ocid1.dnsview.v", ["10.0.0.9"])
    assert found.outcome is Result.BLOCKING
    assert "of 10.0.0.9" in found.found
    where = "zoneNameOrId/hpc.example/domain/nfs.hpc.example/rtype/A/scope/PRIVATE/viewId/ocid1.dnsview.v"
    assert f"terraform import 'oci_dns_rrset.service[0]' {where}" in found.remedy
    assert "viewId" not in terraform.judge_name("ocid1.dns-zone.z", "n", None, ["10.0.0.9"]).remedy
    assert terraform.judge_name("hpc.example", "nfs.hpc.example", None, []).outcome is Result.OK


def test_a_lock() -> None:
    assert terraform.judge_lock(None, waits=False).outcome is Result.OK
    assert terraform.judge_lock("process 7", waits=False).outcome is Result.BLOCKING
    assert terraform.judge_lock("process 7", waits=True).outcome is Result.WARNING


@pytest.mark.parametrize(
    ("found", "outcome"),
    [("same", Result.OK), ("older", Result.WARNING), (None, Result.BLOCKING), ("", Result.BLOCKING)],
)
def test_a_rendered_document(found: str | None, outcome: Result) -> None:
    check = terraform.judge_rendered(found, "same")
    assert check.outcome is outcome
    assert complete(check)


def answer(state: str) -> Answer:
    layer = Layer("nfs", state, False, 0.1, "why", {})
    return Answer("nfs-srv-1", HooksResult("check", "server", "nfs-srv-1", True, False, 0.1, "", (layer,)))


@pytest.mark.parametrize(
    ("seen", "outcome", "told"),
    [
        (ServerSeen(FIRST, "RUNNING", Presence.ANSWERS, answer("present")), Result.OK, "present: nfs"),
        (ServerSeen(FIRST, "RUNNING", Presence.ANSWERS, answer("broken")), Result.WARNING, "nfs broken: why"),
        (ServerSeen(FIRST, "RUNNING", Presence.ANSWERS), Result.WARNING, "not hold every volume"),
        (ServerSeen(FIRST, "RUNNING", Presence.SILENT), Result.WARNING, "RUNNING and silent"),
        (ServerSeen(FIRST, "STOPPED"), Result.WARNING, "STOPPED"),
        (
            ServerSeen(FIRST, "RUNNING", Presence.UNKNOWN, trouble=Trouble("the login was refused", "mend")),
            Result.UNKNOWN,
            "the login was refused",
        ),
    ],
)
def test_the_active_server_never_blocks(seen: ServerSeen, outcome: Result, told: str) -> None:
    found = hosts.judge_active(seen)
    assert found.outcome is outcome
    assert told in found.found
    assert complete(found)


def test_a_failover_that_reaches_no_host_from_here_is_not_said_to_work() -> None:
    active = ServerSeen(FIRST, "RUNNING", Presence.SILENT, attempt=attempt("nfs-srv-1", answered=False))
    client = Client("c1", "c1", ())
    silent = ClientSeen(client, Presence.SILENT, attempt=attempt("c1", answered=False))
    found = hosts.judge_reach(active, [silent])
    assert found.outcome is Result.UNKNOWN
    assert complete(found)
    reached = ClientSeen(client, Presence.ANSWERS, attempt=attempt("c1", answered=True))
    assert hosts.judge_reach(active, [silent, reached]).outcome is Result.OK


def test_what_a_client_would_refuse_is_blocking_and_what_it_warns_of_is_a_warning() -> None:
    facts: dict[str, object] = {"refusals": ["/mnt/a: no line"], "warnings": ["/mnt/b: not in the site"]}
    layer = Layer("client", "broken", False, 0.1, "why", facts)
    told = Answer("c1", HooksResult("check", "client", "c1", False, False, 0.1, "", (layer,)))
    found = list(hosts.judge_client(ClientSeen(Client("c1", "c1", ()), Presence.ANSWERS, told)))
    assert [(c.outcome, c.found) for c in found] == [
        (Result.BLOCKING, "/mnt/a: no line"),
        (Result.WARNING, "/mnt/b: not in the site"),
    ]


def test_clients() -> None:
    one, two = Client("c1", "c1", ()), Client("c2", "c2", ())
    answers = ClientSeen(one, Presence.ANSWERS)
    assert hosts.judge_clients(()).found == "none are configured"
    assert hosts.judge_clients((answers,)).outcome is Result.OK
    found = hosts.judge_clients((answers, ClientSeen(two, Presence.SILENT)))
    assert (found.outcome, found.found) == (Result.WARNING, "1 of 2 answer; c2: silent")
    refused = ClientSeen(two, Presence.UNKNOWN, trouble=Trouble("c2 answers SSH, but: refused", "mend it"))
    assert "c2 answers SSH, but: refused" in hosts.judge_clients((answers, refused)).found
    assert complete(found)


@pytest.mark.parametrize(("code", "outcome"), [(0, Result.OK), (1, Result.WARNING), (None, Result.WARNING)])
def test_the_volume_groups_metadata(code: int | None, outcome: Result) -> None:
    found = hosts.judge_metadata("vg1", "nfs-srv-1", code)
    assert found.outcome is outcome
    assert complete(found)


@pytest.mark.parametrize(
    ("newest", "outcome"),
    [
        (NOW - timedelta(days=6.9), Result.OK),
        (NOW - timedelta(days=7.1), Result.WARNING),
        (None, Result.WARNING),
    ],
)
def test_a_backup(newest: datetime | None, outcome: Result) -> None:
    found = backups.judge("bv1", newest, NOW, 7)
    assert found.outcome is outcome
    assert complete(found)


def of(*results: Result) -> list[Check]:
    return [Check(f"c{n}", r, f"found {n}", "x", f"remedy {n}") for n, r in enumerate(results)]


@pytest.mark.parametrize(
    ("results", "outcome", "code"),
    [
        ((Result.OK, Result.WARNING), Outcome.DONE, 0),
        ((Result.OK, Result.UNKNOWN, Result.WARNING), Outcome.UNKNOWN, 5),
        ((Result.UNKNOWN, Result.BLOCKING), Outcome.REFUSED, 3),
    ],
)
def test_all_checks_together(results: tuple[Result, ...], outcome: Outcome, code: int) -> None:
    assert checks.outcome(of(*results)) is outcome
    assert outcome.exit_code == code


def test_a_run_is_stopped_with_everything_at_once() -> None:
    assert checks.objection(of(Result.OK, Result.WARNING)) is None
    error = checks.objection(of(Result.BLOCKING, Result.OK, Result.UNKNOWN))
    assert isinstance(error, Refused)
    assert error.reason == "preflight: c0: found 0; c2: found 2"
    assert error.remedy == "remedy 0; remedy 2"
    assert isinstance(checks.objection(of(Result.UNKNOWN)), Unknown)


def test_every_read_has_its_policy() -> None:
    called = set(re.findall(r'_(?:call|all)\(\s*"(\w+)"', inspect.getsource(inventory)))
    assert called == set(policies.READS)
    for operation in (*policies.READS, *policies.ACTS):
        for statement in policies.statements(operation, "ocid1.compartment.c"):
            verb, where = "(inspect|read|use|manage) [a-z-]+", r"(tenancy|compartment id ocid1\S+)"
            assert re.fullmatch(f"allow group <group> to {verb} in {where}", statement)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "allow group <group> to read instance-images in compartment id c"),
        (403, "allow group"),
        (401, "clock"),
        (429, "throttling"),
        (500, "service's status"),
        (None, "silence"),
    ],
)
def test_the_remedy_fits_the_answer(status: int | None, said: str) -> None:
    assert said in policies.remedy("GetImage", status, "c")


def test_what_cannot_be_tried_is_named() -> None:
    assert "LaunchInstance" in catalogue.acting(launches=True)
    assert "LaunchInstance" not in catalogue.acting(launches=False)
    assert "DetachVolume" in catalogue.acting(launches=False)


class Bare:
    """As much of a ground as the runner itself looks at."""

    stack = STACK

    def ask_ahead(self) -> None:
        pass


def ran(look: Callable[[Any], Any], advisory: bool = False, seconds: float = 5.0) -> Check:
    (check,) = runner.run([runner.Probe("p", look, seconds, advisory)], cast(Any, Bare()))
    return check


def failing(error: Exception) -> Callable[[Any], Any]:
    def look(_: Any) -> Any:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "advisory", "outcome"),
    [
        (Unanswered("GetImage", 404, "no"), False, Result.UNKNOWN),
        (Unanswered("GetImage", 404, "no"), True, Result.WARNING),
        (Unknown("nobody knows", "look"), False, Result.UNKNOWN),
        (Unknown("nobody knows", "look"), True, Result.WARNING),
        (Refused("no", "mend"), False, Result.BLOCKING),
        (Usage("no", "mend"), True, Result.BLOCKING),
    ],
)
def test_an_error_is_a_result(error: Exception, advisory: bool, outcome: Result) -> None:
    check = ran(failing(error), advisory)
    assert check.outcome is outcome
    assert check.remedy


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        ran(failing(ZeroDivisionError()))


def test_a_probe_that_hangs_is_left_behind_at_its_deadline() -> None:
    never = threading.Event()
    start = time.monotonic()
    late, quick = runner.run(
        [
            runner.Probe("late", lambda _: [checks.ok("late", str(never.wait(10)))], 0.1),
            runner.Probe("quick", lambda _: [checks.ok("quick", "")]),
        ],
        cast(Any, Bare()),
    )
    never.set()
    assert time.monotonic() - start < 5
    assert (late.outcome, quick.outcome) == (Result.UNKNOWN, Result.OK)
    assert "no answer within 0.1 s" in late.found


def test_probes_run_beside_each_other() -> None:
    together = threading.Barrier(3, timeout=5)  # broken, and so a defect, unless all three are there

    def look(_: Any) -> list[Check]:
        together.wait()
        return []

    assert runner.run([runner.Probe(str(n), look) for n in range(3)], cast(Any, Bare())) == ()


def test_a_question_is_asked_once_and_its_failure_told_to_all() -> None:
    once, asked = Once(), []

    def ask(what: str) -> str:
        asked.append(what)
        if what == "bad":
            raise Unknown("no", "")
        return what.upper()

    assert [once.ask(ask, "a"), once.ask(ask, "a"), once.ask(ask, "b")] == ["A", "A", "B"]
    for _ in range(2):
        with pytest.raises(Unknown):
            once.ask(ask, "bad")
    assert asked == ["a", "b", "bad"]


def test_a_question_can_be_asked_ahead() -> None:
    once, asked, go = Once(), [], threading.Event()

    def ask(what: str) -> str:
        asked.append(what)
        go.wait(5)
        raise Unknown(what, "")

    once.begin(ask, "a")
    go.set()
    with pytest.raises(Unknown, match="a"):
        once.ask(ask, "a")
    assert asked == ["a"]


def test_a_run_plans_with_terraform_only_while_the_old_server_serves() -> None:
    ground = cast(Any, GroundOfCalls())
    planned = {serves: {p.name for p in catalogue.of_a_run(ground, serves)} for serves in (True, False)}
    assert planned[True] - planned[False] == {"terraform plan"}
    assert not {p.name for p in catalogue.HOSTS} & planned[True], "what was observed is not asked again"
    assert {"call GetImage", "call GetSubnet", "image", "capacity"} <= planned[False]


def test_a_plan_that_moves_no_volume_needs_no_prechecks() -> None:
    plan = Plan("nfs-srv-2", None, (Step(Kind.CLIENT, "nfs-cli", "why"),), ())
    nothing = cast(Any, None)
    assert gate.checks(plan, nothing, nothing, nothing, nothing, nothing) == ()


class GroundOfCalls(Bare):
    """As much of a ground as the list of probes looks at."""

    target = SECOND
    site = SimpleNamespace(ssh=SimpleNamespace(reach=True))

    def instance(self, instance_id: str) -> None:
        pass

    instances = attachments = volume = image = subnet = server_state = instance


def output(**server: Any) -> dict[str, Any]:
    entry = {
        "hostname": "s",
        "adopted": False,
        "exists": False,
        "instance_id": None,
        "address": None,
        **server,
    }
    return {"active": "s", "compartment_id": "c", "servers": {"s": entry}, "volumes": {}, "spec": {}}


def test_the_output_may_lack_what_a_server_is_launched_with() -> None:
    assert parse(output()).servers["s"].launch is None
    assert parse(output(launch=None)).servers["s"].launch is None
    assert parse(output(launch=vars(LAUNCH) | {"later": 1})).servers["s"].launch == LAUNCH
    with pytest.raises(Usage, match="image_id"):
        parse(output(launch={}))


def test_the_limits_of_a_site(tmp_path: Path) -> None:
    limits = parse_site({"preflight": {"image_age_days": 30}}, tmp_path / "site.toml").preflight
    assert (limits.image_age_days, limits.backup_age_days) == (30.0, 7.0)
    for wrong in ({"image_age_days": "soon"}, {"image_age_days": 0}, {"image_days": 3}):
        with pytest.raises(Usage, match="preflight"):
            parse_site({"preflight": wrong}, tmp_path / "site.toml")
