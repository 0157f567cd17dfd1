"""OCI's instance metadata service, version 2: one text at one path."""

import http.client
from typing import Optional

ADDRESS = "169.254.169.254"
_TIMEOUT = 10.0


class Unreachable(Exception):
    """The metadata service gave no usable answer."""


def get(path: str, address: str = ADDRESS) -> Optional[str]:
    """The text at this path, None for a 404; raises Unreachable. Never through a proxy."""
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT)
    try:
        connection.request("GET", path, headers={"Authorization": "Bearer Oracle"})
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable("metadata service {}{}: {}".format(address, path, error)) from error
    finally:
        connection.close()
    if response.status == 404:
        return None
    if response.status != 200:
        raise Unreachable(
            "metadata service {}{}: found HTTP {}, expected 200".format(address, path, response.status)
        )
    return text
