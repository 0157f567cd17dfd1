"""Who is active by each witness, what is unprotected, and the one command: on the model of a site."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from failover.cloud.resources import ImageFacts
from failover.model.observation import Presence
from failover.model.site import Objectives
from failover.runs.history import History, Kind
from failover.status import document, text
from failover.status.judge import judge
from failover.status.sight import Sight, Unread
from tests.unit.failover.plan.site_model import answer
from tests.unit.failover.status import sights


def by(seen: Sight) -> dict[str, str | None]:
    return {v.witness: v.server if v.known else "unknown" for v in judge(seen).voices}


def test_a_site_in_order_is_agreed_on_and_protected():
    judged = judge(sights.in_order())
    assert judged.agreement == "agree"
    assert {v.server for v in judged.voices} == {"nfs-srv-1"}
    assert len(judged.voices) == 6
    assert judged.next_servers == ("nfs-srv-2 is launched from golden",)
    assert judged.gaps == ()


def test_a_silent_active_server_is_unknown_and_never_down():
    seen = sights.dead()
    judged = judge(seen)
    assert by(seen)["the servers"] == "unknown"
    assert judged.agreement == "unknown"
    assert judged.gaps[0].command == "./inv failover --active nfs-srv-2"
    assert "not known" in judged.gaps[0].what
    shown = screen(seen)
    assert "down" not in shown
    assert "unknown: nfs-srv-1 itself: from op-1: ssh" in shown


def test_in_the_middle_of_a_failover_the_witnesses_differ_and_the_same_command_goes_on():
    seen = sights.midway()
    judged = judge(seen)
    assert judged.agreement == "disagree"
    assert (by(seen)["Terraform's state"], by(seen)["the API"]) == ("nfs-srv-1", "nfs-srv-2")
    assert judged.gaps[0].command == "./inv failover --active nfs-srv-2"


def test_without_a_journal_a_split_site_is_brought_to_what_the_state_says():
    seen = replace(sights.midway(), unfinished="")
    assert judge(seen).gaps[0].command == "./inv failover --active nfs-srv-1"
    assert judge(replace(seen, unfinished="gone")).gaps[0].command == "./inv failover --active nfs-srv-1"


def test_after_a_failover_the_site_is_unprotected_until_there_is_a_next_server():
    judged = judge(sights.after())
    assert judged.next_servers == ()
    assert [g.command for g in judged.gaps] == ["./inv reprotect", "git commit -m x -- active.auto.tfvars"]
    assert "nfs-srv-1 is STOPPED" in judged.gaps[0].what


def test_a_server_that_runs_and_has_released_everything_stands_by():
    world = replace(
        sights.usual(),
        hosts={
            "nfs-srv-1": sights.Host("RUNNING", up=True, serves=True),
            "nfs-srv-2": sights.Host("RUNNING", up=True),
        },
        moved=frozenset({"nfs-cli"}),
    )
    seen = sights.sight(world)
    standing = replace(
        seen.servers["nfs-srv-2"],
        presence=Presence.ANSWERS,
        answer=answer("nfs-srv-2", "broken"),
    )
    holding = replace(seen, servers={**seen.servers, "nfs-srv-2": standing})
    assert judge(seen).next_servers == ("nfs-srv-2 stands by (it was not asked)",)
    assert judge(holding).next_servers == ()
    assert "still has something of the service: iscsi" in judge(holding).gaps[0].what


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (Unread("OCI GetImage: HTTP 404"), "its image is not known: OCI GetImage: HTTP 404"),
        (replace(sights.in_order().images["nfs-srv-2"], state="DELETED"), "its image golden is DELETED"),
    ],
)
def test_an_image_that_cannot_be_launched_is_no_next_server(image, why):
    judged = judge(replace(sights.in_order(), images={"nfs-srv-2": image}))
    assert judged.gaps[0].command == "./inv reprotect"
    assert why in judged.gaps[0].what


def test_without_a_state_it_says_why_and_what_to_do():
    judged = judge(sights.without_state())
    assert judged.agreement == "unknown"
    assert judged.gaps[0].command == "correct [terraform] directory"
    assert "active server: not known" in screen(sights.without_state())


def test_an_api_that_does_not_answer_leaves_the_rest_to_be_seen():
    seen = sights.api_unread()
    judged = judge(seen)
    assert (by(seen)["the API"], by(seen)["the servers"]) == ("unknown", "nfs-srv-1")
    assert judged.agreement == "unknown"
    assert "attachments of bv1: OCI ListVolumeAttachments: no answer" in screen(seen)


def test_clients_that_are_left_are_named_with_the_command():
    gap = judge(sights.sight(sights.usual())).gaps[0]
    assert (gap.what, gap.command) == (
        "clients do not mount from nfs-srv-1: nfs-cli",
        "./inv failover --active nfs-srv-1",
    )


def test_a_preflight_that_was_never_done_or_did_not_end_well_is_a_gap():
    never = replace(sights.in_order(), history=History())
    refused = replace(
        sights.in_order(), history=History((sights.entry(Kind.PREFLIGHT, "refused", blocking=["image"]),))
    )
    assert judge(never).gaps[0].command == "./inv preflight"
    assert judge(refused).gaps[0].what == "the last preflight did not end well: image"


def test_objectives_are_met_or_missed_and_a_missed_one_is_a_gap():
    wanted = Objectives(outage_seconds=600, preflight_days=1, rehearsal_days=30, image_days=7)
    past = History(
        (
            sights.entry(Kind.PREFLIGHT, days=0.2),
            sights.entry(Kind.REHEARSAL, days=31),
            sights.entry(Kind.FAILOVER, outage_seconds=700, outage_exact=True, target="nfs-srv-1"),
        )
    )
    judged = judge(replace(sights.in_order(), objectives=wanted, history=past))
    assert {o.name: o.verdict for o in judged.objectives} == {
        "outage_seconds": "missed",
        "preflight_days": "met",
        "rehearsal_days": "missed",
        "image_days": "met",
    }
    assert any("rehearsal_days missed" in g.what for g in judged.gaps)


def test_an_outage_that_lasted_at_least_so_long_is_never_met():
    wanted = Objectives(outage_seconds=600)
    run = sights.entry(Kind.FAILOVER, outage_seconds=500, outage_exact=False)
    judged = judge(replace(sights.in_order(), objectives=wanted, history=History((run,))))
    assert judged.objectives[0].verdict == "not known"
    longer = sights.entry(Kind.FAILOVER, outage_seconds=601, outage_exact=False)
    judged = judge(replace(sights.in_order(), objectives=wanted, history=History((longer,))))
    assert judged.objectives[0].verdict == "missed"


@pytest.mark.parametrize("kind", sights.SIGHTS)
def test_every_sight_is_a_screen_and_json(kind):
    seen = sights.SIGHTS[kind]()
    shown = screen(seen)
    found = json.loads(json.dumps(document.document(seen, judge(seen))))
    assert found["active"] == seen.active
    assert (found["command"] is None) == found["protected"]
    if found["command"]:
        assert f"do this: {found['command']}" in shown
    assert all(line in shown for line in (f"unknown: {x}" for x in found["unknown"]))


def test_200_clients_are_a_screen_of_one_page():
    names = tuple(f"gpu-{n}" for n in range(200))
    world = replace(
        sights.usual(), clients=names, moved=frozenset(names[:150]), reached=frozenset(names[:190])
    )
    seen = sights.sight(world)
    assert judge(seen).voices[-1].basis == "150 of 200 from nfs-srv-1, 40 of 200 from no server, 10 not known"
    assert len(screen(seen).splitlines()) < 50
    assert len(document.document(seen, judge(seen))["clients"]) == 200


def test_ages_are_said_in_days():
    seen = replace(sights.in_order(), at=sights.NOW + timedelta(days=2))
    assert "taken 5.0 days ago" in screen(seen)


def screen(seen: Sight) -> str:
    out = StringIO()
    text.show(seen, judge(seen), Console(file=out, width=200, highlight=False, soft_wrap=True))
    return out.getvalue()


IMAGE = ImageFacts("golden", "AVAILABLE", sights.NOW - timedelta(days=3), "ocid1.image")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ((), "not compared with the active server yet: ./inv preflight"),
        ((("ocid1.image", "nfs-srv-1", 1.0),), "golden lacks a kernel (preflight 1.0 days ago)"),
        ((("ocid1.image", "nfs-srv-2", 1.0),), "not compared"),  # of the server that was active before
        ((("ocid1.other", "nfs-srv-1", 1.0),), "not compared"),
        ((("ocid1.image", "nfs-srv-1", 2.0), ("ocid1.other", "nfs-srv-1", 1.0)), "golden lacks"),
    ],
)
def test_an_image_s_drift_is_the_last_preflight_s(entries, words):
    past = [
        sights.entry(
            Kind.PREFLIGHT, days=days, active=active, image={"id": ocid, "drift": "golden lacks a kernel"}
        )
        for ocid, active, days in entries
    ]
    seen = replace(sights.in_order(), images={"nfs-srv-2": IMAGE}, history=History(tuple(past)))
    (line,) = (one for one in text.past(seen) if one.startswith("image of nfs-srv-2"))
    assert line.startswith("image of nfs-srv-2: golden, AVAILABLE, taken 3.0 days ago; ")
    assert words in line
    drift = document.document(seen, judge(seen))["images"]["nfs-srv-2"]["drift"]
    assert (drift is None) == words.startswith("not compared")
