"""A client's mounts in every manner that Linux has for them, on real guests, while their server is dead.

nfs-srv-1 is dead as a client sees it: no packet reaches its port 2049. nfs-srv-2 exports folders of the same
names with other content: what a client reads shows which server it reads from.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from failover.bundle import cloud_init
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, SERVER, SUCCESSOR
from lab.system.waiting import until
from tests.drill.host_under_test import HostUnderTest
from tests.paths import ROOT

pytestmark = pytest.mark.guests

EXPORTS = ("/srv/t/a", "/srv/t/a/p")
POINT = "/mnt/t"
DEAD = "match ip dport 2049 0xffff"
SERVE = """
mkdir -p /srv/t/a/p /srv/other
for folder in /srv/t/a /srv/t/a/p /srv/other; do hostname > $folder/who; done
cat > /etc/exports <<END
/srv/t/a *(rw,no_root_squash,fsid=101)
/srv/t/a/p *(rw,no_root_squash,fsid=102)
/srv/other *(rw,no_root_squash,fsid=103)
END
systemctl start nfs-server && exportfs -ra
"""
CLEAN = """
systemctl stop autofs 2>/dev/null
rm -f /etc/auto.direct /etc/auto.t /etc/auto.master.d/t.autofs
systemctl list-units --full --plain --no-legend 'mnt-*.automount' | cut -d' ' -f1 | xargs -r systemctl stop
for again in 1 2 3; do
  for p in $(awk '$5 ~ "^/(mnt|data)" { print $5 }' /proc/self/mountinfo | sort -r); do umount -l $p; done
