"""What comes back from hosts, Terraform and the console, as values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.cloud.compute import console_host_keys
from failover.hosts.host_keys import PinnedKeys
from failover.model import stack_output
from failover.model.host import hook_report
from failover.model.outcome import Failed, Unknown, Usage
from failover.model.resource_change import Change, changes_of
from hooks.contract.result import CLIENTS, PRESENT, WAYS_BY_CLIENT, HookResult, Layer

GOOD = HookResult(
    "check", "server", "nfs-srv-1", True, False, 0.1, "", (Layer("iscsi", "absent", False, 0.0, "none", {}),)
)


def test_an_answer_is_the_last_line_of_stdout():
    found = hook_report.parse("nfs-srv-1", "check", 0, "a warning\n" + GOOD.to_json() + "\n", "")
    assert found.released
    assert not found.present


def test_bytes_of_a_host_that_are_no_text_are_spelled_out() -> None:
    layer = Layer(
        "nfs", "broken", False, 0.0, "/srv/\udce9", {"warnings": ["/srv/\udce9 データ 😀"], "\udcff": 1}
    )
    found = hook_report.parse("nfs-srv-1", "survey", 0, GOOD._replace(layers=(layer,)).to_json(), "")
    assert found.complaint == "nfs broken: /srv/\\udce9"
    assert found.warnings == ("/srv/\\udce9 データ 😀",)
    assert found.layers[0].facts["\\udcff"] == 1


@given(st.text())
def test_anything_else_is_unknown_and_names_the_host(text):
    with pytest.raises(Unknown, match="nfs-srv-9"):
        hook_report.parse("nfs-srv-9", "check", 1, text, "")


def test_a_refused_spec_is_a_failure_with_its_reason():
    bad = GOOD._replace(ok=False, message="spec.exports.path: found '/'", layers=())
    with pytest.raises(Failed, match=r"spec\.exports\.path"):
        hook_report.parse("nfs-srv-1", "apply", 2, bad.to_json(), "")


def test_an_inventory_names_the_clients_that_the_server_sees() -> None:
    layers = [
        Layer("nfs", PRESENT, False, 0.0, "", {WAYS_BY_CLIENT: {"10.0.0.20": ["v4"]}}),
        Layer(CLIENTS, PRESENT, False, 0.0, "", {WAYS_BY_CLIENT: {"10.0.0.21": ["socket", "v4"]}}),
    ]
    inventory = hook_report.HookReport("nfs-srv-1", GOOD._replace(layers=tuple(layers)))
    assert inventory.observed_clients == {"10.0.0.21": ["socket", "v4"]}
    assert hook_report.HookReport("nfs-srv-1", GOOD).observed_clients == {}


def test_no_layers_is_neither_present_nor_released():
    found = hook_report.HookReport("h", GOOD._replace(layers=()))
    assert not found.present
    assert not found.released


def test_a_plan_is_what_it_changes():
    shown = {
        "resource_changes": [
            {"address": "a", "change": {"actions": ["delete", "create"]}},
            {"address": "b", "change": {"actions": ["no-op"]}},
            {"address": "c", "change": {"actions": ["read"]}},
        ]
    }
    assert changes_of(shown) == (Change("a", ("delete", "create")),)


def test_the_console_gives_the_keys_of_the_last_boot():
    block = "-----BEGIN SSH HOST KEY KEYS-----\r\n{}-----END SSH HOST KEY KEYS-----\r\n"
    text = (
        "boot\r\n" + block.format("ssh-ed25519 OLD root@a\r\n") + block.format("ssh-ed25519 NEW root@b\r\n")
    )
    assert console_host_keys(text) == ("ssh-ed25519 NEW",)
    assert console_host_keys(text[:90]) == ()


def test_a_reused_address_forgets_the_key_of_the_instance_before(tmp_path):
    keys = PinnedKeys(tmp_path / "known_hosts")
    keys.pin("10.0.0.12", "ocid-old", ("ssh-ed25519 OLD",))
    keys.pin("10.0.0.13", "ocid-other", ("ssh-ed25519 OTHER",))
    keys.pin("10.0.0.12", "ocid-new", ("ssh-ed25519 NEW",))
    assert keys.of("10.0.0.12") == ("ssh-ed25519 NEW",)
    assert keys.of("10.0.0.12", "ocid-old") == ()
    assert keys.of("10.0.0.13", "ocid-other") == ("ssh-ed25519 OTHER",)


def test_an_output_of_another_version_is_named():
    with pytest.raises(Usage, match="compartment_id"):
        stack_output.parse(json.loads('{"active": "nfs-srv-1"}'))


ALIVE = {"port_2049": "", "answers": True}


def test_refusals_warnings_and_the_witness_are_read_of_every_layer():
    facts = [
        {"refusals": ["a"], "warnings": ["b", "c"], "servers": {"nfs-srv-1": ALIVE}},
        {"refusals": ["d"]},
        {"refusals": None, "servers": "odd"},
    ]
    layers = tuple(Layer("x", "broken", False, 0.0, "", one) for one in facts)
    found = hook_report.HookReport("h", GOOD._replace(layers=layers))
    assert found.refusals == ("a", "d")
    assert found.warnings == ("b", "c")
    assert found.servers == {"nfs-srv-1": ALIVE}
    assert hook_report.HookReport("h", GOOD).servers == {}


OUTPUT = {"active": "a", "compartment_id": "c", "servers": {}, "volumes": {}, "spec": {"volumes": []}}


def test_the_service_s_address_and_name_are_of_the_output_where_it_has_them():
    old = stack_output.parse(OUTPUT)
    new = stack_output.parse({**OUTPUT, "service_ip": "10.0.0.100", "dns_name": "nfs.x"})
    assert (old.service_ip, old.dns_name) == (None, None)
    assert (new.service_ip, new.dns_name) == ("10.0.0.100", "nfs.x")
