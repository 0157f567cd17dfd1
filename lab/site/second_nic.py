"""A server's second network card by hand: a VNIC on NIC 1, in the subnet that clients mount by."""

from lab.client.api_process import ApiProcess
from lab.client.wait import wait_for_state
from lab.site.ssh_access import GuestAccess

# By server: nfs-srv-1's is made by hand, as Oracle's tutorials do; nfs-srv-2 gets its own from Terraform.
SECOND_ADDRESSES = {"nfs-srv-1": "10.0.2.4", "nfs-srv-2": "10.0.2.12"}


def attach_second_nic(
    api: ApiProcess, access: GuestAccess, instance_id: str, login: str, address: str
) -> str:
    """Attach the VNIC and set it up on the host, which `login` reaches; the subnet's OCID.

    Raises HardwareError when the host does not carry the address then.
    """
    from oci.core.models import AttachVnicDetails, CreateVnicDetails

    compute, facts = api.compute_client(), api.facts()
    details = AttachVnicDetails(
        instance_id=instance_id,
        nic_index=1,
        create_vnic_details=CreateVnicDetails(subnet_id=facts["storage_subnet_id"], private_ip=address),
    )
    made = compute.attach_vnic(details).data
    wait_for_state(compute, compute.get_vnic_attachment, made.id, "ATTACHED")
    network, _, prefix = facts["storage_cidr"].partition("/")
    router = network.rpartition(".")[0] + ".1"
    access.script(login, "second-nic.sh", f"{address}/{prefix}", router)
    return str(facts["storage_subnet_id"])
