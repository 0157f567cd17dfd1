"""The verb clients on a whole site: real Terraform and API; only those chosen are touched."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from failover.bundle.zipapp import hooks_sha256
from failover.clients.sources import ClientSource
from failover.command.request import SiteChoice
from failover.runs import history
from failover.verbs import clients as verb
from tests.terraform.doubles.hosts import SERVICE, AnsweringHost
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.own_rule

CLIENTS = ("nfs-cli", "gpu-001", "gpu-002", "gpu-003")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeSite]:
    """Four clients, of which gpu-001 and gpu-002 are silent when the service moves to nfs-srv-2."""
    with several(tmp_path) as made:
        with made.model.open() as model:
            model["silent"] = ["gpu-001", "gpu-002"]
        yield made


@contextmanager
def several(folder: Path, service_ip: str | None = None) -> Iterator[WholeSite]:
    """Four clients, which all have mounted nfs-srv-1."""
    with whole_site(folder, service_ip) as made:
        mounts = 'mounts = [{ path = "/mnt/a", mount = "/mnt/nfs/a" }]'
        more = "".join(f'[[clients]]\nname = "{name}"\n{mounts}\n' for name in CLIENTS[1:])
        made.file.write_text(made.file.read_text() + more)
        with made.model.open() as model:
            model["mounted"] = dict.fromkeys(CLIENTS, FIRST)
        yield made


def do(site: WholeSite, action: str, capsys: pytest.CaptureFixture[str], **options: str) -> tuple[int, str]:
    back, resume = (bool(options.pop(name, "")) for name in ("back", "resume_slurm"))
    follow = options.pop("follow", "")
    source = ClientSource(**{k: v for k, v in options.items() if k != "clients"})
    how = options.get("clients", "remount")
    arguments = verb.Arguments(
        action, SiteChoice(str(site.file)), source, how, True, True, back, resume, follow
    )
    with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, site.model)):
        code = verb.main(arguments)
    done = capsys.readouterr()
    return code, done.out + done.err


def mounted(site: WholeSite) -> dict[str, str]:
    with site.model.open() as model:
        return dict(model["mounted"])


def test_those_that_are_left_are_brought_over_by_list(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    report, said = site.fail_over(SECOND)
    assert report.outcome.exit_code == 6, said
    with site.model.open() as model:
        model["silent"] = ["gpu-002"]
    capsys.readouterr()

    code, said = do(site, "list", capsys, slurm="gpu-[001-003],gpu-900")
    assert code == 0, said
    assert json.loads(said.splitlines()[-1]) == {
        "active": SECOND,
        "clients": ["gpu-001", "gpu-002", "gpu-003"],
        "strangers": ["gpu-900"],
        "named_twice": [],
        "left_out": ["nfs-cli"],
    }

    code, said = do(site, "check", capsys, nodes="gpu-[001-003]")
    assert code == 0, said
    assert "2 of 3 answer" in said

    code, said = do(site, "run", capsys, nodes="gpu-[001,900]")
    assert (code, mounted(site)["gpu-001"]) == (2, FIRST), said
    assert "gpu-900" in said

    code, said = do(site, "run", capsys, nodes="gpu-001")
    assert code == 0, said
    assert mounted(site) == dict.fromkeys(CLIENTS, SECOND) | {"gpu-002": FIRST}

    with site.model.open() as model:
        model["silent"], model["serving"] = [], {}  # the service itself has gone
    code, said = do(site, "run", capsys, nodes="gpu-002")
    assert (code, mounted(site)["gpu-002"]) == (3, FIRST), said
    assert "the service itself is not right" in said


def result(said: str) -> dict[str, Any]:
    return dict(json.loads(said.splitlines()[-1]))


def test_clients_are_migrated_and_the_next_failover_touches_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with several(tmp_path, "10.0.0.100") as site:
        with site.model.open() as model:
            model["held"], model["silent"] = {"nfs-cli": "held by 812 (python3)"}, ["gpu-003"]
            model["refusals"] = {"gpu-002": ["/mnt/nfs/a: mounted by hand"]}
        code, said = do(site, "migrate", capsys)
        assert code == 6, said
        first = result(said)
        assert (first["canary"], first["migrated"]) == ("gpu-001", ["gpu-001"])
        assert first["waiting"] == {"nfs-cli": "/mnt/nfs/a: held by 812 (python3)"}
        assert (list(first["refused"]), list(first["silent"])) == (["gpu-002"], ["gpu-003"])
        assert "to 10.0.0.100: 2 clients: gpu-001,nfs-cli" in said
        assert "  + /etc/fstab: the service:/mnt/a" in said
        assert mounted(site) == dict.fromkeys(CLIENTS, FIRST) | {"gpu-001": SERVICE}

        with site.model.open() as model:
            model["held"], model["silent"], model["refusals"] = {}, [], {}
        code, said = do(site, "migrate", capsys)
        assert (code, result(said)["already"]) == (0, ["gpu-001"]), said
        assert mounted(site) == dict.fromkeys(CLIENTS, SERVICE)
        code, said = do(site, "migrate", capsys)
        assert (code, result(said)["outcome"]) == (0, "nothing-to-do"), said
        kept = history.read(site.file.parent / "runs").latest(history.Kind.MIGRATION, "done")
        assert kept
        assert sorted(kept.facts["migrated"]) == ["gpu-002", "gpu-003", "nfs-cli"]

        report, said = site.fail_over(SECOND)
        assert report.outcome.exit_code == 0, said
        assert not [phase.name for phase in report.phases if phase.name.startswith("client ")]
        capsys.readouterr()
        code, said = do(site, "migrate", capsys, back="yes", nodes="gpu-[001-003]")
        assert code == 0, said
        assert mounted(site) == {**dict.fromkeys(CLIENTS, SECOND), "nfs-cli": SERVICE}


def test_a_canary_that_fails_stops_the_migration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with several(tmp_path, "10.0.0.100") as site:
        with site.model.open() as model:
            model["breaks"] = ["nfs-cli"]
        code, said = do(site, "migrate", capsys)
        assert code == 4, said
        assert result(said)["not_begun"] == ["gpu-001", "gpu-002", "gpu-003"]
        assert "access denied by server" in result(said)["failed"]["nfs-cli"]
        assert mounted(site) == dict.fromkeys(CLIENTS, FIRST)


def test_a_site_without_a_service_address_has_no_migration(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = do(site, "migrate", capsys)
    assert code == 3, said
    assert "no service address" in said
    assert "service_ip" in said
    code, said = do(site, "run", capsys, back="yes")
    assert code == 2, said
    assert mounted(site) == dict.fromkeys(CLIENTS, FIRST)


def test_a_unit_is_put_on_the_clients_shown_and_taken_away(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = hooks_sha256()[:16]
    code, said = do(site, "follow", capsys, follow="status", nodes="nfs-cli,gpu-003")
    assert (code, result(said)) == (0, {"clients": {"nfs-cli": "off", "gpu-003": "off"}}), said

    with site.model.open() as model:
        model["breaks"] = ["gpu-003"]
        before = dict(model["mounted"])
    code, said = do(site, "follow", capsys, follow="on")
    first = result(said)
    assert (code, first["changed"], first["outcome"]) == (6, ["nfs-cli"], "clients-left"), said
    assert first["failed"] == {"gpu-003": "follow broken: the timer does not run"}
    assert sorted(first["silent"]) == ["gpu-001", "gpu-002"]

    with site.model.open() as model:
        model["breaks"], model["silent"] = [], ["gpu-002"]
        model["following"]["gpu-003"]["sha256"] = "0" * 16
        model["following"]["gpu-001"] = {"sha256": ours, "on": True, "current": False}
    code, said = do(site, "follow", capsys, follow="status")
    assert (code, result(said)["clients"]) == (
        6,
        {
            "nfs-cli": f"on, hooks {ours}",
            "gpu-001": "on, with servers or mounts that are not the site's of today",
            "gpu-002": "not reached",
            "gpu-003": f"on, with the hooks {'0' * 16}, which are others than {ours} here",
        },
    ), said
    code, said = do(site, "check", capsys, nodes="nfs-cli,gpu-[001,003]")
    assert code == 0, said
    (check,) = [one for one in result(said)["checks"] if one["name"] == "clients that follow"]
    assert (check["outcome"], check["actual"][:7]) == ("warning", "3 of 3:")

    code, said = do(site, "follow", capsys, follow="on", nodes="nfs-cli,gpu-[001,003]")
    assert (code, result(said)["already"], sorted(result(said)["changed"])) == (
        0,
        ["nfs-cli"],
        ["gpu-001", "gpu-003"],
    ), said
    code, said = do(site, "check", capsys, nodes="nfs-cli,gpu-[001,003]")
    (check,) = [one for one in result(said)["checks"] if one["name"] == "clients that follow"]
    assert check["outcome"] == "ok"
    assert check["actual"] == f"3 of 3: gpu-[001,003],nfs-cli: on, hooks {ours}"

    code, said = do(site, "follow", capsys, follow="off", nodes="nfs-cli,gpu-[001,003]")
    assert (code, len(result(said)["changed"])) == (0, 3), said
    code, said = do(site, "follow", capsys, follow="off", nodes="nfs-cli")
    assert (code, result(said)["outcome"]) == (0, "nothing-to-do"), said
    with site.model.open() as model:
        assert model["following"] == {}
        assert model["mounted"] == before


@pytest.mark.parametrize(
    ("action", "options", "text"),
    [
        ("follow", {}, "expected one of --on, --off and --status; none is given"),
        ("follow", {"follow": "on and off"}, "expected one of --on, --off and --status; found on and off"),
        ("run", {"follow": "on"}, "--on, --off and --status go with follow"),
        ("list", {"follow": "status"}, "--on, --off and --status go with follow"),
        ("follow", {"follow": "on", "nodes": "gpu-900"}, "gpu-900"),
    ],
)
def test_what_does_not_go_with_follow_is_refused(
    site: WholeSite,
    capsys: pytest.CaptureFixture[str],
    action: str,
    options: dict[str, str],
    text: str,
) -> None:
    code, said = do(site, action, capsys, **options)
    assert (code, text in said) == (2, True), said
    with site.model.open() as model:
        assert "following" not in model
