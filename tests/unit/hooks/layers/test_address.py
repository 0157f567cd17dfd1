"""The address layer looks for another owner while the layers below come up, on the device it will have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hooks.contract.parse import parse
from hooks.contract.spec import ServerSpec
from hooks.layers import address
from tests.unit.hooks.scripted_host import PlannedHost, fixture

ADDRESS = {"service_address": {"address": "10.0.0.100", "prefix": 24, "device": None}}
RIVAL = "Unicast reply from 10.0.0.100 [02:00:17:AA:BB:CC]  0.7ms\n"
ADDED = {"run": "ip address add 10.0.0.100/24 dev eth0"}
TOLD = {"run": "arping -q -U -c 2 -w 3 -I eth0 10.0.0.100", "code": 1}


def spec() -> ServerSpec:
    parsed = parse(json.dumps({**json.loads(fixture("server-spec.json")), **ADDRESS}))
    assert isinstance(parsed, ServerSpec)
    return parsed


def shown(*locals_: str) -> dict[str, str]:
    infos = [{"family": "inet", "local": one, "prefixlen": 24} for one in locals_]
    return {"run": "ip -j address show", "out": json.dumps([{"ifname": "eth0", "addr_info": infos}])}


def probed(out: str = "", device: str = "eth0") -> dict[str, str]:
    return {"run": f"arping -D -c 2 -w 1 -I {device} 10.0.0.100", "out": out}


def applied(root: Path, *commands: Any) -> list[str]:
    """`begin`, whose looks end, then `apply`."""
    made = PlannedHost(str(root), {"commands": list(commands)})
    address.begin(made, spec())
    address._EARLY[made].result()
    done = address.apply(made, spec())
    made.finish()
    return done


def test_the_probe_is_over_when_the_address_is_added(tmp_path: Path) -> None:
    early = [shown("10.0.0.12"), shown("10.0.0.12"), probed(RIVAL)]
    done = applied(tmp_path, *early, shown("10.0.0.12"), ADDED, TOLD)
    assert done[0] == "10.0.0.100 added to eth0"
    assert "10.0.0.100 is answered by 02:00:17:aa:bb:cc already" in done[1]


def test_a_network_that_came_up_meanwhile_is_probed_too(tmp_path: Path) -> None:
    route = {"run": "ip -j route show default", "out": json.dumps([{"dev": "eth9"}])}
    early = [shown("10.1.0.12"), shown("10.1.0.12"), route, probed(device="eth9")]
    done = applied(tmp_path, *early, shown("10.1.0.12", "10.0.0.12"), probed(RIVAL), ADDED, TOLD)
    assert "02:00:17:aa:bb:cc" in done[1]


def test_a_look_that_failed_is_made_again(tmp_path: Path) -> None:
    broken = {"run": "ip -j address show", "out": "no JSON"}
    assert applied(tmp_path, broken, shown("10.0.0.12"), probed(), ADDED, TOLD) == [
        "10.0.0.100 added to eth0"
    ]


def test_the_host_that_has_the_address_is_not_asked(tmp_path: Path) -> None:
    made = PlannedHost(str(tmp_path), {"commands": [shown("10.0.0.12", "10.0.0.100")]})
    address.begin(made, spec())
    assert address._EARLY[made].result() == ("", [])
    made.finish()


def test_a_probe_that_hangs_is_no_reason_to_stop(tmp_path: Path) -> None:
    hanging = {"run": "arping -D -c 2 -w 1 -I eth0 10.0.0.100", "hangs": True}
    early = [shown("10.0.0.12"), shown("10.0.0.12"), hanging]
    done = applied(tmp_path, *early, shown("10.0.0.12"), ADDED, TOLD)
    assert done == ["10.0.0.100 added to eth0"]
