"""A workflow's job as a runner would do it: its own `run:` lines, in order, in a fresh clone.

Checkout and Terraform are there already (`uses:` steps are looked at, not run). An expression that is not
known here fails the test: what a runner would put in its place would be a guess.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.paths import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
_EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")


@dataclass(frozen=True)
class Done:
    """One step that ran."""

    name: str
    code: int
    out: str
    err: str


def workflow(name: str) -> dict[str, Any]:
    """A workflow as data; YAML 1.1 reads the key `on` as true."""
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())
    return {str("on" if key is True else key): value for key, value in found.items()}


def run_job(
    name: str, job: str, checkout: Path, environment: Mapping[str, str], given: Mapping[str, str]
) -> list[Done]:
    """Run the job's `run:` steps with GitHub's default shell. `given`: expression -> value."""
    done: list[Done] = []
    described = workflow(name)["jobs"][job]
    for step in (s for s in described["steps"] if "run" in s):
        assert step.get("if") in (None, "always()"), step
        if any(d.code for d in done) and "if" not in step:
            continue
        texts = {**described.get("env", {}), **step.get("env", {})}
        variables = {k: _filled(str(v), given) for k, v in texts.items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", _filled(step["run"], given)],
            cwd=checkout,
            env={**os.environ, **environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        done.append(Done(step["name"], ran.returncode, ran.stdout, ran.stderr))
    return done


def _filled(text: str, given: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda m: given[m[1]], text)
