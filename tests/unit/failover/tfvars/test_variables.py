"""The image of a server in Terraform's variables, changed in one word."""

import json
from dataclasses import replace

import pytest

from failover.model.outcome import Usage
from failover.model.site import TerraformAccess
from failover.model.stack_output import Launch, Server
from failover.tfvars import hcl_reader, variables

OLD, NEW = "ocid1.image.oc1..old", "ocid1.image.oc1..new"
HCL = f"""# written by hand
servers = {{
  "nfs-srv-1" = {{ instance_id = "ocid1.instance.oc1..one" }}
  nfs-srv-2 = {{
    shape    = "BM.Optimized3.36"
    image_id = "{OLD}" # golden
  }}
  nfs-srv-3 = {{ image_id = "{OLD}" }}
}}
"""


@pytest.mark.parametrize(("server", "place"), [("nfs-srv-2", 0), ("nfs-srv-3", 1)])
def test_one_word_is_changed_and_every_other_byte_stays(server, place):
    after = variables.changed(HCL, "site.auto.tfvars", server, NEW)
    parts = HCL.split(OLD)
    wanted = [OLD, OLD]
    wanted[place] = NEW
    assert after == parts[0] + wanted[0] + parts[1] + wanted[1] + parts[2]
    assert hcl_reader.read(after)["servers"][server]["image_id"] == NEW


def test_json_is_changed_as_it_is_written():
    text = json.dumps({"servers": {"a": {"image_id": OLD}, "b": {"image_id": OLD}}}, indent=2)
    after = variables.changed(text, "site.auto.tfvars.json", "b", NEW)
    assert json.loads(after)["servers"] == {"a": {"image_id": OLD}, "b": {"image_id": NEW}}
    assert after.splitlines()[:4] == text.splitlines()[:4]


def test_what_is_no_plain_text_is_left_alone():
    with pytest.raises(ValueError, match=r"servers.a.image_id is not written as a plain text"):
        variables.changed(r'{"servers": {"a": {"image\u005fid": "x"}}}', "x.json", "a", "y")


def test_the_file_that_overrules_the_others_counts(tmp_path):
    (tmp_path / "terraform.tfvars").write_text(f'servers = {{ a = {{ image_id = "{OLD}" }} }}\n')
    assert variables.written(tmp_path, "a").file.name == "terraform.tfvars"
    (tmp_path / "site.auto.tfvars").write_text(f'servers = {{ a = {{ image_id = "{NEW}" }} }}\n')
    assert variables.written(tmp_path, "a") == variables.WrittenImage(tmp_path / "site.auto.tfvars", NEW)
    (tmp_path / "z.auto.tfvars.json").write_text('{"servers": {"b": {}}}')
    assert variables.written(tmp_path, "a") is None
    assert variables.named(tmp_path, [OLD, NEW, "ocid1.image.oc1..other"]) == {OLD, NEW}


def test_a_file_that_terraform_would_not_read_is_named(tmp_path):
    (tmp_path / "site.auto.tfvars").write_text("servers = ]\n")
    with pytest.raises(Usage, match=r"site\.auto\.tfvars"):
        variables.written(tmp_path, "a")


@pytest.mark.parametrize(
    ("name", "stack_id", "text", "wanted"),
    [
        ("launched", "", HCL.replace("nfs-srv-3", "launched"), OLD),
        ("launched", "", HCL, "in the state"),  # the server is not in the variables yet, or not any more
        ("launched", "", "active_server = 1\n", "in the state"),
        ("launched", "ocid1.ormstack.oc1..one", HCL.replace("nfs-srv-3", "launched"), "in the state"),
        ("adopted", "", HCL.replace("nfs-srv-3", "adopted"), ""),
    ],
)
def test_the_next_apply_launches_from_the_image_that_is_written(name, stack_id, text, wanted, tmp_path):
    (tmp_path / "site.auto.tfvars").write_text(text)
    launch = Launch("in the state", "BM", "ad", "subnet", None) if name == "launched" else None
    server = Server(name, name, launch is None, True, None, None, launch)
    assert variables.image_of_next(server, TerraformAccess(tmp_path, {}, stack_id)) == wanted


def test_the_next_apply_launches_where_and_as_what_the_variables_say(tmp_path):
    of_next = HCL.replace('"BM.Optimized3.36"', '"BM.Next", availability_domain = "AD-2", private_ip = null')
    (tmp_path / "site.auto.tfvars").write_text(of_next)
    launch = Launch("in the state", "BM", "AD-1", "subnet", "10.0.0.9", nsg_ids=("nsg",))
    server = Server("nfs-srv-2", "nfs-srv-2", False, True, None, None, launch)
    wanted = Launch(OLD, "BM.Next", "AD-2", "subnet", "10.0.0.9", nsg_ids=("nsg",))
    assert variables.launch_of_next(server, TerraformAccess(tmp_path, {})) == wanted
    assert variables.launch_of_next(replace(server, launch=None), TerraformAccess(tmp_path, {})) is None


def test_no_image_is_taken_from_a_file_that_terraform_would_not_read(tmp_path):
    (tmp_path / "site.auto.tfvars").write_text("servers = {\n")
    server = Server("a", "a", False, True, None, None, Launch("in the state", "BM", "ad", "subnet", None))
    with pytest.raises(Usage, match=r"site\.auto\.tfvars"):
        variables.image_of_next(server, TerraformAccess(tmp_path, {}))
