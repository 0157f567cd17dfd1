"""Lists of hosts as others keep them: a text file, an Ansible inventory, Slurm's node lists. Pure parsers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from failover.model import nodeset
from failover.model.outcome import Usage
from hooks.client.site_names import is_address

_RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]", re.ASCII)
_YAML_FILE = (".yml", ".yaml", ".json")  # as Ansible's plugin `yaml` has it
_YAML_HEAD = re.compile(r"""---|%YAML|\{|["']?[\w.-]+["']?\s*:(\s|$)""")
_ADDRESSES = ("ansible_host", "ansible_ssh_host")
_PORT = re.compile(r"([^:]+):\d+")
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


def of_nodes(text: str, source: str) -> list[Named]:
    """A node list of the command line's: gpu-[001-128],login1, or several of them with blanks between. Raises
    Usage for a list without a node."""
    return of_slurm("\n".join(text.split()), source)


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
    plain = (line.strip() for line in text.splitlines())
    head = next((line for line in plain if line and line[0] not in "#;"), "")
    is_yaml = source.endswith(_YAML_FILE) or bool(_YAML_HEAD.match(head))
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
            word, variables = _host_line(plain, where)
            for name in _ranged(_without_port(word), where):
                hosts[name] = _merged(hosts.get(name), Named(name, _address(variables), where))
                members.setdefault(section, []).append(name)
    for group, names in children.items():
        if unknown := [name for name in names if name not in members and name not in children]:
            raise Usage(
                f"{source}: group {group} has the child {unknown[0]}, which is no group of it",
                f"correct [{group}:children], or add [{unknown[0]}]",
            )
    return hosts, members, children


def _host_line(line: str, where: str) -> tuple[str, dict[str, str]]:
    """The host and its variables, in words of a shell, as Ansible's plugin `ini` splits them."""
    try:
        word, *pairs = shlex.split(line, comments=True)
    except ValueError as error:
        raise Usage(f"{where}: {error}: {line!r}", "correct the quotes") from error
    if other := [pair for pair in pairs if "=" not in pair]:
        raise Usage(
            f"{where}: found {other[0]!r} behind {word}, expected one host and its key=value pairs",
            "write each host on a line of its own",
        )
    return word, {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


def _without_port(pattern: str) -> str:
    """Ansible takes HOST:PORT; a range has its colons in brackets."""
    match = _PORT.fullmatch(_RANGE.sub("", pattern))
    return pattern.rpartition(":")[0] if match else pattern


def _address(variables: Mapping[str, Any]) -> str:
    """Empty where there is none, and where it is encrypted."""
    return next((str(variables[key]) for key in _ADDRESSES if variables.get(key)), "")


class _Inventory(yaml.SafeLoader):
    """YAML with Ansible's own tags."""


# a value that `ansible-vault` has encrypted is not known here; !unsafe only says that a text is no template
_Inventory.add_constructor("!unsafe", lambda _, node: str(node.value))
for _tag in ("!vault", "!vault-encrypted"):
    _Inventory.add_constructor(_tag, lambda *_: None)


def _of_yaml(text: str, source: str) -> tuple[dict[str, Named], Groups, Groups]:
    try:
        document = yaml.load(text, _Inventory)  # noqa: S506 - of SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        raise Usage(f"{source}: not valid YAML: {error}", "correct the inventory") from error
    hosts: dict[str, Named] = {}
    members: Groups = {}
    children: Groups = {}

    def group(name: str, entry: Any) -> None:
        below = entry if isinstance(entry, Mapping) else {}
        for pattern, variables in (below.get("hosts") or {}).items():
            given = variables if isinstance(variables, Mapping) else {}
            where = f"{source} group {name}"
            for host in _ranged(_without_port(str(pattern)), where):
                one = Named(host, _address(given), where)
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
        raise Usage(
            f"{source}: not an Ansible inventory: found a list or a text, expected tables, as hosts: {{a: }}",
            "correct it; of a dynamic one `ansible-inventory --list --yaml` makes such a file",
        ) from error
    except RecursionError as error:  # by an anchor and its alias
        raise Usage(f"{source}: a group of it has itself as a child", "correct the inventory") from error
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
        if not _is_host(pattern):
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
            names = [word] if _NAME.fullmatch(word) else nodeset.expanded(word, _MOST)
        except ValueError as error:
            raise Usage(f"{where}: {error}", "write it as gpu-[001-128],login1") from error
        if bad := [name for name in names if not _is_host(name)]:
            raise Usage(f"{where}: found {bad[0]!r}, expected a host", "write it as gpu-[001-128],login1")
        named += [Named(name, "", where) for name in names]
    return named


def _is_host(word: str) -> bool:
    """A name, or an address; a colon stands in an IPv6 address alone."""
    return bool(_NAME.fullmatch(word)) and word[0] != "-" and (":" not in word or is_address(word))


def _limit(named: list[Named], source: str) -> None:
    if len(named) > _MOST:
        raise Usage(f"{source}: more than {_MOST} hosts", "look whether a range in it is meant so")
