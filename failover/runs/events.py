"""The journal's words: each is written by a run and read by its report, so each has one name here."""

from __future__ import annotations

import enum


class Event(enum.StrEnum):
    """The journal's `event`. RUN_ENDED: the run was stopped; RUN_DONE: it came to its end."""

    RUN_STARTED = "run-started"
    STEP_STARTED = "step-started"
    STEP_DONE = "step-done"
    STEP_FAILED = "step-failed"
    VERIFY_STARTED = "verify-started"
    VERIFIED = "verified"
    RUN_DONE = "run-done"
    RUN_ENDED = "run-ended"


RUN_ENDS = (Event.RUN_DONE, Event.RUN_ENDED)

# The `source` of a fence that is not a proof: the report asks for that server to be powered off.
UNPROVEN = "the operator's --unplanned: the detach is the fence"
# How the message of a client's step begins that was done by a reboot: Slurm's nodes are resumed by it.
REBOOTED = "rebooted;"
