"""Second network cards: what the stack plans, makes and refuses, and the provider's own behaviour."""

from typing import Any

import oci
import pytest

from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.stack.test_refusals import with_server
from tests.terraform.stack.test_sites import CHANGING, end_second_server

SUBNET = "ocid1.subnet.oc1.eu-frankfurt-1.aaaaasecond"
BAD_VNICS: list[tuple[dict[str, Any], str]] = [
    ({"subnet_id": "subnet"}, "subnet_id in secondary_vnics must be the OCID of a subnet"),
    ({"nic_index": 2}, "nic_index in secondary_vnics must be 0 or 1"),
    ({"private_ip": "10.0.2"}, "private_ip in secondary_vnics must be an IPv4 address"),
    ({"nsg_ids": ["nsg"]}, "nsg_ids in secondary_vnics must be OCIDs of network security groups"),
    ({"hostname": "nfs$(id)"}, "hostname in secondary_vnics must be a hostname label"),
]


def attach_vnic(cloud: LabCloud, instance_id: str, address: str) -> str:
    """A second VNIC of an instance, as somebody attached it in the console; its OCID."""
    details = oci.core.models.AttachVnicDetails(
        instance_id=instance_id,
        nic_index=1,
        create_vnic_details=oci.core.models.CreateVnicDetails(
            subnet_id=cloud.facts["storage_subnet_id"], private_ip=address
        ),
    )
    made = cloud.compute.attach_vnic(details).data
    cloud._until(lambda: cloud.compute.get_vnic_attachment(made.id).data, "ATTACHED")
    return str(made.vnic_id)


