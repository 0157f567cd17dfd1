"""The drills of a soak: the same for the same seed, each repeated by the command that is shown for it."""

from __future__ import annotations

from lab.breakage import MODES
from lab.drill import Choices
from lab.soak import command, draws, summary
from lab.story import Story


def test_the_same_seed_draws_the_same_drills_and_another_seed_others():
    assert draws(20, 7) == draws(20, 7)
    assert draws(20, 7) != draws(20, 8)
    assert draws(20, 7)[:3] == draws(3, 7)


def test_every_way_to_fail_is_drawn():
    drawn = draws(60, 1)
    assert {c.mode for c in drawn} == set(MODES)
    assert {c.clients for c in drawn} == {"remount", "reboot"}
    assert {c.standby for c in drawn} == {True, False}
    assert {c.kill_after is None for c in drawn} == {True, False}
    assert len({c.after for c in drawn}) > 20


def test_the_command_names_what_is_not_the_default():
    choices = Choices("hung", standby=True, after=2.5, kill_after=7.1)
    assert command(choices) == "./inv drill --mode hung --standby --after 2.5 --kill-after 7.1"
    assert command(Choices()) == "./inv drill"


def test_the_summary_adds_up_what_must_be_nothing():
    good = Story("dead", records_acknowledged=30, records_lost=0)
    bad = Story("hung", missing=["x"], records_acknowledged=12, records_lost=2, attached_twice=1)
    found = summary([(Choices(), good), (Choices("hung"), bad)], 3)
    assert (found["done"], found["failed"]) == (1, 1)
    assert (found["records_acknowledged"], found["records_lost"], found["attached_twice"]) == (42, 2, 1)
