"""site.toml: what is read of it, and what is refused by name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.command import site_file
from failover.hosts import specs
from failover.model import stack_output
from failover.model.outcome import Usage
from failover.model.site import Client, ClientMount, CommandAccess
from hooks.contract import parse
from hooks.contract.fields import SpecError
from tests.paths import ROOT

FILE = Path("/somewhere/site.toml")
MOUNT = {"path": "/mnt/a", "mount": "/mnt/nfs/a"}
CLIENT = {"name": "nfs-cli", "mounts": [MOUNT]}


def test_an_empty_file_is_the_defaults():
    found = site_file.parse({}, FILE)
    assert found.terraform.directory == Path("/somewhere/terraform")
    assert found.ssh.user is None
    assert found.ssh.known_hosts is None
    assert found.clients == ()
    assert found.cloud.endpoint == ""


def test_a_client_is_reached_by_its_name_unless_it_has_an_address():
    found = site_file.parse({"clients": [CLIENT, {**CLIENT, "name": "b", "address": "10.0.0.9"}]}, FILE)
    assert [c.address for c in found.clients] == ["nfs-cli", "10.0.0.9"]


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({"clints": []}, "clints"),
        ({"clients": [{**CLIENT, "name": "nfs cli"}]}, "clients[0].name"),
        ({"clients": [{**CLIENT, "name": "$(reboot)"}]}, "clients[0].name"),
        ({"clients": [{**CLIENT, "mounts": []}]}, "no mounts"),
        (
            {"clients": [{**CLIENT, "mounts": [{"path": "/mnt/a\nb", "mount": "/m"}]}]},
            "clients[0].mounts[0].path",
        ),
        (
            {"clients": [{**CLIENT, "mounts": [{"path": "/mnt/a", "mount": "/mnt/../etc"}]}]},
            "clients[0].mounts[0].mount",
        ),
        ({"clients": [{**CLIENT, "mounts": [{"path": "/mnt/a", "mount": "m"}]}]}, "absolute path"),
        (
            {"clients": [{**CLIENT, "mounts": [{"pth": "/mnt/a", "mount": "/m"}]}]},
            "clients[0].mounts[0].path: not there, expected it beside 'pth', 'mount'",
        ),
        ({"clients": [{}]}, "clients[0].name: not there, expected it beside nothing"),
        ({"oci": {"endpoint": "http://localhost 80"}}, "oci.endpoint"),
        ({"ssh": {"user": "opc -oProxyCommand=x"}}, "ssh.user"),
        ({"deadlines": {"boot": 0}}, "deadlines.boot"),
        ({"deadlines": {"boots": 1}}, "boots"),
        ({"oci": []}, "[oci]"),
        ({"deadlines": {"client": 0.5}}, "deadlines.client"),
        ({"deadlines": {"client": float("inf")}}, "deadlines.client"),
        ({"deadlines": {"client": float("nan")}}, "deadlines.client"),
        ({"deadlines": {"client": 10**400}}, "deadlines.client"),
        ({"deadlines": {"client": True}}, "deadlines.client"),
        ({"ssh": {"user": ""}}, "ssh.user"),
        ({"ssh": {"usr": "opc"}}, "[ssh] has an unknown key 'usr'"),
        ({"ssh": {"identity_file": "~nobody-of-that-name/key"}}, "ssh.identity_file"),
        ({"ssh": {"known_hosts": 1}}, "ssh.known_hosts"),
        ({"runs": {"dir": "x"}}, "[runs] has an unknown key 'dir'"),
        ({"oci": {"profil": "x"}}, "[oci] has an unknown key 'profil'"),
        ({"oci": {"profile": 1}}, "oci.profile"),
        ({"oci": {"endpoint": "ftp://x"}}, "oci.endpoint"),
        ({"terraform": {"environment": "x"}}, "[terraform.environment]"),
        ({"terraform": {"environment": {"TF_VAR_x": True}}}, "terraform.environment.TF_VAR_x"),
        ({"terraform": {"stack": "x"}}, "[terraform] has an unknown key 'stack'"),
        ({"terraform": {"stack_id": 1}}, "terraform.stack_id"),
        ({"clients": {"name": "a"}}, "clients: found"),
        ({"clients": "nfs-cli"}, "clients: found 'nfs-cli'"),
        ({"clients": ["nfs-cli"]}, "clients[0]"),
        ({"clients": [CLIENT, {**CLIENT, "user": "x"}]}, "clients[1]"),
        ({"clients": [{**CLIENT, "mounts": "/mnt/a"}]}, "clients[0].mounts"),
        ({"clients": [{**CLIENT, "mounts": ["/mnt/a"]}]}, "clients[0].mounts[0]"),
        (
            {"clients": [{**CLIENT, "mounts": [MOUNT, {**MOUNT, "mount": "/etc/x"}]}]},
            "clients[0].mounts[1].mount",
        ),
        ({"clients": [{**CLIENT, "mounts": [{**MOUNT, "mount": "//"}]}]}, "clients[0].mounts[0].mount"),
        (
            {"clients": [{**CLIENT, "mounts": [{**MOUNT, "mount": "/./proc/x"}]}]},
            "clients[0].mounts[0].mount",
        ),
        ({"clients": [{**CLIENT, "mounts": [{"mount": "/mnt/x"}]}]}, "clients[0].mounts[0].path"),
        ({"clients": [{**CLIENT, "mounts": [MOUNT, {**MOUNT, "mount": "/mnt/nfs//a/"}]}]}, "twice"),
        (
            {"clients": [{**CLIENT, "mounts": [{**MOUNT, "type": "nfs"}]}]},
            "[clients[0].mounts[0]] has an unknown",
        ),
        ({"clients": [{**CLIENT, "address": "10.0.0.256"}]}, "clients[0].address"),
        ({"clients": [{**CLIENT, "address": "-oProxyCommand=x"}]}, "clients[0].address"),
        ({"clients": [CLIENT, CLIENT]}, "clients[1].name: found 'nfs-cli', as clients[0] has"),
        (
            {"clients": [{**CLIENT, "address": "fd00::1"}, {**CLIENT, "name": "b", "address": "FD00:0::1"}]},
            "[1].address",
        ),
        ({"clients": [CLIENT, {**CLIENT, "name": "b", "address": "NFS-CLI"}]}, "clients[1].address"),
    ],
)
def test_what_could_do_harm_is_refused_by_name(document, names):
    with pytest.raises(Usage) as refused:
        site_file.parse(document, FILE)
    assert names in refused.value.reason
    assert refused.value.remedy


def test_no_site_points_to_adopt_the_drill_and_the_example(tmp_path):
    with pytest.raises(Usage, match="no site is configured") as refused:
        site_file.load(str(tmp_path / "site.toml"))
    assert "inv adopt --instance" in refused.value.remedy
    assert "inv drill" in refused.value.remedy
    assert "site.example.toml" in refused.value.remedy


def test_the_example_is_a_site():
    example = ROOT / "docs" / "site.example.toml"
    assert site_file.load(str(example)).clients


@pytest.mark.parametrize(
    "mount", ["/usr/sap/EN2", "/var/lib/x", "/run/media/a", "/home", "/etcetera", "/a b/(c)"]
)
def test_a_client_mounts_wherever_it_can(mount):
    found = site_file.parse(
        {"clients": [{**CLIENT, "mounts": [{"path": "/mnt/a/", "mount": mount + "/"}]}]}, FILE
    )
    assert found.clients[0].mounts == (ClientMount("/mnt/a", mount),)


@pytest.mark.parametrize("key", ["identity_file", "config_file", "known_hosts"])
def test_a_file_that_is_named_has_to_be_there(key, tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(f'[ssh]\n{key} = "nope"\n')
    with pytest.raises(Usage, match=rf"\[ssh\] {key} {tmp_path}/nope does not exist") as refused:
        site_file.load(str(file))
    assert f"correct [ssh] {key}" in refused.value.remedy
    (tmp_path / "nope").mkdir()
    with pytest.raises(Usage, match="is not readable"):
        site_file.load(str(file))
    (tmp_path / "nope").rmdir()
    (tmp_path / "nope").touch()
    assert getattr(site_file.load(str(file)).ssh, key) == tmp_path / "nope"


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a = ", b"[[clients]]\n[clients]", b"a = " + b"[" * 5000 + b"]" * 5000]
)
def test_a_file_that_is_no_toml_is_usage(content, tmp_path):
    (tmp_path / "site.toml").write_bytes(content)
    with pytest.raises(Usage, match="not valid TOML"):
        site_file.load(str(tmp_path / "site.toml"))
    with pytest.raises(Usage, match="not readable"):
        site_file.load(str(tmp_path))


def test_a_message_shows_the_beginning_of_a_long_value():
    with pytest.raises(Usage, match=r"^ssh.user: found 'x{199}, expected a user name") as raised:
        site_file.parse({"ssh": {"user": "x" * 100_000}}, FILE)
    assert len(raised.value.reason) < 300


def test_a_byte_order_mark_of_an_editor_is_no_fault(tmp_path):
    (tmp_path / "site.toml").write_bytes(b'\xef\xbb\xbf[ssh]\r\nuser = "opc"\r\n')
    assert site_file.load(str(tmp_path / "site.toml")).ssh.user == "opc"


PATHS = st.text(st.characters(codec="utf-8"), max_size=12).map("/{}".format) | st.sampled_from(
    [
        "/mnt/a",
        "/usr/sap/EN2",
        "/etc",
        "/dev/x",
        "/a/../b",
        "/a b",
        "//x/",
        "/-",
        "/.x",
        "/a\\b",
        "/" + "x" * 4095,
    ]
)
HOSTS = st.sampled_from(["a", "b", "nfs-cli.example.com", "10.0.0.9", "fd00::1", "A", "10.0.0.256", "x_y"])
VALUES = PATHS | HOSTS | st.integers(-1, 90000) | st.booleans() | st.floats() | st.none()
DOCUMENTS = st.fixed_dictionaries(
    {
        "clients": st.lists(
            st.fixed_dictionaries(
                {
                    "name": HOSTS,
                    "mounts": st.lists(st.fixed_dictionaries({"path": PATHS, "mount": PATHS}), max_size=3)
                    | VALUES,
                },
                optional={"address": HOSTS | VALUES},
            ),
            max_size=3,
        )
        | VALUES
    },
    optional={
        "deadlines": st.dictionaries(st.sampled_from(["client", "hooks", "x"]), VALUES, max_size=2) | VALUES
    },
)
STACK = stack_output.Stack(
    active="nfs-srv-1",
    compartment_id="c",
    servers={
        n: stack_output.Server(n, n, False, True, n, a) for n, a in (("nfs-srv-1", "10.0.0.11"), ("s2", None))
    },
    volumes={},
    spec={"exports": [{"path": "/mnt/a", "fsid": 0}]},
    service_ip="10.0.0.100",
    dns_name="nfs.hpc.example",
)


@settings(max_examples=400)
@given(DOCUMENTS)
def test_what_the_site_accepts_the_hooks_accept(document):
    try:
        found = site_file.parse(document, FILE)
    except Usage:
        return
    for client in found.clients:
        spec = specs.client_spec(client, STACK, "s2", "remount", found.deadlines.client)
        parsed = parse.parse(json.dumps(spec))
        assert [tuple(m) for m in parsed.mounts] == [(m.path, m.mount) for m in client.mounts]


@given(PATHS)
def test_the_hooks_refuse_no_other_mount_point_than_the_site(path):
    def refused(by, error):
        try:
            by()
        except error:
            return True
        return False

    mounts = [{"path": "/mnt/a", "mount": path}]
    fake = Client("a", "a", (ClientMount("/mnt/a", path),))
    spec = json.dumps(specs.client_spec(fake, STACK, "s2", "remount", 60))
    here = refused(lambda: site_file.parse({"clients": [{"name": "a", "mounts": mounts}]}, FILE), Usage)
    assert here == refused(lambda: parse.parse(spec), SpecError)


def test_a_client_is_reached_as_it_says_else_as_the_site_says(tmp_path: Path) -> None:
    mounts = 'mounts = [{ path = "/mnt/a", mount = "/mnt/nfs/a" }]\n'
    ocid = "ocid1.instance.oc1.eu-frankfurt-1.abc"
    (tmp_path / "site.toml").write_text(
        'transport = "run-command"\n'
        f'[[clients]]\nname = "gpu-001"\ninstance_id = "{ocid}"\n{mounts}'
        f'[[clients]]\nname = "login"\ntransport = "ssh"\n{mounts}'
        '[run_command]\nhooks_url = "https://objects.example/hooks.pyz"\n'
    )
    site = site_file.load(str(tmp_path / "site.toml"))
    assert [(one.transport, one.instance_id) for one in site.clients] == [("run-command", ocid), ("ssh", "")]
    assert site.run_command == CommandAccess("", "https://objects.example/hooks.pyz", 120.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('transport = "agent"', "transport: found 'agent', expected ssh or run-command"),
        ("transport = true", "transport: found True"),
        ('[[clients]]\nname = "a"\ntransport = "SSH"\nmounts = []', r"transport: found 'SSH'"),
        ('[[clients]]\nname = "a"\ninstance_id = "gpu-001"\nmounts = []', "begins with ocid1.instance"),
        ('[run_command]\ncompartment = "ocid1.instance.oc1..a"', "begins with ocid1.compartment"),
        ('[run_command]\nhooks_url = "http://objects.example/secret-token"', "begins with https://"),
        ('[run_command]\nhooks_url = "https://objects.example/a b"', "begins with https://"),
        ("[run_command]\ndelivery_seconds = 0", "a number of seconds from 1 to 86400"),
        ("[run_command]\ndelivery = 3", "delivery"),
    ],
)
def test_a_way_to_clients_that_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "site.toml").write_text(text)
    with pytest.raises(Usage, match=re.escape(words)) as raised:
        site_file.load(str(tmp_path / "site.toml"))
    assert "secret-token" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("~nosuchuser/site.toml", "~nosuchuser/site.toml: not readable: Could not determine home directory"),
        ("a" * 300, "not readable: File name too long"),
        ("a\0b", "not readable: embedded null byte"),
        ("/proc", "/proc: not readable: Is a directory"),
        ("/etc/passwd/site.toml", "no site is configured: /etc/passwd/site.toml does not exist"),
    ],
)
def test_a_site_file_that_cannot_be_opened_is_named(name: str, reason: str) -> None:
    with pytest.raises(Usage) as caught:
        site_file.load(name)
    assert reason in caught.value.reason


def test_a_site_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b'\xef\xbb\xbf[ssh]\r\nuser = "opc"\r\n')
    assert site_file.load(str(tmp_path / "site.toml")).ssh.user == "opc"
