"""Patterns that names must match before they reach a shell, a file of a host or a template."""

from __future__ import annotations

import re

from failover.outcome import Usage

HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
PATH = re.compile(r"/[A-Za-z0-9._/+@-]*")
STACK_ID = re.compile(r"ocid1\.ormstack\.[a-z0-9-]+\.[a-z0-9-]*\.[A-Za-z0-9._-]+")
ADDRESS = re.compile(r"[0-9A-Za-z.:-]{1,253}")


def hostname(value: object, where: str) -> str:
    """`value` if it is a host name (RFC 1123, lower case); raises Usage naming `where`."""
    return _matching(value, where, HOSTNAME, "a host name such as nfs-srv-1")


def user(value: object, where: str) -> str:
    """`value` if it is a Linux user name (useradd(8)); raises Usage naming `where`."""
    return _matching(value, where, USER, "a user name such as opc")


def absolute_path(value: object, where: str) -> str:
    """`value` if it is an absolute path free of white space and shell characters, without `..`."""
    path = _matching(value, where, PATH, "an absolute path of letters, digits and . _ / + @ -")
    if ".." in path.split("/"):
        raise Usage(f"{where}: found {path!r}, expected a path without '..'", f"correct {where}")
    return path


def address(value: object, where: str) -> str:
    """`value` if it is an IP address or a host name; raises Usage naming `where`."""
    return _matching(value, where, ADDRESS, "an IP address or a host name")


def stack_id(value: object, where: str) -> str:
    """`value` if it is the OCID of a Resource Manager stack."""
    return _matching(value, where, STACK_ID, 'the OCID of a stack ("ocid1.ormstack.oc1...")')


def _matching(value: object, where: str, pattern: re.Pattern[str], expected: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise Usage(f"{where}: found {value!r}, expected {expected}", f"correct {where}")
