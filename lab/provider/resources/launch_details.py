"""The body of LaunchInstance out of Terraform's arguments."""

from typing import Any

import oci

from lab.provider.resources.records import nested_tags
from lab.provider.schema.values import Record

_SCALARS = (
    "availability_domain",
    "capacity_reservation_id",
    "compartment_id",
    "defined_tags",
    "display_name",
    "fault_domain",
    "freeform_tags",
    "metadata",
    "shape",
)
VNIC = ("hostname_label", "nsg_ids", "private_ip", "subnet_id")


def launch_details(wanted: Record) -> Any:
    """LaunchInstanceDetails."""
    models = oci.core.models
    arguments = {name: wanted[name] for name in _SCALARS if name in wanted}
    if "defined_tags" in arguments:
        arguments["defined_tags"] = nested_tags(arguments["defined_tags"])
    for vnic in wanted.get("create_vnic_details", []):
        public = {"assign_public_ip": vnic.get("assign_public_ip") == "true"}
        chosen = {name: vnic[name] for name in VNIC if vnic.get(name)}
        arguments["create_vnic_details"] = models.CreateVnicDetails(**public, **chosen)
    for source in wanted.get("source_details", []):
        size = source.get("boot_volume_size_in_gbs")
        arguments["source_details"] = models.InstanceSourceViaImageDetails(
            source_type="image",
            image_id=source["source_id"],
            boot_volume_size_in_gbs=int(size) if size else None,
        )
    for agent in wanted.get("agent_config", []):
        arguments["agent_config"] = agent_details(models.LaunchInstanceAgentConfigDetails, agent)
    for shape in wanted.get("shape_config", []):
        arguments["shape_config"] = models.LaunchInstanceShapeConfigDetails(**shape)
    return models.LaunchInstanceDetails(**arguments)


def agent_details(kind: Any, agent: Record) -> Any:
    """The agent's configuration as the model `kind` of the SDK."""
    models = oci.core.models
    plugins = [models.InstanceAgentPluginConfigDetails(**one) for one in agent.get("plugins_config", [])]
    flags = {name: value for name, value in agent.items() if name != "plugins_config"}
    return kind(**flags, plugins_config=plugins)
