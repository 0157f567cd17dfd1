"""Lists of hosts as others keep them, and which clients of the site they mean."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from failover.clients import lists, sources
from failover.clients.choose import choose, refuse_none, refuse_strangers
from failover.clients.lists import Named
from failover.clients.sources import ClientSource
from failover.model.outcome import Usage
from failover.model.site import Client, ClientMount

MOUNTS = (ClientMount("/mnt/a", "/mnt/nfs/a"),)
SITE = tuple(Client(f"gpu-{n:03}", f"10.0.1.{n}", MOUNTS) for n in range(1, 101))
INI = """\
; what a site has
login1 ansible_host=10.0.0.5 ansible_user="opc"

[gpu]
gpu-[001:003] ansible_host_is_not=set
gpu-004.cluster.example ansible_host='10.0.1.4'

[storage]
nfs-[a:b]

[all_of_it:children]
gpu
storage

[gpu:vars]
ansible_user=opc
"""
YAML = """\
---
all:
  hosts:
    login1: {ansible_host: 10.0.0.5}
  children:
    gpu:
      hosts:
        gpu-[001:003]:
        gpu-004: {ansible_host: 10.0.1.4}
    everything:
      children:
        gpu:
"""


def names(found: list[Named]) -> list[str]:
    return [one.name for one in found]


def test_a_file_has_hosts_and_nodesets_a_line_each() -> None:
    found = lists.of_text("# ours\ngpu-[001-003]\n10.0.1.9  # by address\n\nfd00::1\n", "list")
    assert names(found) == ["gpu-001", "gpu-002", "gpu-003", "10.0.1.9", "fd00::1"]
    assert found[3].where == "list line 3"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a b\n", "list line 1: found 'a b', expected one host or nodeset"),
        ("ok\ngpu-[1-\n", "list line 2"),
        ("gpu-[1-3\n", "list line 1"),
        ("a;reboot\n", "list line 1"),
        ("$(reboot)\n", "list line 1"),
        ("gpu-[000001-900000]\n", "found the range 000001-900000, expected at most 100000 names"),
        ("gpu-[1-99999999999]\n", "found the range 1-99999999999, expected at most 100000 names"),
        ("gpu-[1-999]-[1-999]-[1-999]\n", "found 997002999 names in gpu-[1-999]-[1-999]-[1-999]"),
        ("gpu-[1-60000]\nlogin-[1-60000]\n", "list: more than 100000 hosts"),
        ("gpu-1:22\n", "list line 1: found 'gpu-1:22', expected a host"),
        ("-v\n", "list line 1: found '-v', expected a host"),
        ("-oProxyCommand=reboot\n", "list line 1: found '-oProxyCommand=reboot', expected a host"),
    ],
)
def test_a_line_that_is_no_host_is_named(text: str, what: str) -> None:
    with pytest.raises(Usage) as caught:
        lists.of_text(text, "list")
    assert what in caught.value.reason
    assert caught.value.remedy


def test_a_node_list_of_the_command_line_may_have_blanks_and_loses_no_node() -> None:
    wanted = ["gpu-001", "gpu-002", "login1"]
    assert names(sources.local(ClientSource(nodes="gpu-[001-002] login1")) or []) == wanted
    assert names(sources.local(ClientSource(slurm="gpu-[001-002]  login1")) or []) == wanted


def test_a_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    file = tmp_path / "hosts.txt"
    file.write_bytes("\ufeffgpu-001\r\ngpu-002\r\n".encode())
    assert names(sources.local(ClientSource(file=str(file))) or []) == ["gpu-001", "gpu-002"]
    with pytest.raises(Usage, match="--file ~nobody-here/x: not readable"):
        sources.local(ClientSource(file="~nobody-here/x"))


def test_sinfo_is_asked_for_names_alone_whatever_its_own_format_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sinfo = tmp_path / "sinfo"
    sinfo.write_text('#!/bin/sh\n[ "$*" = "-N -h -o %N" ] && echo gpu-001 || echo "compute gpu-001"\n')
    sinfo.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert names(sources.local(ClientSource(slurm="sinfo")) or []) == ["gpu-001"]


def test_slurm_s_output_counts_a_node_of_several_partitions_once() -> None:
    text = "gpu-001 1 compute* idle\ngpu-002 1 compute* down~\ngpu-001 1 debug idle\n"
    assert names(lists.of_slurm(text, "--slurm")) == ["gpu-001", "gpu-002"]
    assert names(lists.of_slurm("gpu-[001-002,010],login1", "--slurm")) == [
        "gpu-001",
        "gpu-002",
        "gpu-010",
        "login1",
    ]
    with pytest.raises(Usage, match="no node in it"):
        lists.of_slurm("\n", "--slurm")


def test_an_ini_inventory_with_ranges_groups_and_addresses() -> None:
    found = {one.name: one.address for one in lists.of_inventory(INI, "hosts.ini")}
    assert found["login1"] == "10.0.0.5"
    assert found["gpu-004.cluster.example"] == "10.0.1.4"
    assert list(found) == [
        "login1",
        "gpu-001",
        "gpu-002",
        "gpu-003",
        "gpu-004.cluster.example",
        "nfs-a",
        "nfs-b",
    ]
    assert names(lists.of_inventory(INI, "hosts.ini", "storage")) == ["nfs-a", "nfs-b"]
    assert len(lists.of_inventory(INI, "hosts.ini", "all_of_it")) == 6


def test_a_yaml_inventory_with_groups_of_groups() -> None:
    found = lists.of_inventory(YAML, "hosts.yml")
    assert names(found) == ["login1", "gpu-001", "gpu-002", "gpu-003", "gpu-004"]
    assert len(lists.of_inventory(YAML, "hosts.yml", "everything")) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu-1\tansible_host=10.0.1.1\tansible_user=opc\n", {"gpu-1": "10.0.1.1"}),
        ("gpu-1:2222 ansible_host=10.0.1.1\n", {"gpu-1": "10.0.1.1"}),
        ("gpu-[1:2].x:2222\n", {"gpu-1.x": "", "gpu-2.x": ""}),
        ("gpu-1 # was ansible_host=10.0.9.9\n", {"gpu-1": ""}),
        ("gpu-1 a='-o X=\"ansible_host=10.0.9.9\"' ansible_host=10.0.1.1\n", {"gpu-1": "10.0.1.1"}),
    ],
)
def test_a_line_of_an_ini_inventory_is_read_as_ansible_reads_it(text: str, expected: dict[str, str]) -> None:
    assert {one.name: one.address for one in lists.of_inventory(text, "hosts")} == expected


@pytest.mark.parametrize(
    "head",
    [
        "all:",
        '"all":',
        "all :",
        "all: # every one",
        "%YAML 1.1\n---\nall:",
        "---  # ours\nall:",
        "# c\n\nall.x:",
    ],
)
def test_a_yaml_inventory_is_known_by_its_first_line(head: str) -> None:
    text = f"{head}\n  hosts:\n    gpu-1: {{ansible_ssh_host: 10.0.1.1}}\n"
    assert [(one.name, one.address) for one in lists.of_inventory(text, "hosts")] == [("gpu-1", "10.0.1.1")]


def test_a_yaml_inventory_with_a_vault_without_addresses_and_in_one_line() -> None:
    text = """\
