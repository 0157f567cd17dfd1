"""Who switched: a person, or the job of a pipeline."""

from __future__ import annotations

import pytest

from failover.runs.whoami import who


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "octo\ncat", "GITHUB_RUN_ID": "7"},
            "octo cat (GitHub run 7)",
        ),
        ({"OCI_BUILD_RUN_ID": "ocid1.x"}, "OCI DevOps build ocid1.x"),
    ],
)
def test_a_pipelines_job_is_named_as_who_switched(environment: dict[str, str], expected: str) -> None:
    assert who(environment) == expected
    assert "@" in who({})
