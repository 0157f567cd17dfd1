"""What a server's console tells through the API, where SSH does not reach: that it serves its volumes.

The boot service of a launched server ends a takeover with one line on the console, which names the
attachments that it serves by their OCIDs. An OCID is used once: an earlier takeover's line does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hooks.boot import watch

IN_SERVICE = watch.IN_SERVICE.strip()
_LINE = re.compile(rf"{re.escape(IN_SERVICE)}[ \t]*(?P<ids>[^\r\n]*)")


def line(attachment_ids: Iterable[str]) -> str:
    """The line as the boot service writes it."""
    return f"{IN_SERVICE} {' '.join(sorted(attachment_ids))}"


def in_service(text: str, attachment_ids: Iterable[str]) -> bool:
    """Whether the newest of those lines names exactly these attachments; an empty set is never in service."""
    wanted, lines = set(attachment_ids), _LINE.findall(text)
    return bool(wanted) and bool(lines) and set(lines[-1].split()) == wanted
