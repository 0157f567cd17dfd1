"""What a client's lines said before they were migrated to the service's address: kept, to be had back."""

import json
from typing import Dict, Iterable, List, NamedTuple, Tuple

from hooks.client.lines.fstab import MountLine
from hooks.host import places, text_file
from hooks.host.host import Host

FILE = places.DISK + "/migrated.json"


class FormerLine(NamedTuple):
    """A line's source and options as they were, by its file and mount point."""

    file: str
    mount: str
    source: str
    options: str

    @property
    def host(self) -> str:
        """What the source named, in its own spelling."""
        return self.source.partition(":/")[0].strip("[]")


FormerLines = Dict[Tuple[str, str], FormerLine]


def read(host: Host) -> FormerLines:
    """Every line that was migrated on this client, by its file and mount point. Raises OSError."""
    return _parsed(host.read(FILE) or "")


def keep(host: Host, lines: Iterable[MountLine]) -> None:
    """Writes these lines down as they are now; what is kept of one already stays. Raises HookError."""
    now = {(one.file, one.mount): FormerLine(one.file, one.mount, one.source, one.options) for one in lines}
    text_file.edit(host, FILE, lambda text: _text({**now, **_parsed(text)}), 0o600)


def forget(host: Host, lines: Iterable[MountLine]) -> None:
    """These lines name a server again. Raises HookError."""
    removed = {(one.file, one.mount) for one in lines}
    text_file.edit(
        host,
        FILE,
        lambda text: _text({key: one for key, one in _parsed(text).items() if key not in removed}),
    )


def _text(lines: FormerLines) -> str:
    rows: List[Dict[str, str]] = [dict(one._asdict()) for _, one in sorted(lines.items())]
    return json.dumps(rows, indent=1) + "\n" if rows else ""


def _parsed(text: str) -> FormerLines:
    """What is no record of ours any more costs the lines' own spelling, not the way back."""
    try:
        lines = [FormerLine(**row) for row in json.loads(text or "[]")]
    except (ValueError, TypeError):
        return {}
    return {(one.file, one.mount): one for one in lines}
