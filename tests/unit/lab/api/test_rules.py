"""The API's rules that need no server: addresses, metadata size, pages, shapes, faults, steps."""

import json
from dataclasses import replace

import pytest

from lab.api.compute.metadata_limit import LARGEST_METADATA_BYTES, check_metadata
from lab.api.compute.shapes import shape_config
from lab.api.core.answer import render
from lab.api.core.call import Call, Tenancy
from lab.api.core.errors import ApiError
from lab.api.core.faults import Faults
from lab.api.core.store import Store, StoredResource
from lab.api.core.transition import BASE_SECONDS
from lab.api.core.world import invent_world, load_world, save_world
from lab.api.http.steps import STEPS
from lab.api.http.urls import OPERATIONS
from lab.api.network.addresses import check_label, free_address, label_for


@pytest.fixture
def cloud(tmp_path):
    store = Store(tmp_path / "cloud.db")
    yield Tenancy(store, invent_world(0.0))
    store.close()


def occupy(cloud, address, label=None):
    body = {"ipAddress": address, "hostnameLabel": label}
    cloud.store.put(StoredResource(address, "privateip", body))


def test_free_addresses_start_at_ten_and_skip_the_taken(cloud):
    assert free_address(cloud, None) == "10.0.0.10"
    occupy(cloud, "10.0.0.10")
    assert free_address(cloud, None) == "10.0.0.11"
    assert free_address(cloud, "10.0.0.9") == "10.0.0.9"


@pytest.mark.parametrize("bad", ["10.0.0.0", "10.0.0.1", "10.0.0.255", "10.0.1.5", "::1", "", "10.0.0.300"])
def test_addresses_that_cannot_be_had(cloud, bad):
    with pytest.raises(ApiError, match="not a usable address"):
        free_address(cloud, bad)


def test_a_full_subnet(cloud):
    tiny = replace(cloud, world=replace(cloud.world, subnet_cidr="10.0.0.0/28"))
    for last in range(10, 15):
        occupy(tiny, f"10.0.0.{last}")
    with pytest.raises(ApiError, match="no free address"):
        free_address(tiny, None)


def test_labels(cloud):
    occupy(cloud, "10.0.0.11", "nfs-srv-1")
    assert check_label(cloud, "nfs-srv-2") == "nfs-srv-2"
    assert label_for(cloud, "My server!") == "my-server"
    assert label_for(cloud, "nfs-srv-1").startswith("nfs-srv-1-")
    for bad in ("nfs-srv-1", "a b", "-x", "x" * 64, "a;reboot"):
        with pytest.raises(ApiError):
            check_label(cloud, bad)


def test_metadata_up_to_the_last_byte():
    overhead = len(json.dumps({"a": ""}, separators=(",", ":"))) + len("{}")
    check_metadata({"a": "x" * (LARGEST_METADATA_BYTES - overhead)}, {})
    with pytest.raises(ApiError, match="32001 bytes"):
        check_metadata({"a": "x" * (LARGEST_METADATA_BYTES - overhead + 1)}, {})
    with pytest.raises(ApiError, match="must be a string"):
        check_metadata({"a": {"nested": 1}}, {})


def test_pages_cover_everything_once():
    rows = [{"id": number} for number in range(7)]
    seen, query = [], {"limit": "3"}
    while True:
        answer = render(rows, Call(query=query))
        seen += json.loads(answer.body)
        if "opc-next-page" not in answer.headers:
            break
        query = {"limit": "3", "page": answer.headers["opc-next-page"]}
    assert seen == rows


def test_flexible_shapes_take_what_is_asked_and_others_do_not():
    asked = {"ocpus": 4, "memoryInGBs": 64}
    assert shape_config("VM.Standard.E5.Flex", asked)["memoryInGBs"] == 64
    assert shape_config("BM.Optimized3.36", asked)["ocpus"] == 36


def test_a_fault_wears_off(cloud):
    faults = Faults(cloud.store)
    faults.inject({"operation": "AttachVolume", "resource": "vol-1", "status": 409, "count": 2})
    assert faults.meet("AttachVolume", "body about vol-2") is None
    assert faults.meet("DetachVolume", "vol-1") is None
    assert faults.meet("AttachVolume", "vol-1")
    assert faults.meet("AttachVolume", "vol-1")
    assert faults.meet("AttachVolume", "vol-1") is None


def test_every_step_has_a_duration_and_every_duration_a_step():
    assert set(STEPS) == set(BASE_SECONDS)


def test_operations_are_told_apart_by_method_and_path():
    ways = [(one.method, one.path) for one in OPERATIONS]
    assert len(set(ways)) == len(ways)
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)


def test_the_world_is_read_back_as_it_was_written(tmp_path):
    world = invent_world(0.5)
    save_world(tmp_path, world)
    assert load_world(tmp_path) == world
