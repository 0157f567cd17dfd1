"""What is wrong with the clients that were chosen: preflight's own judgement of them."""

from __future__ import annotations

from collections.abc import Sequence

from failover.model.observation import ClientStatus
from failover.preflight.check import Check
from failover.preflight.checks import hosts


def judge(clients: Sequence[ClientStatus]) -> tuple[Check, ...]:
    """How many let us in, and what a run would refuse or lose on each; equal ones together."""
    single = [check for one in clients for check in hosts.judge_client(one)]
    return (hosts.judge_clients(clients), *hosts.judge_following(clients), *hosts.together(single))
