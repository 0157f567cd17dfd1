"""The hooks at an address that the instance's metadata names. The address is never shown: it may be a key.

A pre-authenticated request of Object Storage gives its file to whoever has the address. The file is no
secret, and only the pinned one is run; yet an address in a log is one that somebody has to change.
"""

import http.client
import time
import urllib.error
import urllib.request
from typing import Callable, Optional

from hooks.boot import metadata
from hooks.host.copies import LARGEST, CopyCheck, judge

PATH = "/opc/v2/instance/metadata/nfs_failover_hooks_url"
_WHERE = "the URL in metadata key nfs_failover_hooks_url"
_TIMEOUT = 20.0  # seconds, of one read
_SECONDS = 120.0
Read = Callable[[str], Optional[str]]


def fetch(pinned: str, get: Read = metadata.get) -> CopyCheck:
    """What lies there, once its SHA-256 is the pinned one. Raises metadata.Unreachable."""
    address = (get(PATH) or "").strip()
    if not address:
        return CopyCheck(None, _WHERE + ": none given")
    if not address.startswith(("https://", "http://")):
        return CopyCheck(None, _WHERE + ": found another scheme, expected https://")
    try:
        return judge(_WHERE, _download(address), pinned)
    except urllib.error.HTTPError as error:
        return CopyCheck(None, "{}: found HTTP {}, expected 200".format(_WHERE, error.code))
    except urllib.error.URLError as error:
        return CopyCheck(None, "{}: {}".format(_WHERE, _cause(error.reason)))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return CopyCheck(None, "{}: {}".format(_WHERE, _cause(error)))


def _download(address: str) -> bytes:
    """The body, as far as the largest hooks would go. Never through a proxy."""
    end, content = time.monotonic() + _SECONDS, b""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=_TIMEOUT) as answer:
        while len(content) < LARGEST:
            part = answer.read(65536)
            if not part:
                return content
            content += part
            if time.monotonic() > end:
                raise OSError(None, "not whole within {:.0f} s".format(_SECONDS))
    return content


def _cause(error: object) -> str:
    """A system's word for it; a text of the library could quote the address."""
    text = error.strerror if isinstance(error, OSError) else None
    return text or type(error).__name__
