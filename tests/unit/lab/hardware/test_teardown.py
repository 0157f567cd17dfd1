"""What take_down kills and what it must leave alone."""

import importlib.util
from pathlib import Path

import pytest

from lab.hardware.teardown import is_of_lab
from lab.system.paths import RunDirectory, lab_id, short_name
from lab.system.processes import pid_of
from lab.system.programs import MODULES

RUN = Path("/srv/nfs/.lab/default")
OURS = {
    "QEMU": ["qemu-system-x86_64", "-name", "a", "-drive", f"file={RUN}/guests/1/disk.qcow2,if=none"],
    "QEMU about to be": ["ip", "netns", "exec", "nfsfo-1", "qemu-system-x86_64", "-pidfile", f"{RUN}/pid"],
    "tgtd": ["/usr/sbin/tgtd", "-f", "--pid-file", f"{RUN}/tgtd/pid"],
    "dnsmasq": ["dnsmasq", f"--conf-file={RUN}/dns/dnsmasq.conf"],
    "the API": ["/srv/nfs/.venv/bin/python", "-m", "lab.api", "--run", str(RUN)],
    "a job": [
        "python",
        "-m",
        "lab.api.resource_manager.job_process",
        "--run",
        str(RUN),
        "--job",
        f"{RUN}/jobs/1",
    ],
    "the provider": ["python", "-m", "lab.provider", "--run", str(RUN)],
}
OTHERS = {
    "another lab": ["tgtd", "-f", "--pid-file", f"{RUN}-2/tgtd/pid"],
    "a lab below another root": ["tgtd", "-f", "--pid-file", f"/mnt{RUN}/tgtd/pid"],
    "an editor": ["vim", f"{RUN}/cloud.db"],
    "a pager": ["tail", "-f", f"{RUN}/guests/1/console.log"],
    "the operator's own command": ["python", "-m", "lab.hardware.teardown", "--run", str(RUN)],
    "tests": ["python", "-m", "pytest", str(RUN)],
    "a module named elsewhere": ["python", "-m", "pdb", "lab.api", str(RUN)],
    "somebody's tgtd": ["tgtd"],
    "the kernel's": [],
}


@pytest.mark.parametrize("name", OURS)
def test_the_labs_programs_are_known_by_their_command_line(name):
    assert is_of_lab(OURS[name], RUN)


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_left_alone(name):
    assert not is_of_lab(OTHERS[name], RUN)


def test_a_lab_has_one_name_however_its_directory_is_spelled(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "lab")
    spellings = [tmp_path / "lab", tmp_path / "x/../lab", tmp_path / "link", Path(f"{tmp_path}//lab/")]
    assert len({lab_id(path) for path in spellings}) == 1
    assert lab_id(tmp_path / "lab") != lab_id(tmp_path / "lab2")
    assert len(lab_id(tmp_path)) == len("nfsfo-") + 8


def test_short_names_fit_interfaces_and_sockets():
    name = short_name("ocid1.instance.oc1.eu-frankfurt-1." + "a" * 60)
    assert len("tap" + name) <= 15
    assert RunDirectory(RUN).guest("ocid1.instance.a") == RUN / "guests" / short_name("ocid1.instance.a")


@pytest.mark.parametrize("text", ["", "no number", "999999999"])
def test_a_pid_file_alone_proves_nothing(tmp_path, text):
    (tmp_path / "pid").write_text(text)
    assert pid_of(tmp_path / "pid", "x") is None
    assert pid_of(tmp_path / "absent", "x") is None


def test_a_pid_that_was_given_to_a_stranger_is_not_ours(tmp_path):
    (tmp_path / "pid").write_text("1")
    assert pid_of(tmp_path / "pid", str(tmp_path)) is None


@pytest.mark.parametrize("module", MODULES)
def test_every_program_that_is_looked_for_can_be_started(module):
    spec = importlib.util.find_spec(module)
    assert spec is not None
    if spec.submodule_search_locations is not None:
        assert importlib.util.find_spec(f"{module}.__main__") is not None
