"""`./inv` lists every verb once, under what it is for; messages and pages show no other command."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import tasks
from tests.paths import ROOT


def test_every_verb_is_in_one_group() -> None:
    listed = [name for names in tasks.GROUPS.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(tasks.ns.task_names) == {*listed, "verbs"}


@pytest.mark.parametrize("argv", [[], ["--list"], ["-l"]])
def test_they_are_what_inv_shows(argv: list[str]) -> None:
    shown = subprocess.run(
        [ROOT / "inv", *argv], capture_output=True, text=True, check=True, env=dict(os.environ), timeout=120
    ).stdout
    lines = [line.split()[0] for line in shown.splitlines() if line.startswith("  ")]
    assert lines[:2] == ["failover", "plan"]
    assert len(lines) == len(tasks.ns.task_names) - 1
    assert "in the worst hour:" in shown


WRITTEN = re.compile(r"(?:^|`)(?:\./inv|invoke) ([a-z][a-z.]*)([^`\n#\"']*)", re.MULTILINE)
PLACES = ("failover", "hooks", "lab", "templates", "docs", "terraform", ".github")
PAGES = ("README.md", "README.ja.md", "CONTRIBUTING.md")


def texts() -> Iterator[tuple[Path, str]]:
    """Everything that tells a person which command to type, but for the decisions of their day."""
    for place in (*PLACES, *PAGES):
        path = ROOT / place
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".md", ".j2", ".tf", ".toml", ".yml") and file.parent.name != "adr":
                yield file.relative_to(ROOT), file.read_text()


def options(verb: str) -> set[str]:
    named = {name.replace("_", "-") for argument in tasks.ns[verb].get_arguments() for name in argument.names}
    return named | {f"no-{name}" for name in named}


def test_every_command_that_a_message_or_a_page_shows_is_one() -> None:
    shown = [(file, *match.groups()) for file, text in texts() for match in WRITTEN.finditer(text)]
    assert len(shown) > 100
    verbs = set(tasks.ns.task_names)
    wrong = [f"{file}: {verb}" for file, verb, _ in shown if verb not in verbs]
    wrong += [
        f"{file}: {verb} --{option}"
        for file, verb, rest in shown
        if verb in verbs
        for option in re.findall(r"--([a-z-]+)", rest)
        if option not in options(verb)
    ]
    assert wrong == []
