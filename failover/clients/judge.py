"""What is wrong with the clients that were chosen: preflight's own judgement of them."""

from __future__ import annotations

from collections.abc import Sequence

from failover.model.observation import ClientStatus
from failover.preflight.check import Check
from failover.preflight.checks.hosts import answering


def judge(clients: Sequence[ClientStatus]) -> tuple[Check, ...]:
    """How many let us in, and what a run would refuse or lose on each; equal ones together."""
    single = [check for one in clients for check in answering.judge_client(one)]
    return (
        answering.judge_clients(clients),
        *answering.judge_following(clients),
        *answering.together(single),
    )
