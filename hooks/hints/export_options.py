"""Options that the kernel's table of exports has and the spec's exclude, as a pure function (exports(5))."""

from typing import Dict, List, Optional

from hooks.contract.spec import Export, ServerSpec

_OPPOSITES = {"rw": "ro", "ro": "rw", "sync": "async", "async": "sync"}
_WORLD = {"<world>": "*"}
_EXACT = ("fsid", "anonuid", "anongid")


def contradictions(spec: ServerSpec, text: str) -> List[str]:
    """What `exportfs -s` shows against the spec; an option that the spec does not name may be anything."""
    shown = _shown(text)
    faults = []
    for export in spec.exports:
        for client in export.clients:
            given = shown.get(export.path + " " + client, [])
            for option in _wanted(export) if given else []:
                against = _against(option, given)
                if against is not None:
                    message = "{} to {}: found {}, expected {}"
                    faults.append(message.format(export.path, client, against or "none", option))
    return faults


def _shown(text: str) -> Dict[str, List[str]]:
    options_by_export = {}
    for line in text.splitlines():
        path, _, rest = line.partition(" ")
        client, _, options = rest.strip().partition("(")
        options_by_export[path + " " + _WORLD.get(client, client)] = options.rstrip(")").split(",")
    return options_by_export


def _wanted(export: Export) -> List[str]:
    named = export.options.split(",")
    pinned = export.fsid is not None and not any(option.startswith("fsid=") for option in named)
    return named + ["fsid={}".format(export.fsid)] if pinned else named


def _against(option: str, given: List[str]) -> Optional[str]:
    """The option that excludes this one; empty for an fsid that is missing, None for none."""
    key, equals, _ = option.partition("=")
    if not equals:
        plain = key[3:] if key.startswith("no_") else "no_" + key
        opposite = _OPPOSITES.get(key, plain)
        return opposite if opposite in given else None
    others = [other for other in given if other.startswith(key + "=")]
    if key not in _EXACT or option in others or not (others or key == "fsid"):
        return None
    return ",".join(others)
