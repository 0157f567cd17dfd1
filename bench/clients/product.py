"""One process of the product: it checks every client, twice, and does every client's step; prints JSON.

`python -m bench.clients.product BASE`: BASE has `targets`, an address a line, and the ssh_config.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from bench.clients.targets import EXPORT, MOUNT, NEW, OLD
from failover.act import progress
from failover.act.clients import bring_over
from failover.act.context import Crew
from failover.act.dispatch import do
from failover.act.execution import Execution
from failover.hosts import descriptors
from failover.hosts.hook_runner import Hosts
from failover.model.attachments import Attachments
from failover.model.observation import ClientStatus, Observation
from failover.model.site import (
    Client,
    ClientMode,
    ClientMount,
    CloudAccess,
    Deadlines,
    Site,
    SshAccess,
    TerraformAccess,
)
from failover.model.stack_output import Server, Stack
from failover.observe.observer import Observer
from failover.plan.model import Plan, Step, StepKind
from failover.runs.journal import Journal


def main(base: Path) -> int:
    addresses = (base / "targets").read_text().split()
    site, stack = _site(base, addresses), _stack()
    descriptors.provide(len(addresses))
    hosts = Hosts(site)
    cloud: Any = None
    observer = Observer(site, cloud, hosts)
    figures: dict[str, Any] = {}

    def timed(name: str, act: Callable[[], Any]) -> Any:
        start, cpu = time.monotonic(), _cpu()
        result = act()
        figures[name] = {"seconds": time.monotonic() - start, "cpu": _cpu() - cpu}
        return result

    timed("first", lambda: observer.clients(stack, "nfs-srv-2", ClientMode.REMOUNT))
    hosts.close()
    hosts = Hosts(site)
    observer = Observer(site, cloud, hosts)
    statuses = timed("again", lambda: observer.clients(stack, "nfs-srv-2", ClientMode.REMOUNT))
    observation = Observation(stack, "nfs-srv-2", {}, Attachments({}), statuses)
    ports: Any = SimpleNamespace(site=site, cloud=cloud, runner=None, hosts=hosts, observer=observer)
    reached = [c for c in statuses if c.answer]
    figures["reached"] = len(reached)
    figures["not_reached"] = dict(Counter(_reason(c) for c in statuses if not c.answer))
    steps = tuple(
        Step(StepKind.CLIENT, c.client.name, c.answer.complaint if c.answer else "") for c in reached
    )
    crew = Crew(ports, observation, ClientMode.REMOUNT)
    journal = Journal(site.runs, "nfs-srv-2")
    with (base / "terminal").open("w") as terminal:
        shown = progress.make(Console(file=terminal))
        execution = Execution(
            Plan("nfs-srv-2", None, steps, ()),
            partial(do, crew),
            journal,
            shown,
            crew.evidence.of,
            client=partial(bring_over, crew),
        )
        timed("step", execution.run)
    figures["done"] = len(execution.phases)
    hosts.close()
    figures["kib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(figures))
    return 0


def _reason(client: ClientStatus) -> str:
    words = client.trouble.reason if client.trouble else client.attempt.result if client.attempt else "silent"
    return words.replace(client.client.address, "it").replace(client.client.name, "it")


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _site(base: Path, addresses: list[str]) -> Site:
    mounts = (ClientMount(EXPORT, MOUNT),)
    return Site(
        file=base / "site.toml",
        terraform=TerraformAccess(base, {}),
        cloud=CloudAccess(base, "DEFAULT", ""),
        ssh=SshAccess("root", base / "key", base / "ssh_config", base / "known_hosts", 10.0),
        clients=tuple(Client(f"n{a.replace('.', '-')}", a, mounts) for a in addresses),
        runs=base / "runs",
        deadlines=Deadlines(client=30.0, hooks=30.0),
    )


def _stack() -> Stack:
    servers = {
        f"nfs-srv-{n}": Server(f"nfs-srv-{n}", f"nfs-srv-{n}", True, True, f"i{n}", address)
        for n, address in enumerate((OLD, NEW), 1)
    }
    exports: Any = {"volumes": [], "exports": [{"path": EXPORT}]}
    return Stack("nfs-srv-2", "c", servers, {}, exports)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