@pytest.mark.own_rule
def test_clients_mount_by_the_second_vnic(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    """The replacement gets its second VNIC before the volumes; the service address lives on it."""
    first = cloud.launch("nfs-srv-1-two-nics")
    old = attach_vnic(cloud, first, "10.0.2.4")
    site = make_site(("bv1",), first)
    vnics = {"nfs": {"subnet_id": cloud.facts["storage_subnet_id"], "private_ip": "10.0.2.12"}}
    site["servers"]["nfs-srv-2"] |= {"secondary_vnics": vnics}
    stack = make_stack({**site, "service_ip": "10.0.2.100"})
    output = stack.apply()
    assert [v["address"] for v in output["servers"]["nfs-srv-1"]["vnics"]][1:] == ["10.0.2.4"]
    planned = output["servers"]["nfs-srv-2"]["vnics"][1]
    assert (planned["address"], planned["name"]) == ("10.0.2.12", "nfs")
    assert output["spec"]["networks"] == ["10.0.2.0/24"]
    assert output["spec"]["service_address"] == {"address": "10.0.2.100", "prefix": 24}
    assert [a.ip_address for a in cloud.network.list_private_ips(vnic_id=old).data][1:] == ["10.0.2.100"]
    assert stack.is_settled()
    second = 'oci_core_vnic_attachment.secondary["nfs-srv-2/nfs"]'
    launching = {'oci_core_instance.server["nfs-srv-2"]': ["create"], second: ["create"]}
    assert stack.actions(launch=["nfs-srv-2"]) == launching
    before, released = len(cloud.requests()), stack.attachments()
    stack.apply(active_server="nfs-srv-2", released=released)  # a console apply: all of it at once
    calls = [c["operation"] for c in cloud.requests()[before:]]
    changing = [c for c in calls if c in (*CHANGING, "AttachVnic", "DetachVnic")]
    assert changing == [
        *("DetachVolume", "LaunchInstance", "AttachVnic", "AttachVolume", "UpdatePrivateIp"),
    ]
    assert stack.is_settled(active_server="nfs-srv-2")
    server = stack.output()["servers"]["nfs-srv-2"]
    assert server["vnics"][1]["address"] == "10.0.2.12"
    listed = cloud.compute.list_vnic_attachments(
        cloud.facts["compartment_id"], instance_id=server["instance_id"]
    ).data
    held = cloud.network.list_private_ips(vnic_id=listed[1].vnic_id).data
    assert {a.ip_address for a in held} == {"10.0.2.12", "10.0.2.100"}
    back = stack.actions(active_server="nfs-srv-1", released=stack.attachments())
    assert second not in back, "a switch leaves the VNIC where it is"
    end_second_server(stack, cloud)
    assert stack.actions(active_server="nfs-srv-2")[second] == ["create"], "it went with the server"


@pytest.mark.own_rule
def test_a_service_address_on_the_second_vnic_is_imported(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    """Clients mount it already: it is taken over where it is, and not made a second time."""
    first = cloud.launch("nfs-srv-1-with-address")
    vnic_id = attach_vnic(cloud, first, "10.0.2.5")
    details = oci.core.models.CreatePrivateIpDetails(vnic_id=vnic_id, ip_address="10.0.2.105")
    made = cloud.network.create_private_ip(details).data
    site = make_site(("bv1",), first)
    vnics = {"nfs": {"subnet_id": cloud.facts["storage_subnet_id"]}}
    site["servers"]["nfs-srv-2"] |= {"secondary_vnics": vnics}
    stack = make_stack({**site, "service_ip": "10.0.2.105"})
    imported = stack.run("import", "oci_core_private_ip.service[0]", made.id)
    assert imported.returncode == 0, imported.stderr
    assert stack.actions()["oci_core_private_ip.service[0]"] == ["update"]  # its name and tag
    assert stack.apply()["spec"]["networks"] == ["10.0.2.0/24"]
    assert cloud.network.get_private_ip(made.id).data.vnic_id == vnic_id
    assert stack.is_settled()


@pytest.mark.checked(sources.SCHEMA)
def test_a_second_vnic_changes_in_place_and_is_imported(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    """The provider's own behaviour, without the stack's ignore_changes."""
    instance_id = cloud.launch("two-nics-by-hand")
    stack = make_stack(make_site(("bv1",)))
    for file in (*stack.folder.glob("*.tf"), *stack.folder.glob("*.tfvars*")):
        file.unlink()
    text = """
terraform {
  required_providers {
    oci = { source = "oracle/oci" }
  }
}
resource "oci_core_vnic_attachment" "a" {
  instance_id = "%s"
  nic_index   = 1
  create_vnic_details {
    subnet_id              = "%s"
    skip_source_dest_check = %s
    assign_public_ip       = "%s"
  }
}
"""
    main = stack.folder / "main.tf"

    def write(skip: str = "false", public: str = "false") -> None:
        main.write_text(text % (instance_id, cloud.facts["storage_subnet_id"], skip, public))

    write()
    assert stack.run("apply", "-auto-approve").returncode == 0
    assert stack.actions() == {}
    write(skip="true")
    assert stack.actions() == {"oci_core_vnic_attachment.a": ["update"]}
    assert stack.run("apply", "-auto-approve").returncode == 0
    assert stack.actions() == {}
    write(skip="true", public="true")
    assert stack.actions() == {"oci_core_vnic_attachment.a": ["delete", "create"]}
    write(skip="true")
    listed = cloud.compute.list_vnic_attachments(cloud.facts["compartment_id"], instance_id=instance_id).data
    (stack.folder / "terraform.tfstate").unlink()
    assert stack.run("import", "oci_core_vnic_attachment.a", listed[1].id).returncode == 0
    assert set(stack.actions().get("oci_core_vnic_attachment.a", [])) <= {"update", "delete", "create"}
    assert stack.run("destroy", "-auto-approve").returncode == 0
    assert cloud.compute.get_vnic_attachment(listed[1].id).data.lifecycle_state == "DETACHED"


@pytest.mark.own_rule
def test_bad_secondary_vnics(cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack) -> None:
    site = make_site()
    stack = make_stack(site)
    for fields, message in BAD_VNICS:
        vnics = {"nfs": {"subnet_id": SUBNET, **fields}}
        assert message in stack.refusal(servers=with_server(site, "nfs-srv-2", secondary_vnics=vnics))
    named = {"n f s": {"subnet_id": SUBNET}}
    said = stack.refusal(servers=with_server(site, "nfs-srv-2", secondary_vnics=named))
    assert "Each name in secondary_vnics" in said
    said = stack.refusal(
        servers=with_server(site, "nfs-srv-1", secondary_vnics={"nfs": {"subnet_id": SUBNET}})
    )
    assert "what an adopted one has is read: leave them out" in said
    tagged = {"nfs": {"subnet_id": cloud.facts["storage_subnet_id"], "nic_index": 0}}
    servers = with_server(site, "nfs-srv-2", secondary_vnics=tagged, standby=True)
    assert "a further VNIC on the first NIC needs a VLAN" in stack.refusal(servers=servers)
