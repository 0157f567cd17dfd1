"""What the command line asks for, as values; failover/command/choices.py checks them."""

from __future__ import annotations

from dataclasses import dataclass

from failover.checkout.origin import CLI
from failover.model.site import ClientMode


@dataclass(frozen=True)
class SiteChoice:
    """Which site, and where its stack is planned. "" and None: as the site file has it.

    `file`: the site file; None: $NFS_FAILOVER_SITE, else site.toml.
    `runner_name`: terraform or resource-manager (--via).
    `stack_id`: the OCID of a stack in Resource Manager.
    `transport`: how clients are reached, one of Transport.
    """

    file: str | None = None
    runner_name: str = ""
    stack_id: str = ""
    transport: str = ""


@dataclass(frozen=True)
class Request:
    """A failover, or its plan. `target` None: the server that the checkout's active.auto.tfvars names.

    `clients`: one of ClientMode. `unplanned`: the old server is treated as lost. `take_over`: the site's lock
    is taken from an owner that is stuck. `door`: who asks (failover/checkout/origin.py). `commit`: commit
    active.auto.tfvars afterwards. `changes`: ask Terraform what it would change. `copy`: one of CopyMode
    (failover/plan/model.py). `hold`: how long the old server is kept as it is, as 60m; "" for no hold.
    `rollback`: to the server that is held; `target` is None then. `only_clients`: bring these clients of the
    site over, and do nothing else; None: the whole site.
    `volumes_from`: a volume group, by OCID or name, whose copies become the site's volumes; `accept_loss`:
    what was written since then is given up.
    """

    target: str | None
    site: SiteChoice = SiteChoice()
    clients: str = ClientMode.REMOUNT
    yes: bool = False
    dry_run: bool = False
    unplanned: bool = False
    take_over: bool = False
    door: str = CLI
    commit: bool = False
    changes: bool = False
    copy: str = "none"
    only_clients: tuple[str, ...] | None = None
    hold: str = ""
    rollback: bool = False
    volumes_from: str = ""
    accept_loss: bool = False
