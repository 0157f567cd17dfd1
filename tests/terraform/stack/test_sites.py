"""Sites other than the standard one: one volume, 32 volumes, volumes made here, a service address."""

import json
from typing import Any

import oci
import pytest

from failover.bundle.cloud_init import render_cloud_init, user_data
from hooks.boot.metadata import unpacked
from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables
from tests.terraform.text.hcl import parse
from tests.terraform.text.language import newer_than_1_5

pytestmark = pytest.mark.checked(sources.RUN)

CHANGING = (
    *("LaunchInstance", "DetachVolume", "AttachVolume"),
    *("CreatePrivateIp", "UpdatePrivateIp", "DeletePrivateIp", "PatchRRSet", "UpdateRRSet", "DeleteRRSet"),
)


def changing_calls(cloud: LabCloud, since: int) -> list[str]:
    """The calls that change something, in order, after the first `since` calls of all."""
    return [call["operation"] for call in cloud.requests()[since:] if call["operation"] in CHANGING]


def switched(stack: LaidStack, cloud: LabCloud) -> list[str]:
    """Switch to nfs-srv-2 in one apply, the volumes given up before; the changing calls in order."""
    released = stack.attachments()
    before = len(cloud.requests())
    stack.apply(active_server="nfs-srv-2", released=released)
    return changing_calls(cloud, before)


def with_standby(site: Variables) -> Variables:
    return {
        **site,
        "servers": {**site["servers"], "nfs-srv-2": {**site["servers"]["nfs-srv-2"], "standby": True}},
    }


def end_second_server(stack: LaidStack, cloud: LabCloud) -> None:
    """Sites share a compartment: the tag of this one's server must not be found by the next."""
    cloud.terminate(stack.output()["servers"]["nfs-srv-2"]["instance_id"])


def test_one_volume(cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack) -> None:
    stack = make_stack(with_standby(make_site(("bv1",))))
    assert set(stack.apply()["volumes"]) == {"bv1"}
    assert switched(stack, cloud) == ["DetachVolume", "AttachVolume"]
    assert stack.is_settled(active_server="nfs-srv-2")
    end_second_server(stack, cloud)


def test_32_volumes(cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack) -> None:
    server = cloud.launch("nfs-srv-1-large")  # nothing else attached: 32 is also the instance's own limit
    names = tuple(f"bv{number}" for number in range(1, 33))
    stack = make_stack(with_standby(make_site(names, server)))
    (stack.folder / "rendered" / "user_data").write_text(user_data(render_cloud_init()))
    output = stack.apply()
    assert len(output["volumes"]) == 32
    assert_metadata_fits(cloud, output)
    assert switched(stack, cloud) == ["DetachVolume"] * 32 + ["AttachVolume"] * 32
    assert stack.is_settled(active_server="nfs-srv-2")
    end_second_server(stack, cloud)


