"""The stack's output, whole and in part."""

from typing import Any

import pytest

from failover.model.outcome import Usage
from failover.model.stack_output import parse
from tests.unit.failover.preflight.ground import LAUNCH


def output(**server: Any) -> dict[str, Any]:
    entry = {
        "hostname": "s",
        "adopted": False,
        "exists": False,
        "instance_id": None,
        "address": None,
        **server,
    }
    return {"active": "s", "compartment_id": "c", "servers": {"s": entry}, "volumes": {}, "spec": {}}


def test_the_output_may_lack_what_a_server_is_launched_with() -> None:
    assert parse(output()).servers["s"].launch is None
    assert parse(output(launch=None)).servers["s"].launch is None
    assert parse(output(launch=vars(LAUNCH) | {"later": 1})).servers["s"].launch == LAUNCH
    with pytest.raises(Usage, match="image_id"):
        parse(output(launch={}))
