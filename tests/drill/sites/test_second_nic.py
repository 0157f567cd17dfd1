"""A site whose clients mount by the server's second network card, on real guests.

nfs-srv-1 was given its second card by hand, as Oracle's tutorials do; nfs-srv-2 gets its own from Terraform,
and its boot service sets it up.
"""

from __future__ import annotations

import json
import time

import pytest
from rich.console import Console

from lab.drill.operator import Operator
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SUCCESSOR
from lab.site.second_nic import SECOND_ADDRESSES, attach_second_nic
from lab.site.stack import VARIABLES_FILE
from lab.system.waiting import slowness

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

OLD, NEW = SECOND_ADDRESSES[SERVER], SECOND_ADDRESSES[SUCCESSOR]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("second-nic") / "lab", print)
    try:
        lab.up()
        yield lab
    finally:
        lab.down()


def shell(lab: Lab, name: str, command: str) -> str:
    return lab.on(name, "sudo", "sh", "-ec", command).strip()


def attach_second_card(lab: Lab) -> str:
    """Give nfs-srv-1 its second card, and have the client mount by it; the subnet's OCID."""
    subnet = attach_second_nic(lab.api, lab.access, lab.instance(SERVER), ADDRESSES[SERVER], OLD)
    shell(
        lab,
        CLIENT,
        f"systemctl stop drill-writer; umount /mnt/nfs/a; sed -i 's/^{SERVER}:/{OLD}:/' /etc/fstab;"
        "systemctl daemon-reload; mount /mnt/nfs/a; systemctl start drill-writer",
    )
    return subnet


def test_clients_that_mount_by_the_second_card_are_brought_over(lab):
    subnet = attach_second_card(lab)
    operator = Operator(lab.site_file, Console(), print)
    lab.terraform.run("apply", "-auto-approve", "-input=false")
    report, code = operator.report("preflight", "--active", SUCCESSOR)
    assert code == 3
    said = json.dumps(report)
    assert f"clients mount {OLD} (nfs-cli); nfs-srv-2 has no VNIC in 10.0.2.0/24" in said
    file = lab.terraform.directory / VARIABLES_FILE
    site = json.loads(file.read_text())
    vnics = {"nfs": {"subnet_id": subnet, "private_ip": NEW}}
    site["servers"][SUCCESSOR]["secondary_vnics"] = vnics
    file.write_text(json.dumps(site))
    lab.terraform.run("apply", "-auto-approve", "-input=false")
    lab.crash(SERVER)
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes")
    assert code == 0, report
    assert shell(lab, CLIENT, "grep /mnt/nfs/a /etc/fstab").startswith(f"{NEW}:/mnt/a ")
    assert f"addr={NEW}" in shell(lab, CLIENT, "findmnt -n -o OPTIONS /mnt/nfs/a")
    assert "This is a test file." in shell(lab, CLIENT, "cat /mnt/nfs/a/test.txt")
    is_set_up(lab)
    # after a reboot the host has it by itself, before anybody asks
    boot = shell(lab, SUCCESSOR, "cat /proc/sys/kernel/random/boot_id")
    shell(lab, SUCCESSOR, "systemctl reboot")
    lab.access.forget(ADDRESSES[SUCCESSOR])
    await_boot(lab, boot)
    is_set_up(lab)
    # up to 300 s between two tries of a client's kernel (net/sunrpc/xprtsock.c), and then the server's grace
    read, seconds = ["sudo", "cat", "/mnt/nfs/a/test.txt"], 420 * slowness()
    assert "This is a test file." in lab.access.run(ADDRESSES[CLIENT], read, deadline_seconds=seconds)
    assert lab.terraform.pending_changes() == 0


def await_boot(lab: Lab, before: str) -> None:
    """Wait until nfs-srv-2 has booted again and exports."""
    end = time.monotonic() + 240 * slowness()
    while True:
        try:
            now = shell(lab, SUCCESSOR, "cat /proc/sys/kernel/random/boot_id")
            if now != before and "/mnt/a" in shell(lab, SUCCESSOR, "exportfs -s || true"):
                return
        except Exception as error:  # noqa: BLE001 - not up yet, in whatever way
            print(error)
        assert time.monotonic() < end, "nfs-srv-2 did not come back"
        time.sleep(2)


def is_set_up(lab: Lab) -> None:
    """The address, the MTU, and answers that leave by the same card."""
    (link,) = json.loads(shell(lab, SUCCESSOR, "ip -j address show eth1"))
    assert (link["mtu"], [a["local"] for a in link["addr_info"] if a["family"] == "inet"]) == (9000, [NEW])
    (route,) = json.loads(shell(lab, SUCCESSOR, f"ip -j route get 10.0.0.21 from {NEW}"))
    assert route["dev"] == "eth1"
