"""The doors of a run: each has the site's own deadline, and connections to hosts are closed at the end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from failover import ports
from failover.model.site import CloudAccess, Deadlines


class Recorder:
    """In the place of a door: notes with what it was opened, and that it was closed."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def recorders(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Cloud", "CloudReads", "Hosts", "Observer"):
        monkeypatch.setattr(ports, name, Recorder)


def site() -> Any:
    access = CloudAccess(Path("config"), "DEFAULT", "")
    return SimpleNamespace(cloud=access, deadlines=Deadlines(api=7.0), clients=())


def test_acts_and_reads_have_the_site_s_deadline() -> None:
    place = site()
    with ports.opened(place, cast(Any, None)) as doors:
        assert cast(Any, doors.cloud).arguments == (place.cloud, 7.0)
        assert cast(Any, doors.reads).arguments == (place.cloud, 7.0)
        assert doors.reads is doors.reads


def test_the_connections_to_hosts_are_closed_whatever_happens() -> None:
    with pytest.raises(ZeroDivisionError), ports.opened(site(), cast(Any, None)) as doors:
        raise ZeroDivisionError
    assert cast(Any, doors.hosts).closed
