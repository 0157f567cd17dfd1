"""One API call as the models see it: path, query and body, with the checks every operation makes."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from lab.api.core.errors import invalid, missing, not_found, not_modelled
from lab.api.core.faults import Fault
from lab.api.core.store import Document, Store, StoredResource
from lab.api.core.world import World

PAGING = {"limit", "page", "sortBy", "sortOrder", "compartmentId"}


@dataclass(frozen=True)
class Tenancy:
    """What operations work on: the stored state and the tenancy's fixed facts. `wake` stirs the worker."""

    store: Store
    world: World
    wake: Callable[[], None] = lambda: None
    fault: Fault | None = None  # the injected fault that the call under way has met

    def required(self, kind: str, resource_id: str) -> StoredResource:
        """The resource of that kind; raises the 404 NotAuthorizedOrNotFound of OCI."""
        resource = self.store.get(resource_id)
        if resource is None or resource.kind != kind:
            raise not_found(resource_id)
        return resource

    def require_compartment(self, ocid: str) -> None:
        """Returns when the tenancy has this compartment; raises the 404 NotAuthorizedOrNotFound of OCI."""
        if not self.world.knows_compartment(ocid):
            raise not_found(ocid)


@dataclass(frozen=True)
class Call:
    """Path variables, query and JSON body of one request."""

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Document = field(default_factory=dict)
    if_match: str | None = None

    def text(self, name: str) -> str:
        """A required string of the body; raises 400 MissingParameter or InvalidParameter."""
        value = self.body.get(name)
        if value is None or value == "":
            raise missing(name)
        if not isinstance(value, str):
            raise invalid(f"{name} must be a string, not {type(value).__name__}")
        return value

    def required_query(self, name: str) -> str:
        """A required query parameter; raises 400 MissingParameter."""
        if not self.query.get(name):
            raise missing(name)
        return self.query[name]

    def modelled(self, *names: str) -> None:
        """Raises 501 when the body asks for something that the model would silently ignore."""
        extra = sorted(name for name, value in self.body.items() if value and name not in names)
        if extra:
            raise not_modelled(f"the body field {extra[0]}")


def listed(cloud: Tenancy, call: Call, kind: str, filters: Collection[str]) -> list[StoredResource]:
    """Resources of the caller's compartment that match the query; a filter not in `filters` answers 501.

    Raises 501 and 404.
    """
    unknown = sorted(set(call.query) - set(filters) - PAGING)
    if unknown:
        raise not_modelled(f"the query parameter {unknown[0]}")
    compartment = call.query.get("compartmentId")
    if compartment is not None:
        cloud.require_compartment(compartment)
    wanted: dict[str, Any] = {name: call.query.get(name) for name in filters}
    return cloud.store.find(kind, **wanted, compartmentId=compartment)


def listed_in_compartment(
    cloud: Tenancy, call: Call, kind: str, filters: Collection[str]
) -> list[StoredResource]:
    """As `listed`, for operations whose compartmentId is required."""
    call.required_query("compartmentId")
    return listed(cloud, call, kind, filters)


def tags(body: Document) -> Document:
    """The tag maps of a create or update body; always present in answers, as OCI does."""
    return {"freeformTags": body.get("freeformTags") or {}, "definedTags": body.get("definedTags") or {}}
