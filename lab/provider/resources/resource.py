"""What each resource type does against the API, and what a refresh makes of an answer."""

import sys
from collections.abc import Callable
from typing import Any, Protocol

from lab.provider.errors import API_ERRORS, describe, is_missing
from lab.provider.resources.records import keep_when_missing
from lab.provider.schema.values import Record


class Resource(Protocol):
    """One resource type. Deadlines are in seconds of time.monotonic(); API errors pass through."""

    def create(self, wanted: Record, deadline: float) -> Record:
        """Make the object and wait until it is ready. Raises CreationError when it is not, but exists."""

    def read(self, identity: str, current: Record) -> Record | None:
        """The object as it is; None when it has ended. `current`: what the state has of it."""

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Change the object in place; `changes` are the changed arguments, `wanted` all of them."""

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """End the object and wait until it has ended."""


def refreshed(resource: Resource, current: Record) -> Record | None:
    """The record for a refresh of state `current`, or None when Terraform shall drop it.

    A 404 drops it, although OCI also answers 404 to users who lack a permission, unless
    TF_PRESERVE_STATE_ON_404=true: then the state stays as it is, as with the real provider.
    Raises an API error other than 404.
    """
    try:
        return resource.read(current["id"], current)
    except API_ERRORS as error:
        if not is_missing(error):
            raise
        return dict(current) if keep_when_missing() else None


def ignored(look: Callable[[], Any]) -> Any:
    """What a look at the API gives; None, and a warning in the log, when it fails.

    The real provider does without the boot volume, the VNIC and the backup policy of an object.
    """
    try:
        return look()
    except API_ERRORS as error:
        print(f"[WARN] {describe(error, 'ignored')}", file=sys.stderr, flush=True)
        return None


def deleted(call: Any, identity: str, **options: Any) -> bool:
    """Make a deleting call. A 404 counts as success, as in the real provider; then the answer is False.

    Raises an API error other than 404.
    """
    try:
        call(identity, **options)
    except API_ERRORS as error:
        if not is_missing(error):
            raise
        return False
    return True
