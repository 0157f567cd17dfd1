"""The report's page: what it says of each run, that it needs nothing else, that a browser shows it."""

from __future__ import annotations

import html as markup
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from failover.report import conclusions, page
from failover.report.journal_reader import read_run
from failover.report.record import RunRecord
from tests.page import example

BROWSER = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def run_of(kind: str) -> RunRecord:
    return read_run(example.ID, example.EXAMPLES[kind]())


@pytest.mark.parametrize("kind", example.EXAMPLES)
@pytest.mark.parametrize("form", ["html", "markdown"])
def test_steps_outcome_person_and_what_is_left_are_in_every_report(kind, form):
    run = run_of(kind)
    text = page.html(run) if form == "html" else page.markdown(run)
    assert run.outcome in text
    for step in run.timeline:
        assert step.name in text
    assert f"{run.user} on {run.host}" in text
    assert run.command in text
    for line in conclusions.left_to_do(run):
        assert (markup.escape(line) if form == "html" else page.escaped(line)) in text


def test_the_page_loads_nothing_and_runs_nothing():
    text = page.html(run_of("done"))
    assert not re.search(r"<script|<link|<img|@import|url\(|\bsrc=|\bhref=|\son\w+=", text)
    assert "default-src 'none'" in text


def test_what_hosts_said_is_text_never_markup():
    run = read_run(example.ID, example.failed(reason="<script>alert(1)</script> | `x`"))
    assert "<script>" not in page.html(run)
    table = [line for line in page.markdown(run).splitlines() if line.startswith("| take-over")]
    assert r"\<script\>alert(1)\</script\> \| \`x\`" in table[0]


def test_the_fence_is_told_with_who_said_it_and_when():
    text = page.html(run_of("done"))
    assert "the API (GetInstance after STOP)" in text
    assert "2026-03-14 03:13:02 UTC" in text
    assert "filesystem absent" in page.html(run_of("planned"))


@pytest.mark.skipif(not BROWSER, reason="chromium is not installed")
@pytest.mark.parametrize("kind", example.EXAMPLES)
def test_a_browser_shows_the_steps_and_the_outcome(kind, tmp_path):
    run = run_of(kind)
    (tmp_path / "report.html").write_text(page.html(run))
    dom = browse(tmp_path, "--dump-dom")
    assert f'<span id="outcome" class="{run.outcome}">{run.outcome}</span>' in dom
    for step in run.timeline:
        assert dom.count(step.name) > 1  # in the drawing, and in the table
    bars = re.findall(r'<rect class="bar [^>]* x="([\d.]+)%" [^>]* width="([\d.]+)%"', dom)
    assert len(bars) == sum(s.start is not None for s in run.timeline)


@pytest.mark.skipif(not BROWSER, reason="chromium is not installed")
def test_the_page_is_not_blank_and_the_bars_are_drawn(tmp_path):
    (tmp_path / "report.html").write_text(page.html(run_of("done")))
    browse(tmp_path, f"--screenshot={tmp_path / 'page.png'}", "--window-size=1000,1200")
    colours = colours_of(tmp_path / "page.png")
    assert colours[(0x3A, 0x7C, 0xA5)] > 2000  # pixels of the bars' own colour
    assert len(colours) > 20


def browse(folder: Path, *flags: str) -> str:
    profile = folder / "profile"
    argv = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", *flags, f"file://{folder / 'report.html'}"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout


def colours_of(path: Path) -> dict[tuple[int, ...], int]:
    """How many pixels of each colour a PNG of 8-bit RGB or RGBA has (PNG specification, 9.2: filters)."""
    data, at, packed, width, size = path.read_bytes(), 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour in (2, 6)) == (8, True)
            size = 3 if colour == 2 else 4
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, stride = zlib.decompress(packed), width * size
    counts: dict[tuple[int, ...], int] = {}
    before = bytearray(stride)
    for start in range(0, len(raw), stride + 1):
        row = unfiltered(raw[start], raw[start + 1 : start + 1 + stride], before, size)
        for x in range(0, stride, size):
            pixel = tuple(row[x : x + 3])
            counts[pixel] = counts.get(pixel, 0) + 1
        before = row
    return counts


def unfiltered(kind: int, line: bytes, above: bytearray, size: int) -> bytearray:
    row = bytearray(line)
    for i in range(len(row)):
        left = row[i - size] if i >= size else 0
        corner = above[i - size] if i >= size else 0
        guess = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
        row[i] = (row[i] + guess) & 255
    return row


def paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))
