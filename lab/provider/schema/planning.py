"""What an apply would change: prior state, proposed state and configuration in, a plan out. No I/O."""

from dataclasses import dataclass, field

from lab.provider.schema.schema import Attribute, BlockSchema, TypeSchema
from lab.provider.schema.values import UNKNOWN, Record, Value, in_order, same

Path = list[str | int]
_BOOL = {"1": "true", "t": "true", "0": "false", "f": "false"}


@dataclass
class PlannedState:
    """A planned state, and the paths whose change needs a new object."""

    planned: Record
    replace: list[Path] = field(default_factory=list)


def plan(
    type_name: str, kind: TypeSchema, prior: Record | None, proposed: Record, config: Record
) -> PlannedState:
    """The plan of the real provider for this change.

    A change of nothing but `timeouts` is none: the prior state comes back as it is.
    """
    made = PlannedState(dict(proposed))
    _plan_block(made, kind.block, prior, made.planned, config, [])
    if prior is None:
        return PlannedState(made.planned)
    if type_name == "oci_core_instance" and _needs_new_instance(prior, made.planned):
        made.replace.append(["metadata"])
    names = [*kind.block.attributes, *(name for name in kind.block.blocks if name != "timeouts")]
    if all(same(prior.get(name), made.planned.get(name)) for name in names):
        return PlannedState(prior)
    return made


def _needs_new_instance(prior: Record, planned: Record) -> bool:
    """Metadata can be updated in place, but cloud-init has read keys and user data already."""
    before, after = prior.get("metadata") or {}, planned.get("metadata")
    if after is UNKNOWN:
        return True
    return any(before.get(key) != (after or {}).get(key) for key in ("ssh_authorized_keys", "user_data"))


def _plan_block(
    made: PlannedState, block: BlockSchema, prior: Record | None, planned: Record, config: Record, at: Path
) -> None:
    for name, attribute in block.attributes.items():
        before = None if prior is None else prior.get(name)
        given = config.get(name)
        after = _planned_value(attribute, prior is None, before, planned.get(name), given)
        planned[name] = after
        computed = given is None and after is UNKNOWN
        if attribute.force_new and not computed and not _same(attribute, before, after):
            made.replace.append([*at, name])
    for name in block.blocks:
        _plan_nested(made, block, name, prior, planned, config, at)


def _planned_value(attribute: Attribute, creating: bool, before: Value, after: Value, given: Value) -> Value:
    if given is None and after is None and attribute.default is not None:
        after = attribute.default
    elif attribute.computed and creating and (given is None or _is_no_set(attribute, given)):
        after = UNKNOWN
    if attribute.store == "bool" and isinstance(after, str):
        after = _BOOL.get(after.lower(), after.lower())
    if (
        isinstance(before, str)
        and isinstance(after, str)
        and _spelled_alike(attribute.compare, before, after)
    ):
        return before
    if attribute.compare == "ignore_key_case" and _keys_alike(before, after):
        return before
    if after is None and _is_zero(before):
        return before  # to plugin SDK v2 a removed zero value is no change
    if attribute.collection in ("map", "set") and _partly_unknown(after):
        return UNKNOWN  # plugin SDK v2 knows no partly unknown maps and sets
    return after


def _spelled_alike(compare: str, before: str, after: str) -> bool:
    if compare == "ignore_case":
        return before.lower() == after.lower()
    if compare == "integer":
        return before.isdecimal() and after.isdecimal() and int(before) == int(after)
    return False


def _is_no_set(attribute: Attribute, given: Value) -> bool:
    """Plugin SDK v2 cannot tell an empty set from an argument that is not given."""
    return attribute.collection == "set" and given == []


def _keys_alike(before: Value, after: Value) -> bool:
    """Whether two maps differ in the case of their keys alone: OCI's tags are one whatever their case."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    return {key.lower(): value for key, value in before.items()} == {
        key.lower(): value for key, value in after.items()
    }


def _is_zero(value: Value) -> bool:
    return value is not None and value is not UNKNOWN and not value


def _partly_unknown(value: Value) -> bool:
    if isinstance(value, dict):
        return any(item is UNKNOWN for item in value.values())
    return isinstance(value, list) and any(item is UNKNOWN for item in value)


def _same(attribute: Attribute, before: Value, after: Value) -> bool:
    if attribute.collection == "set":
        return same(in_order(before), in_order(after))
    return same(before, after)


def _plan_nested(
    made: PlannedState,
    block: BlockSchema,
    name: str,
    prior: Record | None,
    planned: Record,
    config: Record,
    at: Path,
) -> None:
    nested = block.blocks[name]
    if nested.nesting == "single":  # timeouts: no part of the object
        return
    before = (prior or {}).get(name) or []
    after, given = planned.get(name), config.get(name)
    if not after and not given and nested.computed:
        planned[name] = UNKNOWN if prior is None else before
        return
    if not isinstance(after, list):
        return
    planned[name] = after = [dict(item) for item in after]
    for index, item in enumerate(after):
        if nested.nesting == "set":
            old, wish = _member(before, item, nested.block), _member(given or [], item, nested.block) or {}
        else:
            old = before[index] if index < len(before) else None
            wish = given[index] if isinstance(given, list) and index < len(given) else {}
        _plan_block(made, nested.block, old, item, wish, [*at, name, index])
    if nested.force_new and len(after) != len(before):
        made.replace.append([*at, name])


def _member(members: list[Record], item: Record, block: BlockSchema) -> Record | None:
    """The member of a set that has the item's arguments: a set's members have no places."""
    arguments = [name for name, attribute in block.attributes.items() if not attribute.computed]
    alike = (one for one in members if all(same(one.get(name), item.get(name)) for name in arguments))
    return next(alike, None)
