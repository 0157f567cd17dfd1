"""Lists of hosts as others keep them: a text file, an Ansible inventory, Slurm's node lists. Pure parsers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from failover.model import nodeset
from failover.model.outcome import Usage

_RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
_VARIABLE = re.compile(r"""(\w+)\s*=\s*("[^"]*"|'[^']*'|\S+)""")
_MOST = 100_000  # hosts of one list: a range that is meant otherwise must not fill the memory
_NAME = re.compile(r"[A-Za-z0-9_.:%-]+")


@dataclass(frozen=True)
class Named:
    """A host of a list. `address`: where the list says so; else there is the name. `where`: its line."""

    name: str
    address: str
    where: str


def of_text(text: str, source: str) -> list[Named]:
    """A file: a host or a nodeset (gpu-[001-128]) a line, # begins a comment. Raises Usage: the line."""
    named: list[Named] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        where = f"{source} line {number}"
        if len(words) > 1:
            raise Usage(
                f"{where}: found {line.strip()!r}, expected one host or nodeset", "one of them a line"
            )
        named += _named(words, where)
        _limit(named, source)
    return named


def of_slurm(text: str, source: str) -> list[Named]:
    """The output of `sinfo -N -h`, of which each line's first word counts, or a node list of Slurm's.

    A node that is in several partitions has a line for each; it counts once. Raises Usage.
    """
    words = dict.fromkeys(line.split()[0] for line in text.splitlines() if line.split())
    named = _named(words, source)
    if not named:
        raise Usage(f"{source}: no node in it", "give it what `sinfo -N -h` prints, or a node list")
    _limit(named, source)
    return named


def of_inventory(text: str, source: str, group: str = "") -> list[Named]:
    """An Ansible inventory, INI or YAML; only the hosts of `group` where one is named. Raises Usage."""
    head = next((line.strip() for line in text.splitlines() if line.strip() and line[0] not in "#;"), "")
    is_yaml = head == "---" or bool(re.match(r"[\w-]+:\s*(#.*)?$", head))
    hosts, members, children = _of_yaml(text, source) if is_yaml else _of_ini(text, source)
    chosen = list(hosts)
    if group and group != "all":
        if group not in members and group not in children:
            known = ", ".join(sorted({*members, *children})) or "none"
            raise Usage(f"{source}: no group {group}", f"groups of it: {known}")
        chosen = list(_members(group, members, children, set()))
    named = [hosts[name] for name in dict.fromkeys(chosen)]
    _limit(named, source)
    return named


Groups = dict[str, list[str]]


def _of_ini(text: str, source: str) -> tuple[dict[str, Named], Groups, Groups]:
    hosts: dict[str, Named] = {}
    members: Groups = {}
    children: Groups = {}
    section, kind = "ungrouped", ""
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if not plain or plain[0] in "#;":
            continue
        where = f"{source} line {number}"
        if plain.startswith("["):
            head = re.fullmatch(r"\[([^\]:]+)(?::(vars|children))?\]\s*(?:[#;].*)?", plain)
            if head is None:
                raise Usage(f"{where}: found {plain!r}, expected [group]", "correct the inventory")
            section, kind = head.group(1), head.group(2) or ""
            (children if kind == "children" else members).setdefault(section, [])
        elif kind == "children":
            children[section].append(plain.split()[0])
        elif kind != "vars":
            word, _, rest = plain.partition(" ")
            variables = {key: value.strip("\"'") for key, value in _VARIABLE.findall(rest)}
            for name in _ranged(word, where):
                address = variables.get("ansible_host", variables.get("ansible_ssh_host", ""))
                hosts[name] = _merged(hosts.get(name), Named(name, address, where))
                members.setdefault(section, []).append(name)
    return hosts, members, children


def _of_yaml(text: str, source: str) -> tuple[dict[str, Named], Groups, Groups]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Usage(f"{source}: not valid YAML: {error}", "correct the inventory") from error
    hosts: dict[str, Named] = {}
    members: Groups = {}
    children: Groups = {}

    def group(name: str, entry: Any) -> None:
        below = entry if isinstance(entry, Mapping) else {}
        for pattern, variables in (below.get("hosts") or {}).items():
            given = variables if isinstance(variables, Mapping) else {}
            where = f"{source} group {name}"
            for host in _ranged(str(pattern), where):
                one = Named(host, str(given.get("ansible_host", "")), where)
                hosts[host] = _merged(hosts.get(host), one)
                members.setdefault(name, []).append(host)
        for child, inner in (below.get("children") or {}).items():
            children.setdefault(name, []).append(str(child))
            group(str(child), inner)
        members.setdefault(name, [])

    if not isinstance(document, Mapping):
        raise Usage(f"{source}: found no groups, expected an Ansible inventory", "correct the inventory")
    try:
        for name, entry in document.items():
            group(str(name), entry)
    except AttributeError as error:  # a list where a table belongs
        raise Usage(f"{source}: not an Ansible inventory: {error}", "correct the inventory") from error
    return hosts, members, children


def _merged(before: Named | None, now: Named) -> Named:
    """A host is often listed again, without its variables, in another group."""
    return now if before is None or (now.address and not before.address) else before


def _members(group: str, members: Groups, children: Groups, visited: set[str]) -> Iterator[str]:
    if group in visited:
        return
    visited.add(group)
    yield from members.get(group, [])
    for child in children.get(group, []):
        yield from _members(child, members, children, visited)


def _ranged(pattern: str, where: str) -> list[str]:
    """Ansible's ranges: web[01:50].example.com, db[a:f]."""
    match = _RANGE.search(pattern)
    if match is None:
        if not _NAME.fullmatch(pattern):
            raise Usage(f"{where}: found {pattern!r}, expected a host", "correct the inventory")
        return [pattern]
    first, last, step = match.group(1), match.group(2), int(match.group(3) or 1)
    numbers = first.isdigit() and last.isdigit()
    letters = len(first) == len(last) == 1 and first.isalpha() and last.isalpha()
    start, end = (int(first), int(last)) if numbers else (ord(first[0]), ord(last[0]))
    if not (numbers or letters) or step < 1 or not 0 <= end - start <= _MOST:
        raise Usage(f"{where}: found the range {match.group()}, expected [01:50] or [a:f]", "correct it")
    values = range(start, end + 1, step)
    texts = [str(v).zfill(len(first)) if numbers else chr(v) for v in values]
    before, after = pattern[: match.start()], pattern[match.end() :]
    return [name for text in texts for name in _ranged(f"{before}{text}{after}", where)]


def _named(words: Iterable[str], where: str) -> list[Named]:
    named = []
    for word in words:
        try:
            names = [word] if _NAME.fullmatch(word) else nodeset.expanded(word)
        except ValueError as error:
            raise Usage(f"{where}: {error}", "write it as gpu-[001-128],login1") from error
        if bad := [name for name in names if not _NAME.fullmatch(name)]:
            raise Usage(f"{where}: found {bad[0]!r}, expected a host", "write it as gpu-[001-128],login1")
        named += [Named(name, "", where) for name in names]
    return named


def _limit(named: list[Named], source: str) -> None:
    if len(named) > _MOST:
        raise Usage(f"{source}: more than {_MOST} hosts", "look whether a range in it is meant so")
