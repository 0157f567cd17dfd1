"""The verb clients on a whole site: real Terraform and API; only those chosen are touched."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from failover.clients.sources import Source
from failover.verbs import clients as verb
from failover.verbs.request import SiteChoice
from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.own_rule

CLIENTS = ("nfs-cli", "gpu-001", "gpu-002", "gpu-003")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeSite]:
    """Four clients, of which gpu-001 and gpu-002 are silent when the service moves to nfs-srv-2."""
    with whole_site(tmp_path) as made:
        mounts = 'mounts = [{ path = "/mnt/a", mount = "/mnt/nfs/a" }]'
        more = "".join(f'[[clients]]\nname = "{name}"\n{mounts}\n' for name in CLIENTS[1:])
        made.file.write_text(made.file.read_text() + more)
        with made.model.open() as model:
            model["mounted"] = dict.fromkeys(CLIENTS, FIRST)
            model["silent"] = ["gpu-001", "gpu-002"]
        yield made


def do(site: WholeSite, action: str, capsys: pytest.CaptureFixture[str], **options: str) -> tuple[int, str]:
    source = Source(**{k: v for k, v in options.items() if k != "clients"})
    how = options.get("clients", "remount")
    arguments = verb.Arguments(action, SiteChoice(str(site.file)), source, how, yes=True, json=True)
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
