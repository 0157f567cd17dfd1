"""A takeover's moments are read from what each way leaves; ratios are of medians."""

import os
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bench.pacemaker import power
from bench.pacemaker.bench import main, show
from bench.pacemaker.moments import (
    ProbeCall,
    Takeover,
    first_after,
    medians,
    of_journal,
    of_log,
    ratio,
    stall,
    stamp,
)
from bench.pacemaker.processor import cpu_seconds, used_between
from lab.system.errors import HardwareError

JOURNAL = [
    {"at": "2026-11-27T16:00:00+00:00", "event": "run-started"},
    {"at": "2026-11-27T16:00:01+00:00", "event": "step-started", "step": "power-off nfs-srv-1"},
    {
        "at": "2026-11-27T16:00:04+00:00",
        "event": "step-done",
        "step": "power-off nfs-srv-1",
        "seconds": 3.0,
        "fence": [{"server": "nfs-srv-1", "at": "2026-11-27T16:00:03.500000+00:00"}],
    },
    {"at": "2026-11-27T16:00:06+00:00", "event": "step-done", "step": "switch nfs-srv-2", "seconds": 2.0},
    {"at": "2026-11-27T16:00:06.250000+00:00", "event": "step-started", "step": "take-over nfs-srv-2"},
    {
        "at": "2026-11-27T16:00:12+00:00",
        "event": "step-done",
        "step": "take-over nfs-srv-2",
        "seconds": 5.75,
        "hooks": {"nfs-srv-2": {"apply": {"seconds": 5.0, "layers": {"iscsi": {"seconds": 1.5}}}}},
    },
]
FENCED = datetime(2026, 11, 27, 16, 0, 3, 500000, tzinfo=UTC).timestamp()
NODE = "nfs-srv-2 pacemaker-controld  [9]"
TERMINATED = "(tengine_stonith_notify) notice: Peer nfs-srv-1 was terminated (off) by nfs-srv-2 on behalf of"
STARTED = "(te_rsc_command) notice: Initiating start operation lvm_start_0 locally on nfs-srv-2 | action 8"
LOG = f"""\
Nov 27 15:00:00.100 {NODE} {TERMINATED} pacemaker-controld.9: OK
Nov 27 15:00:01.100 {NODE} {STARTED}
Nov 27 16:00:00.500 {NODE} {TERMINATED} pacemaker-controld.9: OK
Nov 27 16:00:02.750 {NODE} {STARTED}
"""


def takeover(way, after_fence, on_target=None, cpu=1.0):
    served = 10.0 + after_fence
    return Takeover(way, "nfs-srv-2", 0.0, 10.0, served - (on_target or after_fence), served, cpu)


def test_a_runs_journal_says_when_the_fence_was_proven_and_the_takeover_began():
    fenced, began, parts = of_journal(JOURNAL)
    assert fenced == FENCED
    assert began == pytest.approx(FENCED + 2.75)
    assert parts == (("switch nfs-srv-2", 2.0), ("take-over nfs-srv-2", 5.75), ("- iscsi", 1.5))


@pytest.mark.parametrize("left_out", ["power-off nfs-srv-1", "take-over nfs-srv-2"])
def test_a_journal_without_a_fence_or_a_takeover_is_no_measurement(left_out):
    events = [event for event in JOURNAL if event.get("step") != left_out]
    with pytest.raises(HardwareError, match="no power-off or no take-over"):
        of_journal(events)


def test_pacemakers_log_is_read_from_the_last_fence_of_that_peer_on_by_our_clock():
    fenced, began = of_log(LOG, "nfs-srv-1", 2026, ahead=0.5)
    assert fenced == datetime(2026, 11, 27, 16, 0, 0, tzinfo=UTC).timestamp()
    assert began - fenced == pytest.approx(2.25)


def test_a_fence_that_failed_or_was_of_another_peer_is_none():
    with pytest.raises(HardwareError, match="does not say that nfs-srv-2"):
        of_log(LOG, "nfs-srv-2", 2026, 0.0)
    with pytest.raises(HardwareError, match="does not say that nfs-srv-1"):
        of_log(LOG.replace(": OK", ": Timer expired"), "nfs-srv-1", 2026, 0.0)


