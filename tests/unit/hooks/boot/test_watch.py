"""The boot service: when it takes over, when it does not, and what it does without its volumes."""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from failover.observe import console_line
from hooks import cli, walk
from hooks.boot import metadata, watch
from hooks.boot.metadata import AttachedVolumes, Unreachable
from hooks.boot.watch import GONE_LOOKS, Watch
from hooks.contract.result import ABSENT, PRESENT, HookResult, Layer
from hooks.host import released, site_spec, taker
from tests.unit.hooks.scripted_host import PlannedHost, fixture

SPEC = fixture("server-spec.json")
HERE, MOVED = (
    AttachedVolumes(2, 2, SPEC, "a1 a2"),
    AttachedVolumes(2, 2, SPEC.replace("169.254.2.5", "169.254.2.9"), "a3 a4"),
)
AGAIN = AttachedVolumes(2, 2, SPEC, "a5 a6")  # other attachments at the same portals
PART, NONE = AttachedVolumes(1, 2, ""), AttachedVolumes(0, 2, "")


class Site:
    """The metadata service's answers, one for each look, and what the watch did about them."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Any] = []
        self.last: Any = NONE
        self.newest: Any = None  # what the second look, under the host's lock, is answered; None: the same
        self.taken: list[str] = []
        self.forgotten = 0
        self.ok = True
        self.layers = (Layer("nfs", PRESENT, True, 0.0, "", {}),)
        self.sessions = ABSENT
        self.released: list[tuple[str, ...]] = []
        (root / "run").mkdir()
        self.host = PlannedHost(str(root), {})
        self.watch = Watch(self.host, self.take_over, self.forget)
        monkeypatch.setattr(metadata, "look", lambda *_: self.answer())
        monkeypatch.setattr(walk, "check", lambda *_: [Layer("iscsi", self.sessions, False, 0, "", {})])
        monkeypatch.setattr(walk, "release", lambda _host, _spec, only: self.released.append(only))

    def answer(self) -> AttachedVolumes:
        self.last = self.answers.pop(0)
        if isinstance(self.last, Exception):
            raise self.last
        return self.last

    def take_over(self, newest: Callable[[], str]) -> HookResult:
        self.answers.insert(0, self.newest or self.last)
        self.taken.append(newest())
        return HookResult("apply", "server", "h", self.ok, True, 0.0, "", self.layers)

    def forget(self) -> None:
        self.forgotten += 1

    def looks(self, *answers: Any) -> list[HookResult]:
        self.answers = list(answers)
        return [result for _ in answers if (result := self.watch.look()) is not None]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_it_takes_over_once_all_volumes_are_there_and_only_once(site: Site) -> None:
    assert len(site.looks(NONE, PART, HERE, HERE, HERE)) == 1
    assert site.taken == [SPEC]
    assert site.host.notes[:2] == [
        "0 of 2 volumes are attached to this host",
        "1 of 2 volumes are attached to this host",
    ]


def test_an_operators_run_that_has_announced_itself_goes_first(site: Site) -> None:
    taker.announce(site.host)
    site.host.clock += 60  # the switch is under way
    assert site.looks(NONE, HERE, HERE) == []
    site.host.clock += taker.HELD_BACK_SECONDS - 1
    assert site.looks(HERE) == []
    site.host.clock += 1
    assert len(site.looks(HERE, HERE)) == 1, "the run has died, or has left nothing to do"
    assert [note for note in site.host.notes if "operator's run takes over" in note]


def test_volumes_that_go_and_come_again_are_waited_for_anew(site: Site) -> None:
    taker.announce(site.host)
    site.looks(HERE)
    site.host.clock += taker.HELD_BACK_SECONDS
    assert site.looks(PART, HERE) == []


def test_an_announcement_of_long_ago_holds_nobody_back(site: Site) -> None:
    taker.announce(site.host)
    site.host.clock += 901
    assert len(site.looks(HERE)) == 1


def test_the_spec_that_counts_is_that_of_under_the_lock(site: Site) -> None:
    renewed = AttachedVolumes(2, 2, SPEC.replace("/mnt/a", "/mnt/b"), "a1 a2")
    site.newest = renewed
    site.looks(HERE)
    assert site.taken == [renewed.text]
    assert site.looks(renewed) == [], "what it has taken over is that one"


def test_a_spec_that_these_hooks_do_not_understand_gives_way_to_the_metadata_s(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = AttachedVolumes(2, 2, json.dumps({**json.loads(SPEC), "a-later-key": 1}), "a1 a2")
    monkeypatch.setattr(site_spec, "kept", lambda _: {"volumes": []})
    monkeypatch.setattr(metadata, "look", lambda _, spec=None: later if spec else HERE)
    site.answers = [HERE]
    assert site.watch.look() is not None
    assert site.taken == [SPEC]
    site.watch.look()
    assert len([note for note in site.host.notes if "the metadata's spec is taken" in note]) == 1


def test_volumes_that_went_away_before_the_lock_are_not_taken_over(site: Site) -> None:
    site.newest = NONE
    assert site.looks(HERE) == []
    assert (site.taken, site.host.notes[-1]) == (
        [],
        "its volumes were taken away while it waited for another run",
    )
    site.newest = None
    assert len(site.looks(HERE)) == 1


def test_attached_anew_is_taken_over_anew(site: Site) -> None:
    site.looks(HERE, AGAIN, MOVED)
    assert site.taken == [HERE.text, HERE.text, MOVED.text]


def test_the_console_is_told_which_attachments_are_in_service(site: Site) -> None:
    site.looks(HERE, MOVED)
    said = [note for note in site.host.notes if "in service" in note]
    assert said == ["nfs-failover: in service: a1 a2", "nfs-failover: in service: a3 a4"]
    assert console_line.in_service("\r\n".join(site.host.notes), ["a4", "a3"])


def test_a_host_that_has_released_is_not_in_service(site: Site) -> None:
    site.layers = ()
    site.looks(HERE)
    assert not [note for note in site.host.notes if "in service" in note]


def test_a_standby_waits_for_as_long_as_it_runs(site: Site) -> None:
    site.looks(*[NONE] * 1000, HERE)
    assert site.taken == [SPEC]


def test_what_failed_is_tried_again(site: Site) -> None:
    site.ok = False
    (result,) = site.looks(HERE)
    assert not result.ok
    assert len(site.looks(HERE)) == 1


def test_a_release_is_forgotten_when_the_volumes_stay_away_not_at_the_first_empty_answer(site: Site) -> None:
    site.looks(*[NONE] * (GONE_LOOKS - 1), PART, *[NONE] * (GONE_LOOKS - 1))
    assert site.forgotten == 0
    site.looks(NONE)
    assert site.forgotten == 1


def test_other_attachments_than_those_that_were_released_are_taken_over_at_once(site: Site) -> None:
    site.looks(HERE)
    released.remember(site.host)
    site.looks(HERE, NONE)
    assert site.forgotten == 0
    site.looks(AttachedVolumes(1, 2, "", "a3"), MOVED)  # they come one by one
    assert site.forgotten == 1


@pytest.mark.parametrize(
    "looks",
    [
        [HERE],  # the first look since the release: they may have been there
        [AttachedVolumes(1, 2, "", "a1"), HERE],
        [NONE, Unreachable("no answer"), NONE],
    ],
    ids=["no look since", "seen in part", "none came"],
)
def test_a_release_holds_for_what_may_have_been_there(
    site: Site, looks: list[AttachedVolumes | Unreachable]
) -> None:
    released.remember(site.host)
    site.looks(*looks)
    assert site.forgotten == 0


def test_an_empty_answer_makes_no_new_attachment_of_one_that_was_released(site: Site) -> None:
    site.looks(HERE)
    released.remember(site.host)
    site.looks(NONE, HERE)
    assert site.forgotten == 0


def test_silence_is_not_gone(site: Site) -> None:
    site.looks(HERE, *[Unreachable("no answer")] * (GONE_LOOKS * 3))
    assert (site.forgotten, site.released) == (0, [])


def test_a_server_whose_volumes_were_taken_stops_serving(site: Site) -> None:
    site.looks(HERE, *[NONE] * GONE_LOOKS)
    assert site.released == [("address", "nfs")]
    site.looks(*[NONE] * GONE_LOOKS * 2)
    assert len(site.released) == 1


def test_standing_down_waits_for_the_hosts_lock_and_is_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watch, "_SECONDS", 0.05)
    with (tmp_path / "run/nfs-failover.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        site.looks(HERE, *[NONE] * GONE_LOOKS)
        assert site.released == []
    site.looks(*[NONE] * GONE_LOOKS)
    assert site.released == [("address", "nfs")]


def test_live_sessions_outweigh_an_empty_answer(site: Site) -> None:
    site.sessions = PRESENT
    site.looks(HERE, *[NONE] * GONE_LOOKS)
    assert site.released == []


def test_the_program_ends_with_what_failed_and_prints_what_worked(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    site.answers = [HERE, MOVED]
    outcomes = [True, False]
    monkeypatch.setattr(watch.metadata, "look", lambda *_: site.answer())
    monkeypatch.setattr(
        cli, "_take_over", lambda *_: HookResult("apply", "", "h", outcomes.pop(0), True, 0.0, "", ())
    )
    assert cli.main(["watch"], str(tmp_path)) == 3
    assert [json.loads(line)["ok"] for line in capsys.readouterr().out.splitlines()] == [True, False]
