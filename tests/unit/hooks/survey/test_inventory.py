"""The inventory: what a server has, read without a spec; a part that cannot be read spoils no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.survey import inventory, observed_clients
from tests.unit.hooks.scripted_host import PlannedHost, fixture

IQN = "iqn.2015-12.com.oracleiaas:bv1"
LINK = f"/dev/disk/by-path/ip-169.254.2.2:3260-iscsi-{IQN}-lun-1"
NO_SPEC = {
    "version": 1,
    "role": "server",
    "deadline_seconds": 60,
    "volumes": [],
    "volume_groups": [],
    "filesystems": [],
    "exports": [],
}
RECORD = f"""# BEGIN RECORD 2.1.8
node.name = {IQN}
node.startup = automatic
node.session.auth.authmethod = CHAP
node.session.auth.password = ********
node.conn[0].address = 169.254.2.2
node.conn[0].port = 3260
# END RECORD
"""
LSBLK = {
    "blockdevices": [
        {
            "kname": "/dev/sdb",
            "type": "disk",
            "size": 53687091200,
            "fstype": "LVM2_member",
            "uuid": "u",
            "label": None,
            "pkname": None,
            "children": [
                {
                    "kname": "/dev/dm-0",
                    "type": "lvm",
                    "size": 4294967296,
                    "fstype": "xfs",
                    "uuid": "3f1c",
                    "label": "a",
                    "pkname": "/dev/sdb",
                }
            ],
        },
        {
            "kname": "/dev/sdc",
            "type": "disk",
            "size": 53687091200,
            "fstype": "LVM2_member",
            "uuid": "v",
            "label": None,
            "pkname": None,
            "children": [
                {
                    "kname": "/dev/dm-0",
                    "type": "lvm",
                    "size": 4294967296,
                    "fstype": "xfs",
                    "uuid": "3f1c",
                    "label": "a",
                    "pkname": "/dev/sdc",
                }
            ],
        },
    ]
}
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00000A:0801 1500000A:03C7 01 00000000:00000000 02:000A 00000000     0        0 1 2
   1: 00000000:0801 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   2: 0B00000A:0016 1600000A:C350 01 00000000:00000000 02:000A 00000000     0        0 1 2
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF00000B00000A:0801 0000000000000000FFFF00001700000A:02BC 01 0:0
"""


def rows(kind: str, *found: dict[str, str]) -> str:
    return json.dumps({"report": [{kind: list(found)}]})


def case(**changes: Any) -> dict[str, Any]:
    """A server with one volume, one group, one filesystem; `changes`: commands by their beginning."""
    answers = {
        "systemctl is-active -q iscsid": "",
        "iscsiadm -m session": f"tcp: [1] 169.254.2.2:3260,1 {IQN} (non-flash)\n",
        "iscsiadm -m node -o show": RECORD,
        "pvs --foreign": rows(
            "pv",
            {
                "pv_name": "/dev/sdb",
                "pv_missing": "",
                "vg_name": "vg1",
                "vg_uuid": "g",
                "vg_missing_pv_count": "0",
                "vg_systemid": "",
            },
        ),
        "lvs -a --foreign --segments": rows(
            "seg",
            {
                "vg_name": "vg1",
                "lv_name": "lv01",
                "lv_active": "active",
                "segtype": "striped",
                "stripes": "2",
                "stripe_size": "64.00k",
                "devices": "/dev/sdb(0),/dev/sdc(0)",
                "origin": "",
            },
        ),
        "lsblk": json.dumps(LSBLK),
        "exportfs -s": fixture("exportfs-s.txt"),
    } | changes
    return {
        "files": {
            "/etc/os-release": 'PRETTY_NAME="Oracle Linux Server 9.4"\nID="ol"\n',
            "/etc/fstab": "LABEL=a /mnt/a/ xfs defaults,_netdev,noatime 0 0\n#LABEL=b /b xfs defaults 0 0\n",
            "/proc/self/mountinfo": "88 22 253:0 / /mnt/a rw - xfs /dev/mapper/vg1-lv01 rw,attr2\n",
            "/proc/fs/nfsd/threads": "256\n",
            "/proc/fs/nfsd/versions": "-2 +3 +4 +4.1 +4.2\n",
            "/proc/fs/nfsd/clients/5/info": 'clientid: 0x1\naddress: "10.0.0.21:871"\nname: "Linux"\n',
            "/proc/net/tcp": TCP,
            "/proc/net/tcp6": TCP6,
            "/var/lib/nfs/rmtab": "nfs-cli:/mnt/a:0x00000001\n10.0.0.30:/mnt/a:0x00000000\n",
            "/etc/exports": "/mnt/a 10.0.0.0/16(rw)\n",
            "/dev/sdb": "",
            "/dev/dm-0": "",
        },
        "links": {
            LINK: "../../sdb",
            "/dev/disk/by-label/a": "../../dm-0",
            "/dev/vg1/lv01": "../dm-0",
            "/dev/mapper/vg1-lv01": "../dm-0",
        },
        "answers": answers,
    }


