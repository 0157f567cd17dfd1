"""Patterns that names must match before they reach a shell, a file of a host or a template."""

from __future__ import annotations

import ipaddress
import re

from failover.model.outcome import Usage
from hooks.contract import client_spec
from hooks.contract.paths import normalized

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_SHOWN = 200  # characters of a value in a message
USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}")
STACK_ID = re.compile(r"ocid1\.ormstack\.[a-z0-9-]+\.[a-z0-9-]*\.[A-Za-z0-9._-]+")


def hostname(value: object, where: str) -> str:
    """`value` if it is a host name (RFC 1123, lower case); raises Usage naming `where`."""
    return _matching(value, where, HOSTNAME, "a host name such as nfs-srv-1")


def user(value: object, where: str) -> str:
    """`value` if it is a user name, of the host itself or of a directory; raises Usage naming `where`."""
    return _matching(value, where, USER, "a user name such as opc")


def exported_path(value: object, where: str) -> str:
    """`value`, normalized, if the hooks take it for the path of an export; raises Usage naming `where`."""
    return _path(value, where, client_spec.path_fault)


def mount_point(value: object, where: str) -> str:
    """`value`, normalized, if the hooks take it for a client's mount point; raises Usage naming `where`."""
    return _path(value, where, client_spec.mount_fault)


def address(value: object, where: str) -> str:
    """`value` if it is an IP address or a host name; raises Usage naming `where`."""
    expected = "an IP address or a host name"
    text = value if isinstance(value, str) else ""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass  # not an address: a name
    if text.rpartition(".")[2].isdigit():  # a slip in an address, which no name can be (RFC 3696)
        raise _wrong(value, where, expected)
    return text if HOSTNAME.fullmatch(text.lower()) else _matching(value, where, HOSTNAME, expected)


def stack_id(value: object, where: str) -> str:
    """`value` if it is the OCID of a Resource Manager stack."""
    return _matching(value, where, STACK_ID, 'the OCID of a stack ("ocid1.ormstack.oc1...")')


def _path(value: object, where: str, fault: client_spec.Fault) -> str:
    if not isinstance(value, str):
        raise _wrong(value, where, "a path")
    if expected := fault(value):
        raise _wrong(value, where, expected)
    return normalized(value)


def _matching(value: object, where: str, pattern: re.Pattern[str], expected: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise _wrong(value, where, expected)


def _wrong(value: object, where: str, expected: str) -> Usage:
    return Usage(f"{where}: found {repr(value)[:_SHOWN]}, expected {expected}", f"correct {where}")
