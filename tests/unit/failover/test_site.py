"""site.toml: what is read of it, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover import site
from failover.outcome import Usage

FILE = Path("/somewhere/site.toml")
CLIENT = {"name": "nfs-cli", "mounts": [{"path": "/mnt/a", "mount": "/mnt/nfs/a"}]}


def test_an_empty_file_is_the_defaults():
    found = site.parse({}, FILE)
    assert found.terraform.directory == Path("/somewhere/terraform")
    assert found.ssh.user == "opc"
    assert found.clients == ()
    assert found.cloud.endpoint == ""


def test_a_client_is_reached_by_its_name_unless_it_has_an_address():
    found = site.parse({"clients": [CLIENT, {**CLIENT, "name": "b", "address": "10.0.0.9"}]}, FILE)
    assert [c.address for c in found.clients] == ["nfs-cli", "10.0.0.9"]


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"clints": []}, "clints"),
        ({"clients": [{**CLIENT, "name": "nfs cli"}]}, "clients[0].name"),
        ({"clients": [{**CLIENT, "name": "$(reboot)"}]}, "clients[0].name"),
        ({"clients": [{**CLIENT, "mounts": []}]}, "no mounts"),
        ({"clients": [{**CLIENT, "mounts": [{"path": "/mnt/a;b", "mount": "/m"}]}]}, "mounts.path"),
        ({"clients": [{**CLIENT, "mounts": [{"path": "/mnt/a", "mount": "/mnt/../etc"}]}]}, "'..'"),
        ({"clients": [{**CLIENT, "mounts": [{"path": "/mnt/a", "mount": "m"}]}]}, "absolute path"),
        ({"ssh": {"user": "opc -oProxyCommand=x"}}, "ssh.user"),
        ({"deadlines": {"boot": 0}}, "deadlines.boot"),
        ({"deadlines": {"boots": 1}}, "boots"),
        ({"oci": []}, "[oci]"),
    ],
)
def test_what_could_do_harm_is_refused_by_name(document, names):
    with pytest.raises(Usage) as refused:
        site.parse(document, FILE)
    assert names in refused.value.reason
    assert refused.value.remedy


def test_no_site_points_to_the_drill_and_the_example(tmp_path):
    with pytest.raises(Usage, match="no site is configured") as refused:
        site.load(str(tmp_path / "site.toml"))
    assert "inv drill" in refused.value.remedy
    assert "site.example.toml" in refused.value.remedy


def test_the_example_is_a_site():
    example = Path(__file__).parents[3] / "docs" / "site.example.toml"
    assert site.load(str(example)).clients
