"""A copy of the stack with a site and a state of its own, run through tftest."""

import copy
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import tftest

from failover.stack.state_lock import STATE_FILE
from lab.provider.process import ProviderProcess
from lab.site.stack import SOURCE, VARIABLES_FILE, lay_stack

Variables = dict[str, Any]
Actions = dict[str, list[str]]


class LaidStack:
    """Terraform commands in one laid stack."""

    def __init__(self, folder: Path, variables: Variables, provider: ProviderProcess) -> None:
        self.folder = lay_stack(folder, variables)
        (self.folder / "rendered").mkdir(exist_ok=True)
        (self.folder / "rendered" / "user_data").write_text("I2Nsb3VkLWNvbmZpZwo=\n")
        shutil.copytree(SOURCE / "tests", self.folder / "tests")
        self._variables = variables
        self.use(provider)
        # As after `terraform init`, which downloads nothing here and would be a start of Terraform more.
        (self.folder / ".terraform").mkdir(exist_ok=True)

    @classmethod
    def alone(cls, folder: Path, provider: ProviderProcess) -> "LaidStack":
        """What lies in `folder` already, with nothing laid beside it."""
        laid = cls.__new__(cls)
        laid.folder, laid._variables = folder, {}
        laid.use(provider)
        return laid

    def with_environment(self, variables: dict[str, str]) -> "LaidStack":
        """The same folder, its commands with these environment variables besides."""
        other = copy.copy(self)
        other._environment = {**self._environment, **variables}
        other._terraform = tftest.TerraformTest(str(self.folder), env=other._environment)
        return other

    def use(self, provider: ProviderProcess) -> None:
        """Run the commands to come on this provider."""
        self._environment = {**os.environ, **provider.environment()}
        self._terraform = tftest.TerraformTest(str(self.folder), env=self._environment)

    def plan(self, **variables: Any) -> "tftest.TerraformPlanOutput":
        return self._terraform.plan(output=True, tf_vars=_arguments(variables))

    def apply(self, **variables: Any) -> dict[str, Any]:
        """Apply, and return output `failover`."""
        self._terraform.apply(tf_vars=_arguments(variables))
        return self.output()

    def output(self) -> dict[str, Any]:
        """Output `failover` of the last apply, by the state's own file: a look that starts no Terraform."""
        state = json.loads((self.folder / STATE_FILE).read_text())
        return dict(state["outputs"]["failover"]["value"])

    def active(self) -> str:
        """The active server by the state's own file."""
        return str(self.output()["active"])

    def attachments(self) -> list[str]:
        """OCIDs of the attachments after the last apply, for `released` when their server gave them up."""
        return [volume["attachment_id"] for volume in self.output()["volumes"].values()]

    def actions(self, **variables: Any) -> Actions:
        """What a plan would do, but for the record of the switch (stack/test_switch_record.py)."""
        return {a: acts for a, acts in self.all_actions(**variables).items() if a != "terraform_data.switch"}

    def all_actions(self, **variables: Any) -> Actions:
        """What a plan would do: actions by address; no-ops and data sources are left out."""
        return {
            address: change["change"]["actions"]
            for address, change in self.plan(**variables).resource_changes.items()
            if change["change"]["actions"] not in (["no-op"], ["read"])
        }

    def is_settled(self, **variables: Any) -> bool:
        """Whether a plan has nothing to do, outputs included."""
        result = self.run("plan", "-detailed-exitcode", *_options(variables))
        assert result.returncode in (0, 2), result.stderr
        return result.returncode == 0

    def change_site(self, **changes: Any) -> None:
        self._write({**self._variables, **changes})

    def _write(self, variables: Variables) -> None:
        self._variables = variables
        (self.folder / VARIABLES_FILE).write_text(json.dumps(variables))

    def refusal(self, *, active_server: str | None = None, **changes: Any) -> str:
        """What a plan says when it refuses this site, on one line."""
        before = self._variables
        if changes:
            self.change_site(**changes)
        result = self.run("plan", *_options({"active_server": active_server} if active_server else {}))
        if changes:
            self._write(before)
        assert result.returncode == 1, result.stdout
        return re.sub(r"[\s│╷╵]+", " ", result.stderr)

    def run(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A terraform command as it is."""
        return subprocess.run(
            ["terraform", verb, "-no-color", *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )


def _arguments(variables: Variables) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in variables.items()}


def _options(variables: Variables) -> list[str]:
    return [f"-var={name}={value}" for name, value in _arguments(variables).items()]
