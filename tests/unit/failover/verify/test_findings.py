"""What verification says of a server that is not as specified: the reason, and not only the layer's name."""

from __future__ import annotations

from dataclasses import replace

from failover.model.host.hook_report import HookReport
from failover.verify import findings
from hooks.contract.result import HookResult, Layer
from tests.unit.failover.plan.site_model import usual

RIGHT = Layer("nfs", "present", False, 0.0, "exported: /mnt/a", {})
WRONG = Layer("locks", "broken", False, 0.0, "nfsdcld may not write there", {})


def said(*layers: Layer) -> tuple[bool, str]:
    observation = usual(up=True).observe("nfs-srv-2")
    report = HookReport("nfs-srv-2", HookResult("check", "server", "h", True, False, 0.0, "", layers))
    status = replace(observation.servers["nfs-srv-2"], answer=report)
    observation = replace(observation, servers={**observation.servers, "nfs-srv-2": status})
    finding = findings._server(observation)
    return finding.ok, finding.actual


def test_what_is_wrong_is_named_with_its_reason() -> None:
    assert said(RIGHT, WRONG) == (False, "locks broken: nfsdcld may not write there")


def test_what_is_right_is_a_word_for_each_layer() -> None:
    assert said(RIGHT) == (True, "nfs present")
