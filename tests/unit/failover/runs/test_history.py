"""The history of a site: what is appended is read again, whatever happened to the file between."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.runs import history
from failover.runs.history import Entry, Kind

AT = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)

plain = st.none() | st.booleans() | st.integers() | st.text()
zones = st.sampled_from((UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-3, minutes=-30))))
entries = st.builds(
    Entry,
    kind=st.sampled_from(list(Kind)).map(str) | st.text(),
    at=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=zones),
    outcome=st.text(),
    seconds=st.integers(0, 10**7).map(lambda n: n / 1000),
    facts=st.dictionaries(st.text(), plain | st.lists(plain) | st.dictionaries(st.text(), plain)),
)


@given(st.lists(entries, max_size=6))
def test_what_is_appended_is_read_again_in_order(wanted: list[Entry]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for entry in wanted:
            history.append(Path(folder) / "runs", entry)
        assert history.read(Path(folder) / "runs") == history.History(tuple(wanted))


@given(st.lists(entries, min_size=1, max_size=4), entries, st.data())
def test_a_line_that_was_cut_off_is_named_and_costs_no_other(
    before: list[Entry], after: Entry, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for entry in before:
            history.append(folder, entry)
        whole = (folder / history.FILE).read_bytes()
        start = whole[:-1].rfind(b"\n") + 1
        cut = data.draw(st.integers(start + 1, len(whole) - 2))  # some of the last line, and not all of it
        (folder / history.FILE).write_bytes(whole[:cut])

        found = history.read(folder)
        assert found.entries == tuple(before[:-1])
        assert len(found.broken) == 1
        assert f"line {len(before)} (the last line" in found.broken[0]

        history.append(folder, after)
        assert history.read(folder).entries == (*before[:-1], after)
        assert len(history.read(folder).broken) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"7",
        b"\xff\xfe",
        b"{}",
        b'{"at": "yesterday", "kind": "image", "outcome": "done", "seconds": 1, "facts": {}}',
        b'{"at": "2026-11-27T03:00:00", "kind": "image", "outcome": "done", "seconds": 1, "facts": {}}',
        b'{"at": "2026-11-27T03:00Z", "kind": "image", "outcome": "done", "seconds": "1", "facts": {}}',
        b'{"at": "2026-11-27T03:00Z", "kind": "image", "outcome": "done", "seconds": NaN, "facts": {}}',
        b'{"at": "2026-11-27T03:00Z", "kind": "image", "outcome": "done", "seconds": 1, "facts": []}',
        b"[" * 100_000,
    ],
)
def test_a_line_of_another_shape_is_named_and_the_others_are_read(tmp_path: Path, line: bytes) -> None:
    history.append(tmp_path, Entry(Kind.IMAGE, AT, "done", 1.0))
    with (tmp_path / history.FILE).open("ab") as stream:
        stream.write(line + b"\n")
    history.append(tmp_path, Entry(Kind.BACKUP, AT, "done", 2.0))
    found = history.read(tmp_path)
    assert [e.kind for e in found.entries] == ["image", "backup"]
    assert len(found.broken) == 1
    assert "line 2: " in found.broken[0]


def test_without_a_file_there_is_no_history(tmp_path: Path) -> None:
    found = history.read(tmp_path / "none")
    assert found == history.History()
    assert found.latest(Kind.PREFLIGHT) is None
    assert found.measured(Kind.FAILOVER) == {}


def test_latest_is_by_time_and_of_one_outcome_where_asked() -> None:
    def entry(hours: int, outcome: str, kind: str = Kind.PREFLIGHT) -> Entry:
        return Entry(kind, AT + timedelta(hours=hours), outcome, 1.0)

    found = history.History((entry(2, "refused"), entry(1, "done"), entry(9, "done", Kind.IMAGE)))
    assert found.latest(Kind.PREFLIGHT) == entry(2, "refused")
    assert found.latest(Kind.PREFLIGHT, "done") == entry(1, "done")
    assert found.latest(Kind.PREFLIGHT, "failed") is None


def test_measured_collects_each_step_s_seconds_and_leaves_out_what_is_no_time() -> None:
    first = Entry(Kind.FAILOVER, AT, "done", 9.0, {"steps": {"launch": 500, "switch": 40.5}})
    second = Entry(Kind.REHEARSAL, AT, "done", 9.0, {"steps": {"launch": 700.0, "switch": "soon", "a": True}})
    other = Entry(Kind.IMAGE, AT, "done", 9.0, {"steps": {"launch": 1.0}})
    odd = Entry(Kind.FAILOVER, AT, "done", 9.0, {"steps": [1, 2]})
    found = history.History((first, second, other, odd))
    assert found.measured(Kind.FAILOVER, Kind.REHEARSAL) == {"launch": (500.0, 700.0), "switch": (40.5,)}


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (Entry(Kind.IMAGE, datetime(2026, 11, 27), "done", 1.0), ValueError),
        (Entry(Kind.IMAGE, AT, "done", 1.0, {"a": float("nan")}), ValueError),
        (Entry(Kind.IMAGE, AT, "done", 1.0, {"a": object()}), TypeError),
    ],
)
def test_what_cannot_be_kept_leaves_the_file_as_it_is(
    tmp_path: Path, entry: Entry, error: type[Exception]
) -> None:
    history.append(tmp_path, Entry(Kind.IMAGE, AT, "done", 1.0))
    before = (tmp_path / history.FILE).read_bytes()
    with pytest.raises(error):
        history.append(tmp_path, entry)
    assert (tmp_path / history.FILE).read_bytes() == before


def test_writers_at_once_leave_one_whole_line_each(tmp_path: Path) -> None:
    writers = [
        multiprocessing.get_context("fork").Process(target=_append_ten, args=(tmp_path, n)) for n in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    lines = (tmp_path / history.FILE).read_text().splitlines()
    assert sorted(json.loads(line)["facts"]["n"] for line in lines) == sorted(list(range(4)) * 10)


def _append_ten(folder: Path, n: int) -> None:
    for _ in range(10):
        history.append(folder, Entry(Kind.BACKUP, AT, "done", 0.0, {"n": n, "long": "x" * 9000}))
