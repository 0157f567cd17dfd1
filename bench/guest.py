"""The hooks on a guest by plain ssh, as somebody without the operator's side would run them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from failover.bundle import zipapp
from lab.site.ssh_access import GuestAccess
from lab.system.errors import HardwareError

_ZIPAPP = "hooks.pyz"
_SECONDS = 300


def deliver(access: GuestAccess, address: str) -> None:
    """Write the zipapp into the login's home folder."""
    encoded = base64.b64encode(zipapp.hooks_bytes()).decode()
    access.run(address, ["sh", "-c", f"base64 -d > {_ZIPAPP}"], stdin=encoded)


def hooks(access: GuestAccess, address: str, action: str, spec: Mapping[str, Any]) -> None:
    """Run them as root; raises HardwareError when they do not end well."""
    argv = ["sudo", "python3", _ZIPAPP, action, "--spec", "-"]
    out = access.run(address, argv, stdin=json.dumps(spec), deadline_seconds=_SECONDS)
    if not json.loads(out)["ok"]:
        raise HardwareError(out)