all:
  vars: {password: !unsafe "{{ x }}"}
  hosts:
    gpu-1: {ansible_host: }
    gpu-2: {ansible_host: !vault "$ANSIBLE_VAULT;1.1;AES256"}
  children:
    late: {hosts: {gpu-1: {ansible_host: 10.0.1.1}}}
"""
    addresses = {one.name: one.address for one in lists.of_inventory(text, "hosts")}
    assert addresses == {"gpu-1": "10.0.1.1", "gpu-2": ""}
    assert names(lists.of_inventory("all: {hosts: {gpu-1: }}", "hosts")) == ["gpu-1"]


@pytest.mark.parametrize(
    ("text", "group", "what"),
    [
        (
            "gpu-1 gpu-2\n",
            "",
            "line 1: found 'gpu-2' behind gpu-1, expected one host and its key=value pairs",
        ),
        ("gpu-1 a='x\n", "", "line 1: No closing quotation"),
        ("gpu-[\u00b2:3]\n", "", "line 1: found 'gpu-[\u00b2:3]', expected a host"),
        ("[a:children]\nb\n", "", "group a has the child b, which is no group of it"),
        ("all: &a\n  children: {b: *a}\n", "", "a group of it has itself as a child"),
        ('{"all": {"hosts": ["gpu-1"]}}', "", "found a list or a text, expected tables"),
        (INI, "gpus", "no group gpus"),
        ("[gpu\na\n", "", "line 1: found '[gpu', expected [group]"),
        ("[gpu]\ngpu-[5:1]\n", "", "the range [5:1]"),
        ("---\nall: [a, b\n", "", "not valid YAML"),
        ("---\nall:\n  hosts: [a, b]\n", "", "not an Ansible inventory"),
        ("---\n- a\n", "", "expected an Ansible inventory"),
    ],
)
def test_an_inventory_that_is_wrong_is_named(text: str, group: str, what: str) -> None:
    with pytest.raises(Usage) as caught:
        lists.of_inventory(text, "hosts", group)
    assert what in caught.value.reason


def test_a_client_is_meant_by_name_full_name_or_address() -> None:
    given = [
        Named("GPU-001", "", "l"),
        Named("gpu-002.cluster.example", "", "l"),
        Named("x", "10.0.1.3", "l"),
    ]
    chosen = choose(SITE, [*given, Named("10.0.1.4", "", "l")])
    assert [c.name for c in chosen.clients] == ["gpu-001", "gpu-002", "gpu-003", "gpu-004"]
    assert not chosen.strangers
    assert len(chosen.left) == 96


def test_ten_thousand_lines_with_doubles_and_strangers_are_told_in_a_line_each() -> None:
    text = "".join(f"gpu-{n % 120:03}\n" for n in range(10_000))
    start = time.process_time()
    chosen = choose(SITE, lists.of_text(text, "list"))
    assert time.process_time() - start < 5
    assert len(chosen.clients) == 100
    assert chosen.notes[0].startswith("named twice, and taken once: gpu-[001-100]")
    with pytest.raises(Usage) as caught:
        refuse_strangers(chosen)
    assert "20 hosts are no clients of this site: gpu-[000,101-119]" in caught.value.reason
    assert "adopt" in caught.value.remedy


def test_a_list_without_a_client_is_refused() -> None:
    with pytest.raises(Usage, match="no client was chosen"):
        refuse_none(choose((), []))


@pytest.mark.parametrize(
    "source",
    [
        ClientSource(nodes="a", file="b"),
        ClientSource(group="gpu"),
        ClientSource(compartment="ocid1"),
        ClientSource(tag="role"),
        ClientSource(from_server=True, tag="a=b"),
    ],
)
def test_sources_that_do_not_go_together_are_refused(source: ClientSource) -> None:
    with pytest.raises(Usage):
        sources.check(source)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(Usage, match="--file /no/such: not readable"):
        sources.local(ClientSource(file="/no/such"))