class AnsweringHost(PlannedHost):
    """Each command is answered by its beginning; the services that are not named do not run."""

    def _execute(self, argv: Any, seconds: float) -> Any:
        line = " ".join(argv)
        for beginning, text in self._answers.items():
            if line.startswith(beginning):
                self._plan = [{"run": line, "out": text}]
                return super()._execute(argv, seconds)
        self._plan = [{"run": line, "code": 3}]
        return super()._execute(argv, seconds)


def read(tmp_path: Path, planned: dict[str, Any]) -> dict[str, Layer]:
    host = AnsweringHost(str(tmp_path), {k: v for k, v in planned.items() if k != "answers"})
    host._answers = planned["answers"]
    return {layer.layer: layer for layer in inventory.inventory(host, parse(json.dumps(NO_SPEC)), ())}


def test_all_parts_of_a_server(tmp_path: Path) -> None:
    found = read(tmp_path, case())
    assert list(found) == list(inventory.PARTS)
    assert {name: layer.state for name, layer in found.items()} == dict.fromkeys(inventory.PARTS, "present")
    facts: dict[str, Any] = {name: layer.facts for name, layer in found.items()}
    assert facts["system"]["os"]["ID"] == "ol"
    assert facts["system"]["active"] == ["iscsid"]
    assert facts["iscsi"]["disks"] == [{"portal": "169.254.2.2:3260", "iqn": IQN, "device": "/dev/sdb"}]
    assert facts["iscsi"]["records"] == [
        {"iqn": IQN, "portal": "169.254.2.2:3260", "startup": "automatic", "chap": True}
    ]
    assert facts["lvm"]["physical"][0]["device"] == "/dev/sdb"
    assert facts["lvm"]["segments"][0]["device"] == "/dev/dm-0"
    (line,) = facts["fstab"]["lines"]
    assert (line["mount"], line["real"], line["options"]) == (
        "/mnt/a",
        "/dev/dm-0",
        "defaults,_netdev,noatime",
    )
    assert facts["mounts"]["mounts"][0]["real"] == "/dev/dm-0"
    assert facts["nfs"]["threads"] == "256"
    assert {row["path"] for row in facts["exports"]["table"]}
    assert facts["clients"]["seen"] == {
        "10.0.0.21": ["socket", "v4"],
        "10.0.0.23": ["socket"],
        "nfs-cli": ["rmtab"],
    }


def test_a_line_on_a_symbolic_link_has_the_mount_point_that_the_kernel_shows(tmp_path: Path) -> None:
    planned = case()
    planned["directories"] = ["/mnt/a"]
    planned["files"]["/etc/fstab"] = "LABEL=a /data/a xfs defaults 0 0\nLABEL=gone /data/b xfs defaults 0 0\n"
    (tmp_path / "data").symlink_to("mnt")
    lines = read(tmp_path, planned)["fstab"].facts["lines"]
    assert [line["mount"] for line in lines] == ["/mnt/a", "/data/b"]


def test_a_device_on_two_disks_is_one_with_two_parents(tmp_path: Path) -> None:
    devices = read(tmp_path, case())["block"].facts["devices"]
    (lv,) = [one for one in devices if one["device"] == "/dev/dm-0"]
    assert lv["parents"] == ["/dev/sdb", "/dev/sdc"]
    assert (lv["fstype"], lv["uuid"], lv["label"]) == ("xfs", "3f1c", "a")


def test_no_secret_of_the_initiator_leaves_the_host(tmp_path: Path) -> None:
    assert "****" not in json.dumps([layer.facts for layer in read(tmp_path, case()).values()])


def test_a_part_that_fails_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, case(lsblk="no JSON"))
    assert found["block"].state == "broken"
    assert "gave no JSON" in found["block"].message
    assert {layer.state for name, layer in found.items() if name != "block"} == {"present"}


@given(address=st.ip_addresses(), port=st.integers(0, 65535))
def test_an_address_of_nfsd_is_read_without_its_port(address: Any, port: int) -> None:
    text = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    mapped = address.ipv4_mapped if address.version == 6 else None
    assert observed_clients.without_port(text) == str(mapped or address)


@given(
    address=st.ip_addresses(),
    state=st.sampled_from(["01", "06", "0A"]),
    port=st.sampled_from(["0801", "0016"]),
)
def test_only_established_connections_to_nfsd_count(address: Any, state: str, port: str) -> None:
    raw = address.packed
    word = "".join(raw[at : at + 4][::-1].hex().upper() for at in range(0, len(raw), 4))
    line = f"   0: {'0' * len(word)}:{port} {word}:03C7 {state} 0:0 0:0\n"
    mapped = address.ipv4_mapped if address.version == 6 else None
    expected = [str(mapped or address)] if (state, port) == ("01", "0801") else []
    assert observed_clients.connected(line) == expected


@given(st.text())
def test_whatever_stands_in_the_kernels_files_is_no_traceback(text: str) -> None:
    for found in (observed_clients.connected(text), observed_clients.recorded(text)):
        assert all(isinstance(one, str) for one in found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("10.0.0.21:/mnt/a:0x00000001", ["10.0.0.21"]),
        ("10.0.0.21:/mnt/a:0x00000000", []),
        ("[fd00::1]:/mnt/a:0x00000002", ["fd00::1"]),
        ("nonsense", []),
    ],
)
def test_who_has_unmounted_is_none(line: str, expected: list[str]) -> None:
    assert observed_clients.recorded(line + "\n") == expected
