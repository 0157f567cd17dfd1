"""Who switched: a person, or the job of a pipeline."""

from __future__ import annotations

import pytest

from failover.runs import whoami
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


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 12345"), OSError("no username")])
def test_a_user_without_a_name_is_a_number(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise error

    monkeypatch.setattr(whoami.getpass, "getuser", unknown)
    monkeypatch.setattr(whoami.os, "getuid", lambda: 12345)
    assert whoami.me()["user"] == "12345"
