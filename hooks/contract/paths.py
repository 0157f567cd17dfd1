"""Paths as text, pure: in the one form in which they are compared, and whether one lies in another."""

from typing import List


def normalized(path: str) -> str:
    """The path as the kernel shows it: no doubled slashes, no single dots, no slash at its end."""
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def inside(path: str, folders: List[str]) -> bool:
    """Whether the normalized path is one of the folders, or lies in one."""
    return any(folder in ("/", path) or path.startswith(folder + "/") for folder in folders)