done
sed -i '/srv-[12]:\\|10.0.0.1[012]*:\\|FILES\\|bind/d' /etc/fstab; sed -i '/files/d' /etc/hosts
rm -f /etc/systemd/system/mnt-t.mount /opt/nfs-failover/migrated.json; systemctl daemon-reload
rmdir /data/* /data /mnt/t 2>/dev/null; true
"""


STATE = "systemctl show -p ActiveState nfs-failover-follow.service"


def table(*sources: str) -> str:
    """Shell words that give fstab these lines."""
    return f"printf '{''.join(f'{one} nfs rw 0 0%sn' % chr(92) for one in sources)}' >> /etc/fstab; "


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("client-faults") / "lab", print)
    cloud_init.write_rendered(ROOT / "terraform" / "rendered")
    try:
        lab.up(standby=True)
        made = HostUnderTest.of(lab)
        for server in (SERVER, SUCCESSOR):
            lab.on(server, "sudo", "sh", "-ec", SERVE)
        made.client("sed -i '/nfs-srv/d' /etc/fstab; systemctl daemon-reload")
        yield made
    finally:
        lab.down()


@pytest.fixture
def client(founded):
    """The client without any mount of the site; afterwards once more."""
    founded.client(CLEAN)
    yield founded
    founded.client(CLEAN)


def moves(client: HostUnderTest, *mounts: tuple[str, str], **changes: Any) -> Mapping[str, Any]:
    """The client moves to nfs-srv-2 while nfs-srv-1 is dead; its facts afterwards, when all is present."""
    spec = {
        "server": SUCCESSOR,
        "exports": list(EXPORTS),
        "mounts": [{"path": path, "mount": mount} for path, mount in mounts],
        **changes,
    }
    with client.dropping(DEAD):
        before = client.client_hooks("check", **spec)
        assert not before.present
        facts = before.layers[0].facts
        assert facts["refusals"] == []
        assert facts["servers"][SERVER]["answers"] is False
        assert facts["servers"][SERVER]["port_2049"]
        assert facts["servers"][SUCCESSOR]["port_2049"] == ""
        began = time.monotonic()
        applied = client.client_hooks("apply", **spec)
        assert applied.ok, applied.complaint
        assert time.monotonic() - began < 75
        for path, mount in mounts:
            assert client.client(f"timeout 20 cat {mount}/who") == SUCCESSOR, (path, mount)
        after = client.client_hooks("check", **spec)
        assert after.present, after.complaint
        again = client.client_hooks("apply", **spec)
        assert again.ok
        assert not again.result.changed
    return after.layers[0].facts


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{ADDRESSES[SERVER]}:/srv/t/a", f"{ADDRESSES[SUCCESSOR]}:/srv/t/a"),
        pytest.param("FILES.example.com:/srv/t/a/", "nfs-srv-2:/srv/t/a/", marks=pytest.mark.nightly),
    ],
    ids=["by address", "by alias"],
)
def test_a_mount_by_another_name(client, before, after):
    client.client(
        f"echo '{ADDRESSES[SERVER]} files.example.com files' >> /etc/hosts; mkdir -p {POINT};"
        f"echo '{before}  {POINT}/ nfs rw,noatime' >> /etc/fstab; mount {POINT}; cat {POINT}/who"
    )
    moves(client, ("/srv/t/a", POINT))
    assert client.client(f"grep {POINT} /etc/fstab") == f"{after}  {POINT}/ nfs rw,noatime"


@pytest.mark.parametrize("inner_first", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_nested_mounts_of_a_dead_server(client, inner_first):
    client.client(
        table("nfs-srv-1:/srv/t/a/p /data/p", "nfs-srv-1:/srv/t/a /data")
        + "mkdir -p /data && mount /data && mount /data/p && cat /data/p/who"
    )
    mounts = [("/srv/t/a", "/data"), ("/srv/t/a/p", "/data/p")]
    moves(client, *(reversed(mounts) if inner_first else mounts))
    assert "nfs-srv-1" not in client.client("cat /etc/fstab; findmnt -n -t nfs,nfs4 -o SOURCE")


@pytest.mark.nightly
def test_a_folder_that_the_target_lacks(client):
    client.lab.on(SERVER, "sudo", "mkdir", "-p", "/srv/t/a/q")
    client.client(
        table("nfs-srv-1:/srv/other /data/q", "nfs-srv-1:/srv/t/a /data")
        + "mkdir -p /data && mount /data && mount /data/q"
    )
    moves(client, ("/srv/other", "/data/q"), ("/srv/t/a", "/data"), exports=["/srv/t/a", "/srv/other"])


@pytest.mark.nightly
def test_an_inner_mount_that_was_mounted_over(client):
    client.client(
        table("nfs-srv-1:/srv/t/a /data", "nfs-srv-1:/srv/t/a/p /data/p")
        + "mkdir -p /data/p && mount /data/p && mount /data"
    )
    mounts = [{"path": "/srv/t/a/p", "mount": "/data/p"}, {"path": "/srv/t/a", "mount": "/data"}]
    spec = {"exports": list(EXPORTS), "mounts": mounts}
    assert (
        "/data/p: nfs-srv-1:/srv/t/a/p is hidden below /data"
        in client.client_hooks("check", **spec).complaint
    )
    assert client.client_hooks("apply", **spec).ok
    assert client.client_hooks("check", **spec).present
    mount_id = "exec 3< {}/who; sed -n s/mnt_id:.//p /proc/$$/fdinfo/3"
    ids = [client.client(mount_id.format(folder)) for folder in ("/data", "/data/p")]
    assert ids[0] != ids[1], "the path still leads into the outer mount"


@pytest.mark.nightly
def test_the_service_address_is_followed(client):
    address = "10.0.0.100"
    add, take = (f"ip addr {what} {address}/24 dev eth0" for what in ("add", "del"))
    spec = {"exports": list(EXPORTS), "mounts": [{"path": "/srv/t/a", "mount": POINT}], "service": [address]}
    client.lab.on(SERVER, "sudo", "sh", "-c", add)
    try:
        client.client(
            f"mkdir -p {POINT}; echo '{address}:/srv/t/a {POINT} nfs rw 0 0' >> /etc/fstab; mount {POINT}"
        )
        table = client.client("cat /etc/fstab")
        assert client.client_hooks("check", **spec).present
    finally:
        client.lab.on(SERVER, "sudo", "sh", "-c", take)
    client.lab.on(SUCCESSOR, "sudo", "sh", "-c", f"{add}; arping -q -c 2 -U -I eth0 {address}; true")
    try:
        assert client.client_hooks("apply", server=SUCCESSOR, **spec).ok
        assert client.client_hooks("check", server=SUCCESSOR, **spec).present
        assert client.client(f"cat {POINT}/who; cat /etc/fstab") == f"{SUCCESSOR}\n{table}"
        client.client(CLEAN)
    finally:
        client.lab.on(SUCCESSOR, "sudo", "sh", "-c", take)


@pytest.mark.parametrize("automount", [False, True])
@pytest.mark.nightly
def test_a_mount_unit(client, automount):
    unit = "/etc/systemd/system/mnt-t.{}"
    text = f"[Mount]\\nWhat=nfs-srv-1:/srv/t/a\\nWhere={POINT}\\nType=nfs\\nOptions=rw,noatime\\n"
    start = "mnt-t.mount"
    client.client(f"printf '{text}' > {unit.format('mount')}")
    if automount:
        start = "mnt-t.automount"
        client.client(f"printf '[Automount]\\nWhere={POINT}\\n' > {unit.format('automount')}")
    client.client(f"systemctl daemon-reload; systemctl start {start}; cat {POINT}/who")
    try:
        moves(client, ("/srv/t/a", POINT))
        assert client.client(f"grep What {unit.format('mount')}") == "What=nfs-srv-2:/srv/t/a"
        assert client.client("systemctl show -p What --value mnt-t.mount") == "nfs-srv-2:/srv/t/a"
    finally:
        client.client(
            f"systemctl stop mnt-t.automount; umount -l {POINT}; rm -f {unit.format('automount')}; true"
        )


@pytest.mark.nightly
def test_an_automount_of_fstab(client):
    client.client(
        f"echo 'nfs-srv-1:/srv/t/a {POINT} nfs noauto,x-systemd.automount 0 0' >> /etc/fstab;"
        "systemctl daemon-reload; systemctl start mnt-t.automount; cat /mnt/t/who"
    )
    moves(client, ("/srv/t/a", POINT))


@pytest.mark.parametrize(
    ("master", "entry", "point"),
    [
        pytest.param(
            *("/- file:/etc/auto.t", f"{POINT} -rw,hard nfs-srv-1:/srv/t/a", POINT), marks=pytest.mark.nightly
        ),
        ("/mnt/t /etc/auto.t", "* -hard nfs-srv-1:/srv/t/&", f"{POINT}/a"),
    ],
    ids=["direct", "indirect"],
)
def test_autofs(client, master, entry, point):
    client.client(
        f"mkdir -p /etc/auto.master.d {POINT}; echo '{master}' > /etc/auto.master.d/t.autofs;"
        f"echo '{entry}' > /etc/auto.t; systemctl start autofs; cat {point}/who"
    )
    moves(client, ("/srv/t/a", point))
    assert client.client("cat /etc/auto.t") == entry.replace("srv-1", "srv-2")


@pytest.mark.nightly
def test_what_nobody_listed(client):
    """Another mount of the site moves too; one that is no export hangs on, and fails nothing; a bind mount
    and what lies on the mount come back. What a container keeps is named."""
    client.client(
        f"mkdir -p {POINT} /data/x /data/y /data/z; cat >> /etc/fstab <<'END'\n"
        f"nfs-srv-1:/srv/t/a {POINT} nfs rw 0 0\nnfs-srv-1:/srv/t/a/p /data/x nfs rw 0 0\n"
        f"nfs-srv-1:/srv/other /data/y nfs rw 0 0\n{POINT}/p /data/z none bind 0 0\nEND\n"
        f"mount {POINT}; mount /data/x; mount /data/y; mount /data/z; cat /data/z/who;"
        "systemd-run -q -u box unshare --mount --propagation private sleep 9999; sleep 1"
    )
    warned = moves(client, ("/srv/t/a", POINT))["warnings"]
    assert client.client("cat /data/x/who /data/z/who") == f"{SUCCESSOR}\n{SUCCESSOR}"
    assert any(text.startswith("/data/y: ") and "no export of the site" in text for text in warned)
    kept = "(sleep) has nfs-srv-1:/srv/t/a there in a mount namespace of its own"
    assert any(text.startswith(f"{POINT}: process ") and kept in text for text in warned), warned
    client.client("systemctl stop box")


@pytest.mark.nightly
def test_a_mount_by_hand(client):
    client.client(f"mkdir -p {POINT}; mount -t nfs -o vers=4.1,noatime nfs-srv-1:/srv/t/a {POINT}")
    warned = moves(client, ("/srv/t/a", POINT))["warnings"]
    assert any("was mounted by hand" in text for text in warned)
    assert "noatime" in client.client(f"findmnt -n -o OPTIONS {POINT}")


SERVICE = "10.0.0.100"


@pytest.fixture
def served(client):
    """The client beside a server that has the service's address too."""
    add, take = (f"ip addr {what} {SERVICE}/24 dev eth0" for what in ("add", "del"))
    client.lab.on(SERVER, "sudo", "sh", "-c", f"{add}; arping -q -c 2 -U -I eth0 {SERVICE}; true")
    try:
        yield client
    finally:
        client.client(CLEAN)
        client.lab.on(SERVER, "sudo", "sh", "-c", take)


def migrates(client: HostUnderTest, aim: str, *mounts: tuple[str, str], action: str = "migrate") -> Any:
    """What the hooks' layer says of it."""
    found = client.client_hooks(
        action,
        exports=list(EXPORTS),
        service=[SERVICE],
        aim=aim,
        mounts=[{"path": path, "mount": mount} for path, mount in mounts],
    )
    assert found.ok, found.complaint
    return found.layers[0]


def addressed(client: HostUnderTest, point: str) -> str:
    """The server's address of a mount, by the kernel."""
    return client.client(f"findmnt -n -o OPTIONS {point}").partition(",addr=")[2].partition(",")[0]


FSTAB = f"mkdir -p {POINT}; echo 'FILES.example.com:/srv/t/a {POINT} nfs %s 0 0' >> /etc/fstab; mount {POINT}"
UNIT = (
    f"printf '[Mount]\\nWhat=nfs-srv-1:/srv/t/a\\nWhere={POINT}\\nType=nfs\\n'"
    " > /etc/systemd/system/mnt-t.mount;"
    "systemctl daemon-reload; systemctl start mnt-t.mount"
)
MAP = (
    f"mkdir -p /etc/auto.master.d {POINT}; echo '/- file:/etc/auto.t' > /etc/auto.master.d/t.autofs;"
    f"echo '{POINT} -rw,hard nfs-srv-1:/srv/t/a' > /etc/auto.t; systemctl start autofs; cat {POINT}/who"
)


@pytest.mark.parametrize(
    ("build", "file"),
    [
        pytest.param(FSTAB % "rw,noatime", "/etc/fstab", id="fstab"),
        pytest.param(FSTAB % "vers=3,nolock,bg", "/etc/fstab", id="version 3", marks=pytest.mark.nightly),
        pytest.param(UNIT, "/etc/systemd/system/mnt-t.mount", id="unit", marks=pytest.mark.nightly),
        pytest.param(MAP, "/etc/auto.t", id="autofs", marks=pytest.mark.nightly),
    ],
)
def test_a_client_is_migrated_and_has_its_own_line_back(served, build, file):
    served.client(f"echo '{ADDRESSES[SERVER]} files.example.com files' >> /etc/hosts; {build}")
    before = served.client(f"cat {file}")
    assert addressed(served, POINT) == ADDRESSES[SERVER]
    served.client(f"systemd-run -q -u holder --working-directory={POINT} sleep 9999; sleep 1")
    assert "(sleep)" in migrates(served, "service", ("/srv/t/a", POINT)).facts["waits"][POINT]
    assert addressed(served, POINT) == ADDRESSES[SERVER]
    served.client("systemctl stop holder")
    assert migrates(served, "service", ("/srv/t/a", POINT)).facts["waits"] == {}
    assert addressed(served, POINT) == SERVICE
    assert served.client(f"cat {POINT}/who; grep -c {SERVICE} {file}") == f"{SERVER}\n1"
    assert migrates(served, "service", ("/srv/t/a", POINT), action="foresee").state == "present"
    assert migrates(served, "server", ("/srv/t/a", POINT)).facts["waits"] == {}
    assert addressed(served, POINT) == ADDRESSES[SERVER]
    assert served.client(f"cat {file}") == before
    assert not served.client(
        "ls -A /run/nfs-failover/migrate; ls /opt/nfs-failover/migrated.json 2>/dev/null || true"
    )


@pytest.mark.nightly
def test_a_mount_that_stays_keeps_the_old_connection_for_the_others(served):
    """NFSv4.1 has one connection to a server: a mount that is held keeps it, and both wait."""
    served.client(
        table("nfs-srv-1:/srv/t/a /mnt/t", "nfs-srv-1:/srv/t/a/p /data/x")
        + f"mkdir -p {POINT} /data/x; mount {POINT}; mount /data/x;"
        "systemd-run -q -u holder --working-directory=/data/x sleep 9999; sleep 1"
    )
    mounts = [("/srv/t/a", POINT), ("/srv/t/a/p", "/data/x")]
    waits = migrates(served, "service", *mounts).facts["waits"]
    assert "(sleep)" in waits["/data/x"]
    assert f"the client still uses {ADDRESSES[SERVER]}" in waits[POINT]
    assert "/data/x keeps it" in waits[POINT]
    assert addressed(served, POINT) == ADDRESSES[SERVER]
    served.client("systemctl stop holder")
    assert migrates(served, "service", *mounts).facts["waits"] == {}
    assert [addressed(served, point) for _, point in mounts] == [SERVICE, SERVICE]


@pytest.mark.nightly
def test_a_client_that_the_address_does_not_serve_is_left_as_it_is(client):
    """Another folder by the same path, and a server that does not let this client in."""
    client.client(table("nfs-srv-1:/srv/t/a /mnt/t") + f"mkdir -p {POINT}; mount {POINT}")
    lines = client.client("cat /etc/fstab")
    add, take = (f"ip addr {what} {SERVICE}/24 dev eth0" for what in ("add", "del"))
    deny = "exportfs -u '*:/srv/t/a'; exportfs -o rw,fsid=101 192.0.2.1:/srv/t/a"
    client.lab.on(SUCCESSOR, "sudo", "sh", "-c", f"{add}; arping -q -c 2 -U -I eth0 {SERVICE}; true")
    try:
        # what is not exported to the client is, in NFSv4, an empty folder on the way to an export below it
        for why, change in (("another folder", "true"), ("another folder", deny)):
            client.lab.on(SUCCESSOR, "sudo", "sh", "-c", change)
            spec = {"exports": list(EXPORTS), "service": [SERVICE], "aim": "service"}
            answer = client.client_hooks("migrate", mounts=[{"path": "/srv/t/a", "mount": POINT}], **spec)
            assert not answer.ok
            assert why in answer.complaint, answer.complaint
            assert client.client("cat /etc/fstab") == lines
            assert addressed(client, POINT) == ADDRESSES[SERVER]
    finally:
        client.lab.on(SUCCESSOR, "sudo", "sh", "-c", f"{take}; exportfs -ra")


@pytest.mark.nightly
def test_a_client_with_a_unit_of_its_own_follows_by_itself(client):
    """Nobody reaches in: the unit asks the real nfsd of both servers, waits, and moves the mount."""
    client.client(table(f"nfs-srv-1:/srv/t/a {POINT}") + f"mkdir -p {POINT}; mount {POINT}; cat {POINT}/who")
    spec = {
        "server": SERVER,
        "exports": list(EXPORTS),
        "mounts": [{"path": "/srv/t/a", "mount": POINT}],
    }
    places = "/etc/nfs-failover /etc/systemd/system /opt/nfs-failover /run"
    ours = f"find {places} -name '*follow*' -o -name 'hooks-*.pyz' 2>/dev/null || true"
    journal = "journalctl -q -o cat -u nfs-failover-follow.service"
    try:
        put = client.client_hooks("follow-on", **spec)
        assert put.ok, put.complaint
        assert client.client_hooks("check", **spec).result.facts["follow"]["on"] is True
        with client.dropping(DEAD):
            assert until(lambda: "look 1 of 5" in client.client(journal), 300, 2)
        assert until(lambda: "ActiveState=inactive" in client.client(STATE), 120, 2)
        assert "the mounts move" not in client.client(journal), "its server answered again"
        assert client.client(f"cat {POINT}/who") == SERVER
        with client.dropping(DEAD):
            assert until(lambda: "the mounts move" in client.client(journal), 400, 5), client.client(journal)
            assert until(lambda: client.client(f"timeout 20 cat {POINT}/who || true") == SUCCESSOR, 120, 5)
            assert "nfs-srv-2:/srv/t/a" in client.client("grep /mnt/t /etc/fstab")
            after = client.client_hooks("check", **{**spec, "server": SUCCESSOR})
            assert after.present, after.complaint
    finally:
        taken = client.client_hooks("follow-off", **spec)
    assert taken.ok, taken.complaint
    assert client.client(ours) == ""
    print(client.client(journal))
