"""Sites that others built: the stack takes each as it is, and the hooks take what the stack says of it."""

from __future__ import annotations

import json

import pytest

from failover.hosts import specs
from failover.model import stack_output
from hooks.contract.parse import parse as parse_spec
from lab.site.shapes.known import SHAPES
from lab.site.shapes.shape import SiteShape
from lab.site.stack import site_variables
from tests.terraform.conftest import SSH_KEY, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud

# an import is a run of Terraform for each volume; that many are adopted at once in before/test_adopt.py
HAND_BUILT = [shape for shape in SHAPES.values() if shape.server and len(shape.volumes) < 32]


@pytest.mark.own_rule
@pytest.mark.parametrize("shape", HAND_BUILT, ids=[shape.name for shape in HAND_BUILT])
def test_what_was_attached_by_hand_is_taken_as_it_is(
    cloud: LabCloud, make_stack: MakeStack, shape: SiteShape
) -> None:
    server = cloud.launch("nfs-srv-1")
    volumes = {name: cloud.volume(name) for name in shape.volumes}
    attachments = {name: cloud.attach(ocid, server) for name, ocid in volumes.items()}
    variables = site_variables(
        cloud.facts,
        server_id=server,
        image_id=cloud.facts["base_image_id"],
        volume_ids=volumes,
        ssh_authorized_keys=SSH_KEY,
        storage=shape.storage,
    )
    stack = make_stack(variables)
    for name, ocid in attachments.items():
        done = stack.run("import", "-input=false", f'oci_core_volume_attachment.data["{name}"]', ocid)
        assert done.returncode == 0, done.stderr
    assert stack.actions() == {}
    read = stack_output.parse(stack.apply())
    assert [cloud.holders(ocid) for ocid in volumes.values()] == [[server]] * len(volumes)
    spec = parse_spec(json.dumps(specs.server_spec(read, {}, 300)))
    assert [item.mount for item in spec.filesystems] == list(shape.filesystems)
    assert [group.name for group in spec.volume_groups] == list(shape.groups)
    assert shape.path in [export.path for export in spec.exports]
    assert stack.is_settled()
