"""Where the stack of a site is planned and applied: in its folder, or in Resource Manager."""

from __future__ import annotations

import enum
from dataclasses import replace

from failover.model import identifiers
from failover.model.outcome import Usage
from failover.model.site import Site
from failover.stack.runner import StackRunner


class RunnerKind(enum.StrEnum):
    """What plans and applies the stack."""

    TERRAFORM = "terraform"
    RESOURCE_MANAGER = "resource-manager"


def chosen(site: Site, runner_name: str = "", stack_id: str = "") -> Site:
    """The site with what the command line says over what it says itself; raises Usage."""
    if runner_name and runner_name not in list(RunnerKind):
        raise Usage(f"--via {runner_name}: expected {' or '.join(RunnerKind)}", "choose one of them")
    if runner_name == RunnerKind.TERRAFORM:
        if stack_id:
            raise Usage(f"--via {RunnerKind.TERRAFORM} has no use for --stack-id", "leave one of the two out")
        return replace(site, terraform=replace(site.terraform, stack_id=""))
    wanted = identifiers.stack_id(stack_id, "--stack-id") if stack_id else site.terraform.stack_id
    if runner_name == RunnerKind.RESOURCE_MANAGER and not wanted:
        raise Usage(
            f"--via {RunnerKind.RESOURCE_MANAGER}: no stack is named",
            f'add --stack-id OCID, or stack_id = "ocid1.ormstack..." under [terraform] in {site.file}',
        )
    return replace(site, terraform=replace(site.terraform, stack_id=wanted))


def runner(site: Site) -> StackRunner:
    """What plans and applies the site's stack."""
    # python-terraform or the SDK is imported only where it is used: a refusal must stay quick
    if site.terraform.stack_id:
        from failover.stack.resource_manager import ResourceManagerStack  # noqa: PLC0415

        return ResourceManagerStack(site)
    from failover.stack.terraform import TerraformStack  # noqa: PLC0415

    return TerraformStack(site)
