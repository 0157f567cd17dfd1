"""What firewalld's list of zones says about NFS."""

from pathlib import Path
from typing import Any

import pytest

from hooks.hints.firewalld import hints, in_use, not_let_in
from tests.unit.hooks.scripted_host import PlannedHost

# as firewalld 1.3 prints them; a field that is empty ends with a blank
FIELDS = {
    "target": "default",
    "icmp-block-inversion": "no",
    "interfaces": "eth0",
    "sources": "",
    "services": "dhcpv6-client ssh",
    "ports": "",
    "protocols": "",
    "forward": "yes",
    "masquerade": "no",
    "forward-ports": "",
    "source-ports": "",
    "icmp-blocks": "",
    "rich rules": "",
}
RULE = '\n\trule family="ipv4" source address="10.0.0.0/16" {} accept'


def closed_zones(listed: str, default: str) -> list[str]:
    """The zones in use when none of them lets NFS in; empty when one does."""
    zones = in_use(listed, default)
    return sorted(zones) if not_let_in(zones, {"nfs": 2049}) else []


def zone(name: str = "public (active)", **fields: str) -> str:
    changed = {name.replace("rules", "rich rules"): value for name, value in fields.items()}
    return f"{name}\n" + "".join(f"  {field}: {value}\n" for field, value in {**FIELDS, **changed}.items())


@pytest.mark.parametrize(
    "fields",
    [
        {"services": "dhcpv6-client nfs ssh"},
        {"ports": "111/udp 2049/tcp"},
        {"ports": "2000-2100/tcp"},
        {"target": "ACCEPT"},
        {"rules": RULE.format('service name="nfs"')},
        {"rules": RULE.format('port port="2049" protocol="tcp"')},
    ],
)
def test_a_zone_that_lets_nfs_in(fields: dict[str, str]) -> None:
    assert closed_zones(zone(**fields), "block") == []
    assert (
        closed_zones(zone("dmz (active)") + "\n" + zone("public (default, active)", **fields), "block") == []
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"services": "nfs3 ssh"},
        {"ports": "2049/udp 2050/tcp 20490/tcp 2000-2048/tcp"},
        {"rules": RULE.format('service name="ssh"')},
        {"rules": '\n\trule service name="nfs" reject'},
        {"target": "DROP"},
    ],
)
def test_a_zone_that_does_not(fields: dict[str, str]) -> None:
    assert closed_zones(zone(**fields), "block") == ["public"]


def test_only_zones_in_use_count() -> None:
    idle = zone("trusted", target="ACCEPT")
    both = "\n".join([zone("block"), zone("dmz (active)"), idle, zone()])
    assert closed_zones(both, "trusted") == ["dmz", "public"]
    assert closed_zones("", "") == []


def test_an_interface_without_a_zone_is_in_the_default_zone() -> None:
    idle, by_source = zone("public"), zone("dmz (active)", interfaces="", sources="10.9.0.0/16")
    assert closed_zones(idle, "public") == ["public"]
    assert closed_zones(idle + "\n" + by_source, "public") == ["dmz", "public"]
    assert closed_zones(zone("public", services="nfs") + "\n" + by_source, "public") == []
    assert closed_zones(zone("public", services="nfs") + "\n" + zone("dmz (active)"), "public") == ["dmz"]


LIST, DEFAULT = "firewall-cmd --list-all-zones", "firewall-cmd --get-default-zone"


def host_with(tmp_path: Path, *commands: dict[str, Any]) -> PlannedHost:
    return PlannedHost(str(tmp_path), {"commands": list(commands), "files": {"/proc/88/comm": "firewalld\n"}})


def test_it_is_asked_only_where_it_runs(tmp_path: Path) -> None:
    assert hints(PlannedHost(str(tmp_path), {})) == []
    host = host_with(tmp_path, {"run": LIST, "out": zone()})
    (text,) = hints(host)
    assert "firewall-cmd --zone=public --add-service=nfs" in text
    host.finish()


def test_the_default_zone_is_asked_for_only_where_no_active_zone_has_an_interface(tmp_path: Path) -> None:
    idle = zone("public", interfaces="")
    host = host_with(tmp_path, {"run": LIST, "out": idle}, {"run": DEFAULT, "out": "public\n"})
    (text,) = hints(host)
    assert "--zone=public" in text
    host.finish()


@pytest.mark.parametrize("answer", [{"code": 252}, {"code": 253}, {"code": 127}, {"hangs": True}])
@pytest.mark.parametrize("asked", [0, 1])
def test_a_hint_that_cannot_be_had_fails_nothing(tmp_path: Path, asked: int, answer: dict[str, Any]) -> None:
    commands = [{"run": LIST, "out": zone("public", interfaces="")}, {"run": DEFAULT}][: asked + 1]
    commands[asked] = {**commands[asked], **answer}
    host = host_with(tmp_path, *commands)
    assert hints(host) == []
    assert host.clock <= 60
    host.finish()
