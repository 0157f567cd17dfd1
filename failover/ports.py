"""What a run reaches the world through, opened once: the stack's runner, the OCI API, the hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from failover.cloud.compute import Cloud
from failover.cloud.inventory import CloudReads
from failover.hosts import descriptors
from failover.hosts.hook_runner import Hosts
from failover.model.site import Site
from failover.observe.observer import Observer
from failover.stack.runner import StackRunner


@dataclass(frozen=True)
class Ports:
    """The site's doors, each with the site's own deadlines. `runner`: plans and applies the stack.

    `cloud` acts and waits; `reads` only looks. Both give a call up after [deadlines] api seconds.
    """

    site: Site
    runner: StackRunner
    cloud: Cloud
    hosts: Hosts
    observer: Observer

    @cached_property
    def reads(self) -> CloudReads:
        """Opened by the first precheck: a plan or a verification does without. Raises Usage."""
        return CloudReads(self.site.cloud, self.site.deadlines.api)


@contextmanager
def opened(site: Site, runner: StackRunner) -> Iterator[Ports]:
    """The doors for the block; connections to hosts are kept until its end. Raises Usage."""
    cloud = Cloud(site.cloud, site.deadlines.api)
    descriptors.provide(len(site.clients))
    hosts = Hosts(site)
    try:
        yield Ports(site, runner, cloud, hosts, Observer(site, cloud, hosts))
    finally:
        hosts.close()
