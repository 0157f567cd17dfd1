"""Names of hosts as one text, in the syntax of Slurm and ClusterShell: gpu-[001-128], and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

_RANGE = re.compile(r"(?<=[\[,])\s*([0-9]+)-([0-9]+)")
_LISTED = 10  # of names that do not fold
FEW = 8  # hosts that are shown one by one


def folded(names: Iterable[str]) -> str:
    """The names as a nodeset; the first ones as they are where they are not the names of nodes."""
    every = list(dict.fromkeys(names))
    try:
        return str(NodeSet.fromlist(every, resolver=RESOLVER_NOGROUP))
    except NodeSetException:
        more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
        return ", ".join(every[:_LISTED]) + more


def listed(names: Iterable[str]) -> list[str]:
    """A few names one by one; more than that as one nodeset."""
    every = list(names)
    return every if len(every) <= FEW else [folded(every)]


def expanded(text: str, most: int) -> list[str]:
    """The names that a nodeset stands for, in its order. Raises ValueError with what is wrong in it.

    More than `most` names are refused before they fill the memory: the library keeps each of a range's.
    """
    for first, last in _RANGE.findall(text):
        if len(last) > 18 or int(last) - int(first) >= most:
            raise ValueError(f"found the range {first}-{last}, expected at most {most} names")
    try:
        nodes = NodeSet(text, resolver=RESOLVER_NOGROUP)
    except NodeSetException as error:
        raise ValueError(str(error)) from error
    if len(nodes) > most:
        raise ValueError(f"found {len(nodes)} names in {text}, expected at most {most}")
    return list(nodes)


def grouped(pairs: Iterable[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """Names by what was found of them, (name, text) pairs in; the largest group first."""
    groups: dict[str, list[str]] = {}
    for name, text in pairs:
        groups.setdefault(text, []).append(name)
    return sorted(((names, text) for text, names in groups.items()), key=lambda one: -len(one[0]))


def impersonal(text: str, *own: str) -> str:
    """The text without the host's own names and addresses, so that equal failures of many hosts are equal."""
    for name in sorted({one for one in own if one}, key=len, reverse=True):
        text = text.replace(f" ({name})", "").replace(name, "the host")
    return " ".join(text.split())
