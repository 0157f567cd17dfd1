"""The stand-in's schema against facts read off the real provider, where they are at hand."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.provider.schema.schema import Attribute, BlockSchema, TypeSchema, load
from tests.paths import ROOT

FACTS = ROOT.parent / "shared" / "provider"
REAL_SCHEMA, REAL_FLAGS = FACTS / "schema-8.28.0.json", FACTS / "flags-8.28.0.json"

pytestmark = pytest.mark.skipif(
    not (REAL_SCHEMA.exists() and REAL_FLAGS.exists()), reason=f"the real provider's facts are not in {FACTS}"
)
OURS = load()
COMPARE = {
    "tfresource.EqualIgnoreCaseSuppressDiff": "ignore_case",
    "tfresource.Int64StringDiffSuppressFunction": "integer",
    "tfresource.DefinedTagsDiffSuppressFunction": "ignore_key_case",
}


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    document = json.loads(REAL_SCHEMA.read_text())
    (schema,) = document["provider_schemas"].values()
    return schema


@pytest.fixture(scope="module")
def real_flags() -> dict[str, Any]:
    return json.loads(REAL_FLAGS.read_text())


def subset(ours: Any, theirs: Any) -> bool:
    """Whether each type is the real one, or an object with fewer of its members."""
    if isinstance(ours, list) and ours[0] == "object":
        return all(name in theirs[1] and subset(kind, theirs[1][name]) for name, kind in ours[1].items())
    if isinstance(ours, list):
        return ours[0] == theirs[0] and subset(ours[1], theirs[1])
    return bool(ours == theirs)


def differences(block: BlockSchema, theirs: dict[str, Any], at: str) -> Iterator[str]:
    for name, attribute in block.attributes.items():
        other = theirs.get("attributes", {}).get(name)
        if other is None:
            yield f"{at}{name} is unknown to the real provider"
            continue
        if not subset(attribute.type, other["type"]):
            yield f"{at}{name} is of type {attribute.type}"
        for flag in ("required", "optional", "computed"):
            if getattr(attribute, flag) != other.get(flag, False):
                yield f"{at}{name}: {flag} is {getattr(attribute, flag)}"
    for name, nested in block.blocks.items():
        other = theirs.get("block_types", {}).get(name)
        if other is None:
            yield f"{at}{name} is no block of the real provider"
            continue
        if (nested.nesting, nested.max_items) != (other["nesting_mode"], other.get("max_items", 0)):
            yield f"{at}{name}: nesting {nested.nesting}, at most {nested.max_items}"
        yield from differences(nested.block, other["block"], f"{at}{name}.")


def all_attributes(block: BlockSchema, at: str = "") -> Iterator[tuple[str, Attribute]]:
    for name, attribute in block.attributes.items():
        yield f"{at}{name}", attribute
    for name, nested in block.blocks.items():
        yield from all_attributes(nested.block, f"{at}{name}.")


@pytest.mark.parametrize("name", OURS.resources)
def test_a_resource_has_the_real_names_types_and_modes(name: str, real: dict[str, Any]) -> None:
    assert list(differences(OURS.resources[name].block, real["resource_schemas"][name]["block"], "")) == []


@pytest.mark.parametrize("name", OURS.data_sources)
def test_a_data_source_has_the_real_names_types_and_modes(name: str, real: dict[str, Any]) -> None:
    theirs = real["data_source_schemas"][name]["block"]
    assert list(differences(OURS.data_sources[name].block, theirs, "")) == []


def test_the_provider_block_has_the_real_arguments(real: dict[str, Any]) -> None:
    assert list(differences(OURS.provider, real["provider"]["block"], "")) == []


@pytest.mark.parametrize("name", OURS.resources)
def test_a_resource_has_the_real_flags(name: str, real_flags: dict[str, Any]) -> None:
    flags = real_flags[name]["flags"]
    for path, attribute in all_attributes(OURS.resources[name].block):
        theirs = flags.get(path, {})
        assert attribute.force_new == theirs.get("force_new", False), path
        assert attribute.default == theirs.get("default"), path
        assert attribute.compare == COMPARE.get(theirs.get("diff_suppress", ""), ""), path
        assert bool(attribute.store) == bool(theirs.get("state_func")), path
        assert all(f'"{word}"' in theirs["validate_error"] for word in attribute.one_of), path


@pytest.mark.parametrize("name", OURS.resources)
def test_a_resource_has_the_real_block_flags(name: str, real_flags: dict[str, Any]) -> None:
    for path, nested in OURS.resources[name].block.blocks.items():
        theirs = real_flags[name]["flags"].get(path, {})
        assert nested.computed == theirs.get("computed_block", False), path
        assert nested.force_new == theirs.get("force_new", False), path


@pytest.mark.parametrize("name", OURS.resources)
def test_a_resource_has_the_real_importer_and_timeouts(name: str, real_flags: dict[str, Any]) -> None:
    kind: TypeSchema = OURS.resources[name]
    assert kind.importer == real_flags[name]["importer"]
    assert kind.update == real_flags[name]["update"]
    assert dict(kind.timeouts) == real_flags[name]["timeouts"]
