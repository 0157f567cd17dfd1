"""Clients are asked in one loop: one that is late or wrong is not known, and costs no other its answer."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from failover.model.observation import Presence
from failover.model.outcome import Usage
from failover.model.site import Client, ClientMount, CloudAccess, Site, SshAccess, TerraformAccess
from failover.status import look
from failover.status.beside import Beside
from failover.status.look import Look
from failover.status.sight import Sight, Unread
from tests.unit.failover.plan.site_model import usual

pytestmark = pytest.mark.own_rule

MOUNTS = (ClientMount("/mnt/a", "/mnt/nfs/a"),)


def site(folder: Path, count: int) -> Site:
    clients = tuple(Client(f"cli-{n}", f"10.0.1.{n}", MOUNTS) for n in range(count))
    ssh = SshAccess(None, None, None, None, 1.0)
    return Site(
        folder / "s.toml", TerraformAccess(folder, {}), CloudAccess(folder, "", ""), ssh, clients, folder
    )


def seen(tmp_path, monkeypatch, checked, count: int, seconds: float = 20.0) -> Sight:
    made = Look(site(tmp_path, count), Unread("no stack"))
    made._beside = Beside(seconds)
    made._hosts = SimpleNamespace(at=lambda name, address: SimpleNamespace(name=name), keys=None)
    monkeypatch.setattr(look.over_ssh, "checked", checked)
    monkeypatch.setattr(Look, "_server", lambda *_: None)
    stack = usual().observe("nfs-srv-1").stack
    return made._with_site(Sight("s", datetime.now(UTC), stack), stack, Unread("no API"))


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
