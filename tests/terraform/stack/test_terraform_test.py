"""`terraform test` of the stack itself, and the example site."""

import re

import pytest

from lab.site.stack import SOURCE
from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack

pytestmark = pytest.mark.checked(sources.RUN)


def test_terraform_test_passes(fresh: LaidStack) -> None:
    major, minor = re.findall(r"v(\d+)\.(\d+)", fresh.run("version").stdout)[0]
    if (int(major), int(minor)) < (1, 6):
        pytest.skip("`terraform test` came with 1.6: before that, it is another command (experimental)")
    result = fresh.run("test")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", result.stdout), result.stdout


def test_the_example_site_can_be_planned(
    cloud: LabCloud, first_server: str, make_site: MakeSite, make_stack: MakeStack
) -> None:
    stack = make_stack(make_site())
    (stack.folder / "site.auto.tfvars.json").unlink()
    text = (SOURCE / "example.tfvars").read_text()
    for example, real in {
        "ap-tokyo-1": cloud.facts["region"],
        "ocid1.compartment.oc1..aaaaexamplecompartment": cloud.facts["compartment_id"],
        "aaaaexampleserver": first_server.rpartition(".")[2],
        "aaaaexampleimage": cloud.facts["base_image_id"].rpartition(".")[2],
        "aaaaexamplesubnet": cloud.facts["subnet_id"].rpartition(".")[2],
        "aaaaexamplevolume1": cloud.volume("bv1").rpartition(".")[2],
        "aaaaexamplevolume2": cloud.volume("bv2").rpartition(".")[2],
        "Uocm:AP-TOKYO-1-AD-1": cloud.facts["availability_domains"][0],
    }.items():
        assert example in text
        text = text.replace(example, real)
    (stack.folder / "site.auto.tfvars").write_text(text)
    assert set(stack.actions(launch=["nfs-srv-2"])) == {
        'oci_core_instance.server["nfs-srv-2"]',
        'oci_core_volume_attachment.data["bv1"]',
        'oci_core_volume_attachment.data["bv2"]',
    }
