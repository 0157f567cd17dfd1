"""The property: when nobody's judgement refuses, the failover of that site ends done; on the real hooks."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.model.building import NEW, OLD, build
from tests.model.layouts import SiteLayout
from tests.model.rehearsal import Switch, comes_back_harmless, fail_over
from tests.model.site import Site
from tests.model.sites import layouts

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a site has some hundred small files
_CAME: Counter[str] = Counter()


@settings(
    max_examples=160, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(layouts())
def _every_site(layout: SiteLayout) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        play(build(layout, Path(folder)), layout)


def test_what_nobody_refuses_ends_done() -> None:
    _CAME.clear()
    _every_site()
    assert _CAME["over"] > _CAME["refused"], _CAME  # a judgement that refuses everything would hold, too
    assert _CAME["clients over"] > 2 * _CAME["clients refused"], _CAME
    assert _CAME["back"] > _CAME["stays over"], _CAME


def play(site: Site, layout: SiteLayout) -> None:
    """The failover; and home again, when the old server has come back."""
    clients = list(layout.clients)
    judged = fail_over(site, layout, clients, Switch(OLD, NEW, layout.planned))
    if judged.service:
        _CAME["refused"] += 1
        return
    over = [client for client in clients if not judged.clients[client.name]]
    _CAME.update({"over": 1, "clients over": len(over), "clients refused": len(clients) - len(over)})
    if layout.planned:
        comes_back_harmless(site.hosts[OLD], layout)
    elif site.hosts[OLD].boot():
        return  # its own lines of fstab hold its boot up, and nobody was there to take them out
    home = fail_over(site, layout, over, Switch(NEW, OLD, True))
    _CAME["stays over" if home.service else "back"] += 1
    if not home.service:
        comes_back_harmless(site.hosts[NEW], layout)