def test_the_hooks_url_reaches_a_launched_server_and_no_terminal(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    address = "https://hooks.example/p/KEY/hooks.pyz"
    stack = make_stack({**with_standby(make_site()), "hooks_url": address})
    said = stack.run("apply", "-auto-approve")
    assert said.returncode == 0, said.stderr
    assert "KEY" not in said.stdout + said.stderr
    second = cloud.compute.get_instance(stack.output()["servers"]["nfs-srv-2"]["instance_id"]).data
    assert second.metadata["nfs_failover_hooks_url"] == address
    stack.change_site(hooks_url="https://hooks.example/another.pyz")
    assert stack.is_settled(), "it says how a server is born: one that runs is not touched"
    end_second_server(stack, cloud)


def test_a_launch_and_a_switch_in_one_apply(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    stack = make_stack(make_site())
    stack.apply()
    before = len(cloud.requests())
    said = stack.run("apply", "-auto-approve", "-var=active_server=nfs-srv-2")
    assert "which is RUNNING and" in said.stderr
    assert changing_calls(cloud, before) == [], "the fence is judged before anything is launched or detached"
    calls = switched(stack, cloud)
    # the launch goes on beside the detaches: why programs launch in an earlier apply
    assert sorted(calls[:3]) == ["DetachVolume", "DetachVolume", "LaunchInstance"]
    assert calls[3:] == ["AttachVolume"] * 2
    assert stack.is_settled(active_server="nfs-srv-2")
    end_second_server(stack, cloud)


def assert_metadata_fits(cloud: LabCloud, output: dict[str, Any]) -> None:
    """The real cloud-init document and the whole spec, in what OCI takes; with room for more keys."""
    metadata = cloud.compute.get_instance(output["servers"]["nfs-srv-2"]["instance_id"]).data.metadata
    spec = json.loads(unpacked(metadata["nfs_failover"]))
    assert spec == output["spec"]
    assert all(len(volume["volume_id"]) > 90 for volume in spec["volumes"])
    assert len(metadata["nfs_failover"]) < len(json.dumps(spec, separators=(",", ":"))) * 2 / 3
    assert len(json.dumps(metadata)) < 32_000 - 1_000


def make_zone(cloud: LabCloud) -> tuple[str, str]:
    """OCIDs of a private view and of a zone hpc.example in it."""
    compartment, models = cloud.facts["compartment_id"], oci.dns.models
    view = cloud.names.create_view(models.CreateViewDetails(compartment_id=compartment)).data.id
    zone = models.CreateZoneDetails(compartment_id=compartment, name="hpc.example", zone_type="PRIMARY")
    return view, cloud.names.create_zone(zone, scope="PRIVATE", view_id=view).data.id


def resolved(cloud: LabCloud, zone: str) -> list[tuple[str, int]]:
    """Addresses and seconds of nfs.hpc.example."""
    return [(one.rdata, one.ttl) for one in cloud.names.get_rr_set(zone, "nfs.hpc.example", "A").data.items]


def test_a_name_alone_follows_the_volumes(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    view, zone = make_zone(cloud)
    named = {"dns_name": "nfs.hpc.example", "dns_zone": "hpc.example", "dns_view_id": view}
    stack = make_stack({**with_standby(make_site(("bv1",))), **named})
    first = stack.apply()["servers"]["nfs-srv-1"]["address"]
    assert resolved(cloud, zone) == [(first, 30)]
    assert stack.is_settled()
    assert "needs the private zone that it is in" in stack.refusal(dns_view_id="")
    assert switched(stack, cloud) == ["DetachVolume", "AttachVolume", "UpdateRRSet"]
    assert resolved(cloud, zone) == [(stack.output()["servers"]["nfs-srv-2"]["address"], 30)]
    assert stack.is_settled(active_server="nfs-srv-2")
    stack.change_site(dns_name="")
    stack.apply(active_server="nfs-srv-2")
    assert resolved(cloud, zone) == []
    end_second_server(stack, cloud)


def test_the_service_address_follows_the_volumes(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    _, zone = make_zone(cloud)
    named = {"dns_name": "nfs.hpc.example", "dns_zone": zone, "dns_ttl": 300}
    stack = make_stack({**with_standby(make_site()), "service_ip": "10.0.0.200", **named})
    before = len(cloud.requests())
    assert stack.apply()["service_ip"] == "10.0.0.200"
    assert changing_calls(cloud, before)[-2:] == ["CreatePrivateIp", "PatchRRSet"]
    assert resolved(cloud, zone) == [("10.0.0.200", 300)]
    assert stack.output()["spec"]["service_address"] == {"address": "10.0.0.200", "prefix": 24}
    assert "service_ip 10.1.0.200 is not in the servers' subnet 10.0.0.0/24" in stack.refusal(
        service_ip="10.1.0.200"
    )
    first, second = (server["instance_id"] for server in stack.output()["servers"].values())
    assert "10.0.0.200" in cloud.addresses(first)
    assert stack.is_settled()
    calls = switched(stack, cloud)
    assert calls == ["DetachVolume"] * 2 + ["AttachVolume"] * 2 + ["UpdatePrivateIp"]
    assert "10.0.0.200" in cloud.addresses(second)
    assert stack.is_settled(active_server="nfs-srv-2")
    end_second_server(stack, cloud)


def test_clients_are_named_as_exports_name_them(fresh: LaidStack, make_site: MakeSite) -> None:
    """exports(5): the world, netgroups, wildcards, a network with a dotted netmask."""
    clients = ["*", "@hpc", "*.hpc.example", "10.0.0.0/255.255.255.0", "node-?", "10.0.0.0/16", "10.0.0.7"]
    clients += ["?-node", "gpu_1.hpc.example", "3node", "::/0", "2001:db8::7"]
    export = {"path": "/mnt/a", "clients": clients, "options": "rw", "fsid": None}
    storage = {**make_site()["storage"], "exports": [export]}
    assert fresh.actions(storage=storage) == fresh.actions()


def test_names_that_the_hooks_take_are_taken(fresh: LaidStack, make_site: MakeSite) -> None:
    """A server that exists has them, and `adopt` judges it by the hooks' spec."""
    storage = make_site()["storage"]
    (name, filesystem), *_ = storage["filesystems"].items()
    options = "nofail,_netdev,x-systemd.requires=iscsi@a.service,logdev=/dev/+x/log"
    changed = {**filesystem, "mount": "/mnt/c++/@a", "options": options}
    export = {"path": "/mnt/c++/@a/b", "clients": ["*"], "options": "rw,refer=/x@h1+h2", "fsid": None}
    assert (
        fresh.actions(storage={**storage, "filesystems": {name: changed}, "exports": [export]})
        == fresh.actions()
    )


def test_a_volume_made_here_is_kept_for_ever(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    site = make_site(("bv1",))
    domain = cloud.facts["availability_domains"][0]
    made = {"availability_domain": domain, "size_in_gbs": 50, "display_name": "made here"}
    storage = {"volume_groups": {"vg1": {"volumes": ["bv1"]}}, "filesystems": {}, "exports": []}
    stack = make_stack(
        with_standby({**site, "volumes": {**site["volumes"], "bv9": made}, "storage": storage})
    )
    volume_id = stack.apply()["volumes"]["bv9"]["volume_id"]
    assert cloud.storage.get_volume(volume_id).data.display_name == "made here"
    assert stack.is_settled()
    assert "Volume bv9 is attached to nfs-srv-1, which is RUNNING" in stack.refusal(active_server="nfs-srv-2")
    assert len(stack.actions(active_server="nfs-srv-2", released=stack.attachments())) == 2
    assert "Instance cannot be destroyed" in stack.refusal(volumes=site["volumes"])
    end_second_server(stack, cloud)


def test_existing_attachments_are_adopted_by_import_blocks(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack, first_server: str
) -> None:
    site = make_site()
    stack = make_stack(site)
    blocks = [
        f'import {{\n  to = oci_core_volume_attachment.data["{name}"]\n  id = "{attachment}"\n}}\n'
        for name, volume in site["volumes"].items()
        for attachment in [cloud.attach(volume["volume_id"], first_server)]
    ]
    assert [w for block in blocks for b in parse(block) for w in newer_than_1_5(b)] == []
    (stack.folder / "adopt.tf").write_text("".join(blocks))
    planned = stack.plan().resource_changes
    assert stack.actions() == {}
    assert sum("importing" in change["change"] for change in planned.values()) == 2
    before = len(cloud.requests())
    stack.apply()
    assert changing_calls(cloud, before) == []
    assert stack.is_settled()


def test_a_server_is_born_with_all_that_was_asked(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    site, facts, models = make_site(), cloud.facts, oci.core.models
    domain = facts["availability_domains"][0]
    details = models.CreateComputeCapacityReservationDetails(
        compartment_id=facts["compartment_id"],
        availability_domain=domain,
        instance_reservation_configs=[
            models.InstanceReservationConfigDetails(instance_shape="BM.Optimized3.36", reserved_count=1)
        ],
    )
    reservation = cloud.compute.create_compute_capacity_reservation(details).data.id
    site["servers"]["nfs-srv-2"].update(
        capacity_reservation_id=reservation,
        agent_plugins={"Bastion": "ENABLED", "Block Volume Management": "DISABLED"},
        tags={"owner": "hpc"},
        defined_tags={"Operations.CostCenter": "42"},
        fault_domain="FAULT-DOMAIN-2",
        nsg_ids=[facts["network_security_group_id"]],
        boot_volume_size_in_gbs=100,
        hostname="nfs-two",
    )
    stack = make_stack(site)
    second = stack.apply(launch=["nfs-srv-2"])["servers"]["nfs-srv-2"]["instance_id"]
    born = cloud.compute.get_instance(second).data
    assert born.capacity_reservation_id == reservation
    assert cloud.compute.get_compute_capacity_reservation(reservation).data.used_instance_count == 1
    plugins = {one.name: one.desired_state for one in born.agent_config.plugins_config}
    assert plugins == {"Bastion": "ENABLED", "Block Volume Management": "DISABLED"}
    assert born.freeform_tags == {"owner": "hpc", "nfs-failover-server": "nfs-srv-2"}
    assert born.defined_tags == {"Operations": {"CostCenter": "42"}}
    assert (born.fault_domain, born.source_details.boot_volume_size_in_gbs) == ("FAULT-DOMAIN-2", 100)
    assert stack.is_settled()
    end_second_server(stack, cloud)


def test_existing_attachments_are_imported_without_a_change(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack, first_server: str
) -> None:
    site = make_site()
    stack = make_stack(site)
    for name, volume in site["volumes"].items():
        attachment_id = cloud.attach(volume["volume_id"], first_server)
        address = f'oci_core_volume_attachment.data["{name}"]'
        result = stack.run("import", address, attachment_id)
        assert result.returncode == 0, result.stderr
    assert stack.actions() == {}
    stack.apply()
    assert stack.is_settled()


def test_a_launch_leaves_the_service_address_where_it_is(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    """A data source whose read were put off until after the launch would show the address as moving."""
    stack = make_stack(
        {**make_site(("bv1",), cloud.launch("nfs-srv-1-addressed")), "service_ip": "10.0.0.201"}
    )
    stack.apply()
    assert stack.actions(launch=["nfs-srv-2"]) == {'oci_core_instance.server["nfs-srv-2"]': ["create"]}


def test_a_launch_while_the_active_server_is_terminated_leaves_its_name_alone(
    cloud: LabCloud, make_site: MakeSite, make_stack: MakeStack
) -> None:
    first = cloud.launch("nfs-srv-1-named")
    _, zone = make_zone(cloud)
    stack = make_stack({**make_site(("bv1",), first), "dns_name": "nfs.hpc.example", "dns_zone": zone})
    stack.apply()
    cloud.terminate(first)
    assert "is terminated and cannot take bv1" in stack.refusal()
    assert stack.actions(launch=["nfs-srv-2"]) == {'oci_core_instance.server["nfs-srv-2"]': ["create"]}
