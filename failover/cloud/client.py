"""How the SDK's clients are opened and called: one key, bounded patience, and all pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import oci

from failover.cloud.config import configuration, signing
from failover.model.site import CloudAccess

_CONNECT_SECONDS = 10.0
POLL_SECONDS = (0.2, 0.4, 0.8, 1.6, 3.0)  # between looks at a state that is changing


class Connection:
    """The clients of one region. `call_seconds` bounds one call's wait for its answer.

    `retries`: the SDK's retry strategy for every call. Raises Usage for a configuration that is not usable.
    """

    def __init__(self, access: CloudAccess, call_seconds: float, retries: Any) -> None:
        config = configuration(access)
        self.tenancy_id = str(config["tenancy"])
        self._config = config
        self._settings: dict[str, Any] = {
            "timeout": (min(_CONNECT_SECONDS, call_seconds), call_seconds),
            # An open breaker would raise an error of its own for a call that was never made.
            "circuit_breaker_strategy": oci.circuit_breaker.NoCircuitBreakerStrategy(),
            "retry_strategy": retries,
            **signing(config),
            **({"service_endpoint": access.endpoint} if access.endpoint else {}),
        }

    def client(self, kind: Any) -> Any:
        """A client of the SDK, of whatever service."""
        return kind(self._config, **self._settings)


def pages(ask: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
    """The items of all pages; `ask` makes one call and returns the SDK's response.

    The SDK's own pagination tries again around our retries, for ten minutes.
    """
    answer = ask(*args, **options)
    items = list(answer.data)
    while answer.has_next_page:
        answer = ask(*args, page=answer.next_page, **options)
        items += answer.data
    return items