def test_a_fence_after_which_nothing_was_started_is_no_takeover():
    with pytest.raises(HardwareError, match="no start of a resource"):
        of_log("\n".join(LOG.splitlines()[:3]), "nfs-srv-1", 2026, 0.0)


def test_a_line_with_whole_seconds_has_a_time_and_one_without_has_none():
    assert stamp("Nov  7 16:00:00 nfs-srv-2 x", 2026) == datetime(2026, 11, 7, 16, tzinfo=UTC).timestamp()
    with pytest.raises(HardwareError, match="no time at the beginning"):
        stamp("Set r/w permissions for uid=107", 2026)


def test_the_first_call_is_an_answered_one_that_ended_after_the_fence():
    calls = [
        ProbeCall(5.0, 5.1, True),
        ProbeCall(6.9, 10.5, True),  # the old server's, noted late
        ProbeCall(8.0, 11.0, False),
        ProbeCall(12.2, 12.5, True),
        ProbeCall(11.0, 12.4, True),
    ]
    assert first_after(calls, 7.0, 10.0) == 12.4
    assert first_after(calls, 7.0, 12.5) is None


def test_a_writers_stall_is_the_longest_gap_that_ends_after_the_cut():
    assert stall([1.0, 1.5, 2.0, 30.0, 30.5], cut=1.9) == (28.0, 30.0)
    assert stall([1.0, 1.5, 2.0], cut=2.0) is None
    assert stall([0.0, 20.0, 20.5, 21.0, 29.0], cut=20.7) == (8.0, 29.0)


def test_ratios_are_of_medians_and_nothing_is_made_of_what_was_not_measured():
    three = [takeover("a", 3.0), takeover("a", 9.0), takeover("a", 4.0), takeover("b", 8.0)]
    assert ratio(medians(three, "a"), medians(three, "b"), "after_fence") == 0.5
    assert medians(three, "c") == {}
    assert ratio(medians(three, "a"), {}, "after_fence") is None


def test_the_table_compares_us_with_each_of_the_others():
    three = [
        takeover("this", 6.0, 3.0, cpu=2.0),
        takeover("Pacemaker", 30.0, cpu=8.0),
        takeover("bare shell", 10.0, 2.5, cpu=4.0),
    ]
    ratios = show(three, Console(quiet=True))
    assert ratios == {
        "pacemaker": 0.2,
        "shell": 0.6,
        "shell_on_target": 1.2,
        "pacemaker_cpu": 0.25,
        "shell_cpu": 0.5,
    }


def test_a_way_that_is_not_known_is_refused(capsys):
    assert main("product,heartbeat", 1) == 2
    assert "heartbeat" in capsys.readouterr().out


class Guests:
    """Two guests with their power."""

    def __init__(self):
        self.on = {"i1", "i2"}

    def power_off(self, instance):
        self.on.discard(instance)

    def is_on(self, instance):
        return instance in self.on


def test_the_power_switch_cuts_the_one_that_is_named_and_no_other():
    guests, names = Guests(), {"nfs-srv-1": "i1", "nfs-srv-2": "i2"}
    assert power.answer(guests, names, "status nfs-srv-1\n") == "on"
    assert power.answer(guests, names, "off nfs-srv-1\n") == "off"
    assert guests.on == {"i2"}
    assert power.answer(guests, names, "off\n").startswith("error")
    assert power.answer(guests, names, "off nfs-srv-3\n").startswith("error")
    assert guests.on == {"i2"}


def test_a_guests_seconds_are_those_between_two_samples():
    samples = [(10.0, 1.0), (11.0, 1.5), (12.0, 2.5), (13.0, 2.75)]
    assert used_between(samples, 11.0, 12.5) == 1.25
    assert used_between(samples, 9.0, 99.0) == 1.75
    assert used_between([], 9.0, 99.0) == 0.0


def test_a_process_has_used_what_proc_says_and_one_that_ended_nothing():
    used = cpu_seconds(os.getpid())
    assert used is not None
    assert 0 < used <= sum(os.times()[:2]) + 0.1
    assert cpu_seconds(2**22 + 1) is None
