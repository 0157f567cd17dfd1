"""The metadata service over real HTTP on loopback: guests are told apart by their source address."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.api.core.world import invent_world, save_world
from tests import sources
from tests.api.conftest import Site, models, new_site

SERVER, OTHER, STRANGER = "127.0.0.11", "127.0.0.12", "127.0.0.99"
SPEC = '{"version": 1, "role": "server"}'


@dataclass(frozen=True)
class Service:
    """A lab whose subnet is on loopback, and its metadata service."""

    site: Site
    port: int

    def get(self, path, source=SERVER, headers=None):
        """(status, text) as the guest at `source` sees it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5, source_address=(source, 0))
        sent = {"Authorization": "Bearer Oracle"} if headers is None else headers
        connection.request("GET", path, headers=sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def document(self, path, source=SERVER):
        status, text = self.get(path, source)
        assert status == 200, text
        return json.loads(text)


def started(run: Path) -> tuple[subprocess.Popen[bytes], int]:
    argv = [sys.executable, "-m", "lab.metadata", "--run", str(run), "--address", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(argv)
    deadline = time.monotonic() + 10
    while not (run / "metadata.port").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, int((run / "metadata.port").read_text())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    run = tmp_path_factory.mktemp("lab")
    save_world(run, replace(invent_world(0.0), subnet_cidr="127.0.0.0/24"))
    site = new_site(run)
    process, port = started(run)
    metadata = {"ssh_authorized_keys": "ssh-ed25519 AAAA", "user_data": "I2Nsb3Vk", "nfs_failover": SPEC}
    vnic = {"private_ip": SERVER, "hostname_label": "nfs-srv-1"}
    site.launch("nfs-srv-1", vnic=vnic, metadata=metadata)
    site.launch("nfs-srv-2", vnic={"private_ip": OTHER, "hostname_label": "nfs-srv-2"})
    yield Service(site, port)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(5) == 0
    site.api.stop()


@pytest.mark.checked(sources.page("Compute/Tasks/gettingmetadata.htm"))
def test_what_cloud_init_reads_of_the_instance(service):
    seen = service.document("/opc/v2/instance/")
    instance = service.site.compute.list_instances(service.site.compartment, display_name="nfs-srv-1").data[0]
    assert seen["id"] == instance.id
    assert (seen["hostname"], seen["displayName"]) == ("nfs-srv-1", "nfs-srv-1")
    assert seen["ociAdName"] == "eu-frankfurt-1-ad-1"
    assert seen["availabilityDomain"] == "Lab1:EU-FRANKFURT-1-AD-1"
    assert (seen["region"], seen["canonicalRegionName"], seen["state"]) == (
        "eu-frankfurt-1",
        "eu-frankfurt-1",
        "Running",
    )
    assert seen["metadata"]["user_data"] == "I2Nsb3Vk"
    assert isinstance(seen["timeCreated"], int)


@pytest.mark.checked(sources.page("Compute/Tasks/gettingmetadata.htm"))
def test_single_fields_are_plain_text(service):
    assert service.get("/opc/v2/instance/hostname") == (200, "nfs-srv-1")
    assert service.get("/opc/v2/instance/metadata/ssh_authorized_keys") == (200, "ssh-ed25519 AAAA")
    assert service.get("/opc/v2/instance/metadata/nfs_failover") == (200, SPEC)
    assert service.document("/opc/v2/instance/metadata")["nfs_failover"] == SPEC
    assert service.get("/opc/v2/instance/metadata/absent")[0] == 404
    assert service.get("/opc/v2/elsewhere")[0] == 404


@pytest.mark.checked(sources.page("Compute/Tasks/gettingmetadata.htm"))
def test_vnics_as_cloud_init_reads_them(service):
    (vnic,) = service.document("/opc/v2/vnics/")
    assert vnic["privateIp"] == SERVER
    assert vnic["subnetCidrBlock"] == "127.0.0.0/24"
    assert vnic["virtualRouterIp"] == "127.0.0.1"
    assert vnic["macAddr"].startswith("02:00:17:")
    assert isinstance(vnic["vlanTag"], int)
    assert vnic["vnicId"].startswith("ocid1.vnic.")


@pytest.mark.checked(sources.page("Compute/Tasks/gettingmetadata.htm"))
def test_a_second_vnic_is_listed_after_the_primary_one(service):
    site = service.site
    instance = site.compute.list_instances(site.compartment, display_name="nfs-srv-2").data[0]
    (subnet,) = site.network.list_subnets(site.compartment, display_name="storage").data
    details = models.AttachVnicDetails(
        instance_id=instance.id,
        nic_index=1,
        create_vnic_details=models.CreateVnicDetails(subnet_id=subnet.id, private_ip="10.0.2.12"),
    )
    begun = site.compute.attach_vnic(details)
    site.settle(site.compute.get_vnic_attachment, begun, "ATTACHED")
    first, second = service.document("/opc/v2/vnics/", source=OTHER)
    assert (first["privateIp"], first["nicIndex"]) == (OTHER, 0)
    assert (second["privateIp"], second["nicIndex"], second["vlanTag"]) == ("10.0.2.12", 1, 0)
    assert (second["subnetCidrBlock"], second["virtualRouterIp"]) == ("10.0.2.0/24", "10.0.2.1")
    site.compute.detach_vnic(begun.data.id)
    site.settle(site.compute.get_vnic_attachment, begun, "DETACHED")
    assert len(service.document("/opc/v2/vnics/", source=OTHER)) == 1


@pytest.mark.checked(sources.page("Compute/Tasks/gettingmetadata.htm"))
def test_the_header_is_needed_and_other_versions_are_not_there(service):
    assert service.get("/opc/v2/instance/", headers={})[0] == 401
    assert service.get("/opc/v2/instance/", headers={"Authorization": "Bearer Someone"})[0] == 401
    assert service.get("/opc/v1/instance/", headers={})[0] == 404


@pytest.mark.own_rule
def test_each_guest_sees_itself_and_a_stranger_nothing(service):
    assert service.get("/opc/v2/instance/displayName", source=OTHER) == (200, "nfs-srv-2")
    assert service.document("/opc/v2/instance/metadata", source=OTHER) == {}
    assert service.get("/opc/v2/instance/", source=STRANGER)[0] == 404


@pytest.mark.checked(sources.REPORTS)
def test_the_portals_of_attached_volumes(service):
    site = service.site
    instance = site.compute.list_instances(site.compartment, display_name="nfs-srv-2").data[0]
    volume = site.volume()
    assert service.document("/opc/v2/volumeAttachments/", source=OTHER) == []
    attached = site.attach(volume, instance)
    (seen,) = service.document("/opc/v2/volumeAttachments/", source=OTHER)
    assert (seen["id"], seen["instanceId"], seen["volumeId"]) == (attached.id, instance.id, volume.id)
    assert (seen["iqn"], seen["ipv4"], seen["port"]) == (attached.iqn, attached.ipv4, 3260)
    assert seen["attachmentType"] == "iscsi"
    assert service.document("/opc/v2/volumeAttachments/", source=SERVER) == []
    begun = site.compute.get_volume_attachment(attached.id)
    site.compute.detach_volume(attached.id)
    site.settle(site.compute.get_volume_attachment, begun, "DETACHED")
    assert service.document("/opc/v2/volumeAttachments/", source=OTHER) == []


@pytest.mark.own_rule
def test_it_answers_while_the_api_is_down(service):
    service.site.api.stop()
    try:
        assert service.get("/opc/v2/instance/hostname") == (200, "nfs-srv-1")
    finally:
        new_site(service.site.api.run)
