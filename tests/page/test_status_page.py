"""The page of `status`: that it needs nothing else, that what hosts say is text, that a browser draws it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from failover.status import page
from failover.status.judge import judge
from failover.status.sight import Unread
from tests.page.test_page import BROWSER, browse, colours_of
from tests.unit.failover.status import sights

GOOD, BAD = (0x2F, 0x7D, 0x4F), (0xB3, 0x37, 0x2F)


def made(kind: str) -> str:
    seen = sights.SIGHTS[kind]()
    return page.html(seen, judge(seen))


@pytest.mark.parametrize("kind", sights.SIGHTS)
def test_the_page_loads_nothing_and_runs_nothing(kind):
    text = made(kind)
    assert not re.search(r"<script|<link|<img|@import|url\(|\bsrc=|\bhref=|\son\w+=", text)
    assert "default-src 'none'" in text


def test_what_others_say_is_text_never_markup():
    seen = replace(sights.in_order(), committed=Unread("<script>alert(1)</script>"))
    assert "<script>" not in page.html(seen, judge(seen))


@pytest.mark.skipif(not BROWSER, reason="chromium is not installed")
@pytest.mark.parametrize(("kind", "shown", "not_shown"), [("in_order", GOOD, BAD), ("midway", BAD, GOOD)])
def test_a_browser_draws_the_topology(kind: str, shown: tuple, not_shown: tuple, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(made(kind))
    dom = browse(tmp_path, "--dump-dom")
    assert dom.count("<rect ") == 5  # two volumes, two servers, a client
    for name in ("bv1", "bv2", "nfs-srv-1", "nfs-srv-2", "nfs-cli"):
        assert f">{name}</text>" in dom
    browse(tmp_path, f"--screenshot={tmp_path / 'page.png'}", "--window-size=1000,1200")
    colours = colours_of(tmp_path / "page.png")
    assert colours[shown] > 300  # pixels of frames and lines
    assert colours[shown] > 3 * colours.get(not_shown, 0)
