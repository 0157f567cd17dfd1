"""Values on the wire and in a schema's shape."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.provider import wire
from lab.provider.schema.schema import Attribute, BlockSchema, NestedBlock
from lab.provider.schema.shape import coerce, conform, merged, settled, stored
from lab.provider.schema.values import UNKNOWN, decode, encode, in_order, known, same

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
INNER = BlockSchema({"size": Attribute("number", optional=True), "name": Attribute("string", optional=True)})
BLOCK = BlockSchema(
    {"id": Attribute("string", computed=True), "tags": Attribute(["map", "string"], computed=True)},
    {"disk": NestedBlock(INNER)},
)


@given(plain)
def test_what_is_encoded_is_decoded_again(value: Any) -> None:
    assert decode(wire.message("DynamicValue")(msgpack=encode(value))) == value


def test_an_unknown_survives_the_wire() -> None:
    message = wire.message("DynamicValue")(msgpack=encode({"id": UNKNOWN, "list": [UNKNOWN, 1]}))
    assert decode(message) == {"id": UNKNOWN, "list": [UNKNOWN, 1]}


def test_what_is_no_terraform_value_is_refused() -> None:
    with pytest.raises(TypeError, match="no Terraform value"):
        encode({"id": object()})


def test_known_drops_nulls_and_unknowns() -> None:
    assert known({"a": None, "b": UNKNOWN, "c": [{"d": None, "e": False}]}) == {"c": [{"e": False}]}


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (None, "", True),
        (None, [], True),
        ("", {}, True),
        (None, False, False),
        (None, 0, False),
        (UNKNOWN, UNKNOWN, True),
        (UNKNOWN, None, False),
        ({"a": None}, {}, True),
        ([1, 2], [2, 1], False),
    ],
)
def test_equality_is_that_of_plugin_sdk_v2(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal
    assert same(right, left) is equal


def test_sets_have_one_order() -> None:
    assert in_order(["b", "a"]) == in_order(["a", "b"])


def test_values_are_coerced_to_the_schema() -> None:
    assert coerce("string", 50) == "50"
    assert coerce("number", "3260") == 3260
    assert coerce("bool", "True") is True
    assert coerce(["object", {"a": "string", "b": "string"}], {"a": "x", "c": "y"}) == {"a": "x", "b": None}


def test_a_conformed_value_has_exactly_the_schema() -> None:
    assert conform(BLOCK, {"id": "x", "other": 1}) == {"id": "x", "tags": None, "disk": []}


def test_unset_values_are_stored_as_their_zero_inside_blocks_only() -> None:
    value = conform(BLOCK, {"disk": [{"size": 1}]})
    assert stored(BLOCK, value) == {"id": None, "tags": {}, "disk": [{"size": 1, "name": ""}]}


def test_a_refresh_keeps_what_the_api_does_not_tell() -> None:
    current = {"id": "x", "tags": {"a": "b"}, "disk": [{"size": 1, "name": "kept"}]}
    assert merged(BLOCK, current, {"id": "y", "disk": [{"size": 2}]}) == {
        "id": "y",
        "tags": {"a": "b"},
        "disk": [{"size": 2, "name": "kept"}],
    }


def test_an_apply_fills_in_what_was_unknown() -> None:
    planned = {"id": UNKNOWN, "tags": {"a": "b"}, "disk": UNKNOWN}
    record = {"id": "x", "tags": {"other": "z"}, "disk": [{"size": 2}]}
    assert settled(BLOCK, planned, record) == {"id": "x", "tags": {"a": "b"}, "disk": [{"size": 2}]}
