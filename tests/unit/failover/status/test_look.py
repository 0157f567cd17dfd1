"""Clients are asked in one loop: one that is late or wrong is not known, and costs no other its answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from failover.model.observation import Presence
from failover.model.outcome import Unknown, Usage
from failover.model.site import Client, ClientMount, CloudAccess, Site, SshAccess, TerraformAccess
from failover.model.stack_output import Stack
from failover.runs.events import Event
from failover.runs.journal import Journal
from failover.status import look
from failover.status.beside import Beside
from failover.status.look import Look
from failover.status.sight import Sight, Unread
from tests.paths import ROOT
from tests.unit.failover.plan.site_model import usual

pytestmark = pytest.mark.own_rule

MOUNTS = (ClientMount("/mnt/a", "/mnt/nfs/a"),)


def site(folder: Path, count: int) -> Site:
    clients = tuple(Client(f"cli-{n}", f"10.0.1.{n}", MOUNTS) for n in range(count))
    ssh = SshAccess(None, None, None, None, 1.0)
    return Site(
        folder / "s.toml", TerraformAccess(folder, {}), CloudAccess(folder, "", ""), ssh, clients, folder
    )


def seen(tmp_path, monkeypatch, checked, count: int, seconds: float = 20.0, read=None) -> Sight:
    """A look at that many clients. `read`: what reads Terraform's state; else it is there at once."""
    made = Look(site(tmp_path, count), Unread("no stack"))
    made._beside = Beside(seconds)
    made._hosts = SimpleNamespace(at=lambda name, address: SimpleNamespace(name=name), keys=None)
    monkeypatch.setattr(look.over_ssh, "checked", checked)
    monkeypatch.setattr(Look, "_server", lambda *_: None)
    monkeypatch.setattr(Look, "_stack", read or (lambda _: usual().observe("nfs-srv-1").stack))
    return made._look()


def test_a_late_client_and_a_wrong_one_are_not_known_and_the_others_are(tmp_path, monkeypatch):
    async def checked(host, spec, seconds, begun):
        begun()
        if host.name == "cli-1":
            raise Usage("no such key", "write it")
        if host.name == "cli-2":
            raise ValueError("a library's own")
        if host.name == "cli-3":
            await asyncio.sleep(60)
        return {"presence": Presence.ANSWERS}

    found = seen(tmp_path, monkeypatch, checked, 5, seconds=1.0).clients
    assert [c.client.name for c in found] == [f"cli-{n}" for n in range(5)]
    presences = [c.presence for c in found]
    unknown = [Presence.UNKNOWN] * 3
    assert presences == [Presence.ANSWERS, *unknown, Presence.ANSWERS]
    reasons = [c.trouble.reason for c in found if c.trouble]
    assert reasons == ["no such key", "ValueError: a library's own", "no answer within 1 s"]


def test_two_hundred_clients_are_asked_side_by_side_without_a_thread_for_each(tmp_path, monkeypatch):
    threads = []

    async def checked(host, spec, seconds, begun):
        begun()
        threads.append(threading.active_count())
        await asyncio.sleep(0.05)
        return {"presence": Presence.ANSWERS}

    found = seen(tmp_path, monkeypatch, checked, 200).clients
    assert [c.presence for c in found] == [Presence.ANSWERS] * 200
    assert max(threads) < 60, "the resolvers' threads and a few reads, whatever the number of clients"


def test_logins_begin_before_the_state_is_read_and_each_check_waits_for_it(tmp_path, monkeypatch):
    logged_in = threading.Semaphore(0)

    def read(_):
        for _client in range(3):
            assert logged_in.acquire(timeout=10), "no login before the state was read"
        return usual().observe("nfs-srv-1").stack

    async def checked(host, spec, seconds, begun):
        begun()
        logged_in.release()
        assert (await spec())["server"] == "nfs-srv-1"
        return {"presence": Presence.ANSWERS}

    found = seen(tmp_path, monkeypatch, checked, 3, read=read)
    assert isinstance(found.stack, Stack), found.stack
    assert [c.presence for c in found.clients] == [Presence.ANSWERS] * 3, found.clients


def test_logins_are_given_up_where_the_state_cannot_be_read(tmp_path, monkeypatch):
    given_up, under_way = threading.Event(), threading.Event()

    def read(_):
        under_way.wait(10)
        raise Unknown("the state is elsewhere", "look there")

    async def checked(host, spec, seconds, begun):
        under_way.set()
        try:
            await asyncio.sleep(60)  # the login is under way
        except asyncio.CancelledError:
            given_up.set()
            raise

    start = time.monotonic()
    found = seen(tmp_path, monkeypatch, checked, 1, read=read)
    assert found.stack == Unread("the state is elsewhere", "look there")
    assert found.clients == ()
    assert given_up.wait(10)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("end", "target"), [(None, "nfs-srv-2"), (Event.RUN_ENDED, "nfs-srv-2"), (Event.RUN_DONE, "")]
)
def test_a_run_that_was_killed_or_did_not_end_well_is_known_by_its_journal(
    tmp_path, monkeypatch, end, target
):
    """SIGKILL leaves a journal and no line of history."""
    journal = Journal(tmp_path, "nfs-srv-2")
    journal.write(Event.RUN_STARTED, target="nfs-srv-2")
    if end:
        journal.write(end, outcome="done" if end == Event.RUN_DONE else "failed")
    journal.close()
    assert seen(tmp_path, monkeypatch, None, 0).unfinished == target


def test_a_site_without_runs_has_none_that_did_not_end_well(tmp_path, monkeypatch):
    assert seen(tmp_path, monkeypatch, None, 0).unfinished == ""


def test_the_sdk_and_the_page_are_not_loaded_before_the_logins_begin():
    """They take half a second to import."""
    loads = "import sys; from failover.status import document, judge, look, text; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loads], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "asyncssh" in modules
    assert {"oci", "jinja2"} & modules == set()
