"""What an image of a server has and no takeover brings: what moves with the data is not compared."""

from __future__ import annotations

import pytest

from hooks.contract.parse import parse
from hooks.guard import contents
from tests.unit.hooks.guard.a_server import Server
from tests.unit.hooks.scripted_host import fixture

ACCOUNTS = "".join(
    f"{name}:x:1:1::{home}:/bin/sh\n"
    for name, home in (("root", "/root"), ("opc", "/home/opc"), ("ann", "/mnt/a/ann"), ("daemon", "/"))
)


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path)
    made.file("/etc/passwd", ACCOUNTS)
    made.file("/etc/exports", "/srv *(rw)\n")
    made.file(
        "/proc/self/mountinfo",
        "20 1 8:3 / / rw - xfs /dev/sda3 rw\n21 20 8:16 / /mnt/a rw - xfs /dev/sdb rw\n"
        "22 20 8:2 / /boot rw - ext4 /dev/sda2 rw\n23 20 0:9 / /home/far rw - nfs4 nfs-srv-9:/x rw\n",
    )
    return made


def spec(text: str = "server-spec.json"):
    return parse(fixture(text))


def read(server, given=None):
    (layer,) = contents.contents(server, given or spec(), ())
    assert layer.state == "present", layer.message
    assert not layer.changed
    return layer.facts


def test_packages_are_a_digest_a_number_and_the_service_s_own_versions(server):
    server.packages = "a 1\nlvm2 2.03-9.el9.x86_64\nnot-installed \n"
    facts = read(server)
    assert (facts["package_count"], facts["versions"]) == (3, {"lvm2": "2.03-9.el9"})
    assert len(facts["packages"]) == 64


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/etc/exports", "exports"),
        ("/etc/exports.d/site.exports", "exports"),
        ("/etc/warnquota.conf", "quotas"),
        ("/etc/group", "accounts"),
        ("/root/.ssh/authorized_keys", "keys"),
        ("/home/opc/.ssh/authorized_keys", "keys"),
        ("/etc/krb5.keytab", "keys"),
        ("/mnt/a/ann/.ssh/authorized_keys", None),  # it lies with the data
        ("/etc/exports.d/nfs-failover.exports", None),  # each takeover writes it
        ("/etc/hostname", None),
    ],
)
def test_a_changed_file_changes_the_digest_of_its_group_alone(server, path, group):
    before = read(server)["files"]
    server.file(path, "changed\n")
    after = read(server)["files"]
    assert {name for name in after if after[name] != before[name]} == ({group} if group else set())


def test_a_home_on_a_network_filesystem_is_not_even_looked_at(server, monkeypatch):
    server.file("/etc/passwd", ACCOUNTS + "far:x:4:4::/home/far:/bin/sh\n")
    looked = []
    monkeypatch.setattr(contents.os.path, "isfile", lambda name: looked.append(name) or False)
    read(server)
    assert not [name for name in looked if "/home/far" in name]
    assert [name for name in looked if "/home/opc" in name]


def test_settings_that_move_with_the_data_are_not_compared(server):
    given = spec()._replace(settings=("/etc/nfs.conf", "/etc/sysctl.d/90-nfs.conf"))
    before = read(server, given)["files"]["settings"]
    server.file("/etc/nfs.conf", "[nfsd]\nthreads=64\n")
    server.chmod("/etc/nfs.conf", 0o644)
    assert read(server, given)["files"]["settings"] == before
    server.file("/etc/sysctl.d/90-nfs.conf", "net.core.rmem_max = 1\n")
    server.chmod("/etc/sysctl.d/90-nfs.conf", 0o600)  # as of a secret: no copy takes it along
    assert read(server, given)["files"]["settings"] != before


def test_without_settings_that_move_the_usual_ones_are_compared(server):
    given = spec()._replace(settings=())
    before = read(server, given)["files"]["settings"]
    server.file("/etc/nfs.conf.d/site.conf", "[nfsd]\nthreads=64\n")
    assert read(server, given)["files"]["settings"] != before
