"""The store's promises: all or nothing, found by wire field, a fresh etag with every change."""

import pytest

from lab.api.core.store import Store, StoredResource


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "cloud.db")
    yield store
    store.close()


def test_a_failed_transaction_leaves_nothing(store):
    def fail():
        with store.transaction():
            store.put(StoredResource("a", "volume", {}))
            with store.transaction():
                store.put(StoredResource("b", "volume", {}))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.find("volume") == []


def test_found_by_kind_and_wire_fields_in_the_order_of_birth(store):
    for ocid, instance in (("z", "i1"), ("a", "i2"), ("m", "i1")):
        store.put(StoredResource(ocid, "volumeattachment", {"instanceId": instance}))
    store.put(StoredResource("other", "volume", {"instanceId": "i1"}))
    assert [one.id for one in store.find("volumeattachment", instanceId="i1")] == ["z", "m"]
    assert [one.id for one in store.find("volumeattachment", instanceId=None)] == ["z", "a", "m"]


def test_every_change_has_its_own_etag_and_keeps_its_place(store):
    first = store.put(StoredResource("a", "volume", {"lifecycleState": "PROVISIONING"}, {"iqn": "x"}))
    store.put(StoredResource("b", "volume", {}))
    second = store.put(first.changed(lifecycleState="AVAILABLE"))
    assert second.etag != first.etag
    assert second.hidden == {"iqn": "x"}
    assert [one.id for one in store.find("volume")] == ["a", "b"]


def test_another_process_finds_what_was_committed(store):
    store.put(StoredResource("a", "volume", {"displayName": "bv1"}))
    again = Store(store.path)
    found = again.get("a")
    again.close()
    assert found is not None
    assert found.body == {"displayName": "bv1"}
