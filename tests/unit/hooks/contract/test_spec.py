"""The spec: everything that could reach a shell, an option or a line of a file is refused by name."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.contract.client_spec import ClientSpec, ExportMount
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse, storage
from hooks.contract.spec import ServerSpec
from tests.unit.hooks.scripted_host import fixture

SERVER: dict[str, Any] = json.loads(fixture("server-spec.json"))
CLIENT: dict[str, Any] = {**json.loads(fixture("client-spec.json")), "service": ["10.0.0.100"]}
HOSTILE = [
    "",
    "a b",
    "a;b",
    "a\nb",
    "$(reboot)",
    "`id`",
    "-o",
    "a'b",
    'a"b',
    "a|b",
    "a>b",
    "a\\b",
    "../etc",
    "#",
    "é",
    "a\x00",
]
TEXTS = [
    ("volumes", 0, "name"),
    ("volumes", 0, "volume_id"),
    ("volumes", 0, "iqn"),
    ("volumes", 0, "address"),
    ("volume_groups", 0, "name"),
    ("volume_groups", 0, "volumes", 0),
    ("filesystems", 0, "volume_group"),
    ("filesystems", 0, "logical_volume"),
    ("filesystems", 0, "mount"),
    ("filesystems", 0, "type"),
    ("filesystems", 0, "options"),
    ("filesystems", 0, "uuid"),
    ("exports", 0, "path"),
    ("exports", 0, "clients", 0),
    ("exports", 0, "options"),
]
CLIENT_TEXTS = [("mounts", 0, key) for key in ("path", "mount")] + [
    ("servers", 0, "name"),
    ("servers", 0, "hostname"),
    ("servers", 0, "addresses", 0),
    ("service", 0),
    ("exports", 0),
    ("root",),
    ("server",),
    ("mode",),
]


def changed(spec: dict[str, Any], place: tuple[Any, ...], value: object) -> str:
    spec = copy.deepcopy(spec)
    inner: Any = spec
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return json.dumps(spec)


def test_the_contract_s_server_spec() -> None:
    spec = parse(json.dumps(SERVER))
    assert isinstance(spec, ServerSpec)
    assert spec.volumes[0].link == (
        "/dev/disk/by-path/ip-169.254.2.4:3260-iscsi-"
        "iqn.2015-12.com.oracleiaas:1f513b3e-dab5-4374-a21d-f3c8ebdc44c3-lun-1"
    )
    assert spec.filesystems[0].device == "/dev/vg1/lv01"


def test_the_contract_s_client_spec() -> None:
    spec = parse(json.dumps(CLIENT))
    assert isinstance(spec, ClientSpec)
    assert spec.mode == "remount"
    assert spec.mounts == (ExportMount("/mnt/a", "/mnt/nfs/a"),)
    assert spec.target.addresses == ("10.0.0.12",)


@pytest.mark.parametrize("place", TEXTS, ids=str)
def test_hostile_text_is_refused_by_name(place: tuple[Any, ...]) -> None:
    named = next(step for step in reversed(place) if isinstance(step, str))
    for value in HOSTILE:
        with pytest.raises(SpecError, match=named):
            parse(changed(SERVER, place, value))


@pytest.mark.parametrize("place", CLIENT_TEXTS, ids=str)
def test_hostile_text_is_refused_on_clients_too(place: tuple[Any, ...]) -> None:
    for value in HOSTILE:
        with pytest.raises(SpecError):
            parse(changed(CLIENT, place, value))


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("version",), 2, "spec.version: found 2, expected a whole number from 1 to 1"),
        (("role",), "both", "spec.role"),
        (("surprise",), 1, "spec.surprise: found 1, expected no such field"),
        (("volumes",), None, "spec.volumes: found nothing, expected a list"),
        (("volumes", 0, "port"), True, "spec.volumes[0].port"),
        (("volumes", 0, "port"), 70000, "from 1 to 65535"),
        (("volumes", 0, "iqn"), None, "spec.volumes[0].iqn: found nothing"),
        (("volumes", 0, "address"), "nfs-srv-1", "expected an IP address"),
        (("volumes", 1, "name"), "bv1", "spec.volumes.name: found 'bv1', expected each one once"),
        (("volume_groups", 0, "volumes"), ["bv3"], "found 'bv3', expected one of: bv1, bv2"),
        (("volume_groups", 0, "volumes"), [], "at least one volume"),
        (("filesystems", 0, "volume_group"), "vg2", "found 'vg2', expected one of: vg1"),
        (("filesystems", 0, "mount"), "/etc/ssh", "a path outside the system's own directories"),
        (("exports", 0, "path"), "/srv/b", "a path in one of the spec's filesystems"),
        (("exports", 0, "clients"), [], "at least one client"),
        (("deadline_seconds",), 0, "spec.deadline_seconds"),
    ],
)
def test_errors_name_the_field_and_what_was_expected(
    place: tuple[Any, ...], value: object, says: str
) -> None:
    with pytest.raises(SpecError) as error:
        parse(changed(SERVER, place, value))
    assert says in str(error.value)


@pytest.mark.parametrize("options", ["ro", "noatime,ro,nofail"])
def test_a_server_mounts_nothing_read_only(options: str) -> None:
    with pytest.raises(
        SpecError, match=r"spec\.filesystems\[0\]\.options: found .*, expected no ro: a server"
    ):
        parse(changed(SERVER, ("filesystems", 0, "options"), options))


@pytest.mark.parametrize("client", ["::/0", "::1", "?-node", "gpu_1.lab", "3node", "*.lab", "@hpc"])
def test_clients_are_what_terraform_takes(client: str) -> None:
    spec = parse(changed(SERVER, ("exports", 0, "clients"), [client]))
    assert isinstance(spec, ServerSpec)
    assert spec.exports[0].clients == (client,)


def test_netdev_and_nofail_are_always_there() -> None:
    spec = parse(changed(SERVER, ("filesystems", 0, "options"), "noatime"))
    assert isinstance(spec, ServerSpec)
    assert spec.filesystems[0].options == "noatime,_netdev,nofail"


def test_what_terraform_leaves_null_has_defaults() -> None:
    text = changed(
        SERVER, ("filesystems", 0), {"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a"}
    )
    spec = parse(text)
    assert isinstance(spec, ServerSpec)
    assert (spec.filesystems[0].type, spec.filesystems[0].uuid) == ("xfs", None)


def test_device_mapper_doubles_hyphens() -> None:
    group = dict(SERVER, volume_groups=[{"name": "vg-a", "volumes": ["bv1"]}], exports=[])
    group["filesystems"] = [{"volume_group": "vg-a", "logical_volume": "lv-b", "mount": "/mnt/a"}]
    spec = parse(json.dumps(group))
    assert isinstance(spec, ServerSpec)
    assert "/dev/mapper/vg--a-lv--b" in spec.filesystems[0].aliases


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.text(max_size=40) | _JSON.map(json.dumps))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        parse(text)


@given(st.sampled_from(TEXTS), _JSON)
def test_any_value_in_any_field_parses_or_is_refused(place: tuple[Any, ...], value: object) -> None:
    with suppress(SpecError):  # anything else that it raises fails the test
        parse(changed(SERVER, place, value))


@pytest.mark.parametrize(
    ("given", "found"), [({}, False), ({"shareable": False}, False), ({"shareable": True}, True)]
)
def test_a_shareable_attachment_is_known_as_such(given: dict[str, bool], found: bool) -> None:
    spec = json.loads(fixture("server-spec.json"))
    spec["volumes"] = [{**volume, **given} for volume in spec["volumes"]]
    parsed = parse(json.dumps(spec))
    assert isinstance(parsed, ServerSpec)
    assert {volume.shareable for volume in parsed.volumes} == {found}


@pytest.mark.parametrize("value", ["yes", 1, 0, []])
def test_a_flag_is_true_or_false(value: object) -> None:
    spec = json.loads(fixture("server-spec.json"))
    spec["volumes"][0]["shareable"] = value
    with pytest.raises(SpecError, match=r"shareable: found .* expected true or false"):
        parse(json.dumps(spec))


def test_storage_alone_is_read_whatever_else_a_newer_spec_has() -> None:
    text = json.dumps({**json.loads(fixture("server-spec.json")), "exports": "not yet known", "more": 1})
    whole, alone = parse(fixture("server-spec.json")), storage(text)
    assert isinstance(whole, ServerSpec)
    for part in ("volumes", "volume_groups", "filesystems"):
        assert getattr(alone, part) == getattr(whole, part)
    with pytest.raises(SpecError, match=r"spec\.volumes"):
        storage(text.replace("169.254.2.4", "somewhere; rm"))
    with pytest.raises(SpecError, match=r"spec\.version"):
        storage('{"version": 2}')
