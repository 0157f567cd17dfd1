"""The hooks that a refresh keeps for a boot: a place without them is named, and blocks nothing."""

from failover.preflight.checks.hosts.canaries import judge_copy
from hooks.contract.result import BROKEN, PRESENT, Layer


def test_a_place_that_has_the_hooks() -> None:
    check = judge_copy(Layer("hooks /mnt/a", PRESENT, False, 0.0, "2 versions kept", {}))
    assert (check.name, check.outcome.value, check.actual) == ("hooks /mnt/a", "ok", "2 versions kept")


def test_a_place_that_has_not() -> None:
    check = judge_copy(Layer("hooks /mnt/a", BROKEN, False, 0.0, "No space left on device", {}))
    assert (check.name, check.outcome.value) == ("hooks /mnt/a", "warning")
    assert check.actual == "not written: No space left on device"
    assert "an apply in the console may not complete by itself" in check.remedy
