"""`invoke adopt` on a server that somebody built: the real SDK, API and Terraform, and a host by its word."""

from __future__ import annotations

import subprocess
import time
import tomllib
from pathlib import Path

import pytest

from failover.tfvars import hcl_reader
from lab.provider.process import ProviderProcess
from tests.terraform.sites.adopted_site import KEY, UUID, AdoptedSite, built
from tests.terraform.sites.lab_cloud import LabCloud

pytestmark = pytest.mark.own_rule

MOST_SECONDS = 30.0


@pytest.fixture
def site(cloud: LabCloud, provider: ProviderProcess, tmp_path: Path) -> AdoptedSite:
    return built(tmp_path, cloud, provider)


def test_one_ocid_becomes_a_site(site: AdoptedSite, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.adopt() == 0, capsys.readouterr()
    told = capsys.readouterr().out
    values = hcl_reader.read((site.stack / "site.auto.tfvars").read_text())
    assert values["ssh_authorized_keys"] == KEY
    # its label in DNS is written where it is not its name: other tests' servers may have taken that
    server = values["servers"]["nfs-srv-1"]
    assert {**server, "hostname": ""} == {"instance_id": site.instance_id, "hostname": ""}
    assert list(values["servers"]) == ["nfs-srv-1"]
    assert values["volumes"] == {name: {"volume_id": ocid} for name, ocid in site.volumes.items()}
    assert values["storage"]["volume_groups"] == {"vg1": {"volumes": ["bv1", "bv2"]}}
    assert values["storage"]["filesystems"] == {
        "a": {
            "volume_group": "vg1",
            "logical_volume": "lv01",
            "mount": "/mnt/a",
            "type": "xfs",
            "options": "defaults,_netdev,nofail",
            "uuid": UUID,
        }
    }
    assert values["storage"]["exports"] == [
        {"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": "rw,sync"}
    ]
    assert "/srv/own is exported to * from the server's own disk" in told
    assert "plan after the import: empty" in told
    assert not (site.stack / "adopt.imports.tf").exists()
    document = tomllib.loads(site.file.read_text())
    assert site.file.read_text().startswith("# kept by its owner\n")
    assert document["clients"] == [
        {
            "name": "nfs-cli",
            "address": "10.0.0.21",
            "mounts": [{"path": "/mnt/a", "mount": "/mnt/nfs/a"}],
        }
    ]


def test_what_is_written_is_as_terraform_fmt_has_it(site: AdoptedSite) -> None:
    assert site.adopt() == 0
    checked = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", str(site.stack)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_again_there_is_no_drift(site: AdoptedSite, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.adopt() == 0
    before = site.written()
    capsys.readouterr()
    assert site.adopt(instance="", yes=False) == 0  # nobody is there to answer, and nothing is to be asked
    assert "nfs-srv-1: no drift" in capsys.readouterr().out
    assert site.written() == before


def test_a_server_of_32_volumes_is_adopted_in_time(
    cloud: LabCloud, provider: ProviderProcess, tmp_path: Path
) -> None:
    site = built(tmp_path, cloud, provider, volumes=32)
    began = time.monotonic()
    assert site.adopt() == 0
    took = time.monotonic() - began
    print(f"adopt of 32 volumes: {took:.1f} s")
    assert took < MOST_SECONDS


ODD = [
    ({"attachmentType": "paravirtualized"}, "found a paravirtualized attachment, expected iSCSI"),
    ({"isMultipath": True}, "found a multipath attachment"),
    ({"chapUsername": "somebody"}, "found an attachment with CHAP"),
    ({"isReadOnly": True}, "found a read-only attachment"),
    ({"isShareable": True}, "found a shareable attachment"),
]


@pytest.mark.parametrize(("fields", "words"), ODD)
def test_an_odd_attachment_is_refused_and_nothing_is_written(
    site: AdoptedSite, fields: dict[str, object], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    volume, before = site.more(**fields), site.written()
    assert site.adopt() == 3
    assert f"volume odd ({volume}): {words}" in capsys.readouterr().err
    assert site.written() == before


def test_a_volume_that_two_servers_have_is_refused(
    site: AdoptedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    other = site.cloud.launch("nfs-other")
    volume = site.more(isShareable=True)
    site.cloud.attached_as(volume, other, isShareable=True)
    assert site.adopt() == 3
    assert f"found it attached to {other} as well, expected one server" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"instance": "ocid1.volume.oc1.x.y"}, 2, "found the OCID of a volume, expected one of instance"),
        ({"instance": "nfs-srv-1"}, 2, "found no OCID, expected one of instance"),
        (
            {"instance": "ocid1.instance.oc1.x.gone"},
            3,
            "is in another region, or gone, or you may not read it",
        ),
        ({"instance": "", "name": "nobody"}, 2, "--name and --compartment go together"),
        ({"instance": ""}, 2, "the stack was never applied here"),
        ({"region": "ap-tokyo-1"}, 2, "the region is ap-tokyo-1; profile DEFAULT"),
        ({"profile": "OTHER"}, 2, "--profile OTHER, and "),
        ({"clients": "/nowhere/hosts"}, 2, "--clients /nowhere/hosts: not readable"),
        ({"successor": "nfs-srv-2"}, 2, "--image is missing"),
        ({"image": "ocid1.instance.oc1.x.y"}, 2, "expected one of image"),
    ],
)
def test_a_slip_is_named_and_nothing_is_written(
    site: AdoptedSite, arguments: dict[str, str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.written()
    assert site.adopt(**arguments) == code
    assert words in capsys.readouterr().err
    assert site.written() == before


def test_a_name_and_a_compartment_do_as_well(
    cloud: LabCloud, site: AdoptedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    place = cloud.facts["compartment_id"]
    assert site.adopt(instance="", name="nobody", compartment=place) == 2
    assert "found no instance of that name" in capsys.readouterr().err
    alone = cloud.launch("nfs-alone")
    assert site.adopt(instance="", name="nfs-alone", compartment=place) == 3
    assert f"nfs-alone ({alone}): found no data volume attached" in capsys.readouterr().err


def test_what_the_api_tells_of_a_server_that_lets_nobody_in(
    site: AdoptedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.host.silent = True
    assert site.adopt() == 5
    assert "was not read, so what lies on its volumes is not known" in capsys.readouterr().err
    values = hcl_reader.read((site.stack / "site.auto.tfvars").read_text())
    assert set(values["volumes"]) == {"bv1", "bv2"}
    assert "storage" not in values
    site.host.silent = False
    assert site.adopt() == 0
    told = site.written()
    site.host.silent = True
    assert site.adopt() == 5
    assert site.written() == told


def test_what_has_drifted_is_shown_and_waits_for_an_answer(
    site: AdoptedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.adopt() == 0
    before = site.written()
    volume = site.cloud.volume("bv3")
    site.cloud.attach(volume, site.instance_id)
    site.host.clients["10.0.0.22"] = "nfs-cli-2"
    capsys.readouterr()
    assert site.adopt(yes=False) == 3
    shown = capsys.readouterr()
    assert f'+  "bv3" = {{ volume_id = "{volume}" }}' in shown.out
    assert '+name = "nfs-cli-2"' in shown.out
    assert "There is no terminal" in shown.err
    assert site.written() == before


def test_clients_of_a_file_are_asked_too(
    site: AdoptedSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.host.clients = {"10.0.0.21": "nfs-cli", "10.0.0.31": "node-31"}
    listed = tmp_path / "hosts"
    listed.write_text("# more\n10.0.0.31\n10.0.0.32  # is off\n")
    assert site.adopt(clients=str(listed)) == 0
    assert "client 10.0.0.32, named in the file of clients: no answer" in capsys.readouterr().out
    names = [client["name"] for client in tomllib.loads(site.file.read_text())["clients"]]
    assert names == ["node-31", "nfs-cli"]


def test_the_replacement_is_live_once_its_image_is_named(
    cloud: LabCloud, site: AdoptedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    image = cloud.facts["base_image_id"]
    assert site.adopt(image=image, successor="nfs-two") == 0
    made = hcl_reader.read((site.stack / "site.auto.tfvars").read_text())["servers"]["nfs-two"]
    assert made["image_id"] == image
    assert made["shape"] == "BM.Optimized3.36"
    assert "failover to nfs-two would" in capsys.readouterr().out
    assert site.adopt(yes=False) == 0


def test_another_file_that_would_overrule_is_named(
    site: AdoptedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.stack / "zone.auto.tfvars").write_text('servers = { "nfs-srv-1" = {} }\n')
    assert site.adopt() == 2
    assert "zone.auto.tfvars sets servers, which adopt writes" in capsys.readouterr().err


def test_a_plan_that_would_change_what_exists_is_not_applied(
    site: AdoptedSite, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.stack / "more.auto.tfvars").write_text('service_ip = "10.0.0.199"\n')
    assert site.adopt() == 3
    assert (
        "the plan would change what exists: oci_core_private_ip.service[0] (create)"
        in capsys.readouterr().err
    )
    assert not (site.stack / "terraform.tfstate").exists()
