"""What a survey says of a firewall that would keep the clients out."""

from pathlib import Path

import pytest

from hooks.survey import firewall
from hooks.survey.remark import Remark
from tests.unit.hooks.hints.test_firewalld import zone
from tests.unit.hooks.layers.test_locks import ADDRESS, spec
from tests.unit.hooks.scripted_host import PlannedHost

DIRECT = "firewall-cmd --direct --get-all-rules"
RULE = "ipv4 filter INPUT 0 -p tcp --dport 2049 -j ACCEPT\n"


def remarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holds: bool, listed: str, *asked: dict) -> list:
    monkeypatch.setattr(firewall, "holds", lambda host, spec: holds)
    commands = [{"run": "firewall-cmd --list-all-zones", "out": listed}, *asked]
    planned = {"commands": commands, "files": {"/proc/88/comm": "firewalld\n"}}
    host = PlannedHost(str(tmp_path), planned)
    found: list[Remark] = list(firewall.closed(host, spec()))
    host.finish()
    return found


def test_a_target_whose_firewalld_lets_no_nfs_in_is_refused_with_the_remedy(tmp_path, monkeypatch):
    (found,) = remarks(tmp_path, monkeypatch, False, zone(), {"run": DIRECT, "out": "\n"})
    assert found.refusal
    assert found.text.rpartition("; ")[0] == "firewalld lets no NFS in"
    assert "firewall-cmd --zone=public --add-service=nfs" in found.text.rpartition("; ")[2]


def test_rules_that_no_zone_lists_may_let_clients_in(tmp_path, monkeypatch):
    (found,) = remarks(tmp_path, monkeypatch, False, zone(), {"run": DIRECT, "out": RULE})
    assert not found.refusal


def test_a_server_that_holds_the_volumes_is_warned_of(tmp_path, monkeypatch):
    (found,) = remarks(tmp_path, monkeypatch, True, zone())
    assert not found.refusal


def test_an_open_firewalld_is_no_remark(tmp_path, monkeypatch):
    assert remarks(tmp_path, monkeypatch, False, zone(services="nfs ssh")) == []


@pytest.mark.parametrize("answer", [{"code": 252}, {"code": 127}, {"hangs": True}])
def test_a_firewalld_that_gives_no_answer_is_warned_of_and_refuses_nothing(tmp_path, monkeypatch, answer):
    monkeypatch.setattr(firewall, "holds", lambda host, spec: False)
    commands = [{"run": "firewall-cmd --list-all-zones", **answer}]
    planned = {"commands": commands, "files": {"/proc/88/comm": "firewalld\n"}}
    host = PlannedHost(str(tmp_path), planned)
    (found,) = firewall.closed(host, spec())
    assert not found.refusal
    assert found.text.startswith("firewalld runs, and did not say whether it lets NFS in: ")
    host.finish()


NFS_CONF = {"/etc/nfs.conf": "[lockd]\nport=32803\n[mountd]\nport=892\n"}
BY_SYSCTL = "/proc/sys/fs/nfs/nlm_tcpport"
NFS = "nfs rpc-bind mountd"


@pytest.mark.parametrize(
    ("services", "ports", "conf", "closed"),
    [
        ("nfs", "", NFS_CONF, "rpc-bind (tcp 111), mountd (tcp 892), lockd (tcp 32803)"),
        (NFS, "", NFS_CONF, "lockd (tcp 32803)"),
        (NFS, "32803/tcp", NFS_CONF, ""),
        ("nfs", "111/tcp 890-892/tcp", NFS_CONF, "lockd (tcp 32803)"),
        ("nfs", "", {BY_SYSCTL: "0\n"}, "rpc-bind (tcp 111), mountd (tcp 20048)"),
        (NFS, "", {BY_SYSCTL: "4045\n"}, "lockd (tcp 4045)"),
        ("nfs", "", {"/etc/nfs.conf": "[nfsd]\nvers3=n\n"}, ""),
    ],
)
def test_locks_of_nfsv3_need_more_than_nfs(
    tmp_path: Path,
    services: str,
    ports: str,
    conf: dict[str, str],
    closed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(firewall, "holds", lambda host, spec: False)
    listed = {"run": "firewall-cmd --list-all-zones", "out": zone(services=services, ports=ports)}
    direct = [{"run": DIRECT, "out": "\n"}] if closed else []
    files = {"/proc/88/comm": "firewalld\n", **conf}
    host = PlannedHost(str(tmp_path), {"commands": [listed, *direct], "files": files})
    found = list(firewall.closed(host, spec(**ADDRESS)))
    host.finish()
    assert [remark.refusal for remark in found] == [False] * bool(closed)
    assert all(f"locks: {closed}; open it" in one.text and "vers3=n" in one.text for one in found)


def test_locks_of_nfsv3_may_come_in_by_direct_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall, "holds", lambda host, spec: False)
    listed = {"run": "firewall-cmd --list-all-zones", "out": zone(services="nfs")}
    planned = {"commands": [listed, {"run": DIRECT, "out": RULE}], "files": {"/proc/88/comm": "firewalld\n"}}
    assert list(firewall.closed(PlannedHost(str(tmp_path), planned), spec(**ADDRESS))) == []
