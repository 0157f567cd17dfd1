"""What Terraform gets of the operator's environment."""

from __future__ import annotations

from failover.stack.terraform_process import set_aside


def test_what_a_run_decides_is_not_handed_on() -> None:
    environment = (
        "PATH",
        "TF_VAR_region",
        "TF_LOG",
        "TF_VAR_fence",
        "TF_CLI_ARGS",
        "TF_CLI_ARGS_apply",
        "TF_WORKSPACE",
    )
    assert set_aside(environment) == ("TF_CLI_ARGS", "TF_CLI_ARGS_apply", "TF_VAR_fence")
