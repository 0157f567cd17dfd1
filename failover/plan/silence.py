"""What it takes to believe that a server which holds volumes is silent: one function, for every door.

A server is *silent* when its login was tried over the network and no SSH answer came back, and a witness
shows that the network from here works: another host of the site answered SSH, reached the same way (directly,
or through the same jump host or command). An API that says that the server is not RUNNING is a witness too.

A server that shows a sign of life without letting us in is *alive*: a port of it accepts connections, or a
client still gets answers. It loses its power only after its successor answers.

Everything else is *unknown*: a fault of this machine, a refused login, a changed host key, no witness.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from failover.model import nodeset
from failover.model.host.attempt import Attempt
from failover.model.observation import Observation, Presence, ServerStatus

NFS_PORT = 2049


class Belief(enum.Enum):
    """What is believed of a server that does not let us in."""

    SILENT = "silent"
    ALIVE = "alive"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SilenceJudgement:
    """`evidence`: a line each, for a person. `remedy`: where it is UNKNOWN."""

    belief: Belief
    reason: str
    evidence: tuple[str, ...] = ()
    remedy: str = ""


def judge(server: ServerStatus, observation: Observation) -> SilenceJudgement:
    """Whether this server, which holds volumes and does not let us in, is silent."""
    name = server.server.name
    if server.instance_state != "RUNNING":
        return SilenceJudgement(Belief.SILENT, f"the API says {server.instance_state}", (_api(server),))
    evidence = tuple(_evidence(server))
    if server.presence is not Presence.SILENT or server.attempt is None:
        return _unknown(server, evidence)
    witnesses = list(_witnesses(server.attempt, name, observation))
    signs = (*server.signs, *_signs_of_clients(name, observation))
    if not witnesses:
        return _without_witness(server, evidence)
    evidence += (f"reached from here {server.attempt.way}: {', '.join(nodeset.listed(witnesses))}",)
    if signs:
        why = f"it does not let us in, but shows signs of life: {'; '.join(signs)}"
        return SilenceJudgement(Belief.ALIVE, why, (*evidence, *signs))
    return SilenceJudgement(Belief.SILENT, f"it does not answer, and {witnesses[0]} does", evidence)


def _unknown(server: ServerStatus, evidence: tuple[str, ...]) -> SilenceJudgement:
    name = server.server.name
    if server.trouble:
        remedy = f"{server.trouble.remedy}; or, if {name} is lost, add --unplanned"
        return SilenceJudgement(Belief.UNKNOWN, server.trouble.reason, evidence, remedy)
    return SilenceJudgement(
        Belief.UNKNOWN,
        f"{name} is RUNNING by the API and could not be tried: it has no known address",
        evidence,
        f"look at the VNIC of {name} in the console; or, if it is lost, add --unplanned",
    )


def _without_witness(server: ServerStatus, evidence: tuple[str, ...]) -> SilenceJudgement:
    name = server.server.name
    return SilenceJudgement(
        Belief.UNKNOWN,
        f"{name} does not answer, but no other host of the site answers from here either: "
        "this machine's network may be at fault",
        evidence,
        f"run it on a machine that reaches the hosts of the site; or, when {name} is known to be dead, "
        "add --unplanned",
    )


def _evidence(server: ServerStatus) -> Iterator[str]:
    yield _api(server)
    if server.attempt:
        yield f"{server.server.name}: {server.attempt.line}"
    elif server.trouble:
        yield f"{server.server.name}: {server.trouble.reason}"


def _api(server: ServerStatus) -> str:
    return f"{server.server.name}: the API says {server.instance_state}"


def _witnesses(attempt: Attempt, name: str, observation: Observation) -> Iterator[str]:
    """The other hosts of the site that answered SSH, reached the same way."""
    others = [(s.server.name, s.attempt) for s in observation.servers.values() if s.server.name != name]
    for other, tried in [*((c.client.name, c.attempt) for c in observation.clients), *others]:
        if tried and tried.answered and tried.way == attempt.way:
            yield other


def _signs_of_clients(name: str, observation: Observation) -> Iterator[str]:
    """What clients can tell of this server (hooks/client/client.py, facts "servers")."""
    facts = {c.client.name: c.answer.servers.get(name, {}) if c.answer else {} for c in observation.clients}
    for client in nodeset.listed(one for one, fact in facts.items() if fact.get("port_2049") == ""):
        yield f"client {client} reaches port {NFS_PORT} of {name}"
    for client in nodeset.listed(one for one, fact in facts.items() if fact.get("answers") is True):
        yield f"client {client} still gets answers from {name}"
