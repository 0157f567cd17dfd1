"""A site that is kept in Git: an origin, fresh clones of it as runners have them, one state for all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.paths import ROOT
from tests.terraform.doubles.github import NUMBER, REPOSITORY, TOKEN, Comments
from tests.terraform.sites.github_job import Done, run_job
from tests.terraform.sites.whole_site import WholeSite

ACTIVE = "terraform/active.auto.tfvars"
_PEOPLE = {"GIT_AUTHOR_NAME": "Aiko", "GIT_COMMITTER_NAME": "Aiko", "GIT_CONFIG_GLOBAL": os.devnull}
_PEOPLE |= {"GIT_AUTHOR_EMAIL": "aiko@example.com", "GIT_COMMITTER_EMAIL": "aiko@example.com"}


class GitSite:
    """The origin of a WholeSite. The state stays where the WholeSite has it, as a backend would keep it."""

    def __init__(self, folder: Path, site: WholeSite, backend: str = "") -> None:
        self.site = site
        self._folder = folder
        self._runners = 0
        self.origin = folder / "origin"
        stack = self.origin / "terraform"
        stack.mkdir(parents=True)
        for file in site.stack.folder.iterdir():
            if file.is_file() and ".tfstate" not in file.name and not file.name.startswith(".terraform"):
                shutil.copy(file, stack)
        state = json.dumps(str(site.stack.folder / "terraform.tfstate"))
        (stack / "backend.tf").write_text(
            backend or f'terraform {{\n  backend "local" {{ path = {state} }}\n}}\n'
        )
        self._write_site()
        wrapper = f'#!/bin/sh\nexec "{sys.executable}" -m tests.terraform.sites.run_verb "$@"\n'
        (self.origin / "inv").write_text(wrapper)
        (self.origin / "inv").chmod(0o755)
        (self.origin / ".gitignore").write_text((ROOT / ".gitignore").read_text().replace("site.toml\n", ""))
        self.git("init", "-q", "-b", "main")
        self.commit("Adopt the site")

    def _write_site(self) -> None:
        text = self.site.file.read_text()
        text = re.sub(r'directory = ".*"', 'directory = "terraform"', text)
        text = re.sub(r'config_file = ".*oci/config"', 'config_file = "~/.oci/config"', text)
        text = re.sub(r"known_hosts = .*\n", "", text)  # a runner's own, which no commit carries
        (self.origin / "site.toml").write_text(text)

    def git(self, *argv: str, folder: Path | None = None) -> str:
        """Git in the origin, or in a clone."""
        where = folder or self.origin
        done = subprocess.run(
            ["git", *argv],
            cwd=where,
            env={**os.environ, **_PEOPLE},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def ask_for(self, server: str, comment: str = "") -> None:
        """Commit the one line on whatever is checked out, in a later second than all that was before.

        Git keeps whole seconds: a commit of the same second as a switch is taken for the older one.
        """
        time.sleep(1 - time.time() % 1)
        (self.origin / ACTIVE).write_text(f'{comment}active_server = "{server}"\n')
        self.commit(f"Make {server} the active server")

    def runner(self, ref: str = "main", depth: int = 0) -> Runner:
        """A machine that has nothing but a clone of `ref`."""
        self._runners += 1
        home = self._folder / f"runner-{self._runners}"
        home.mkdir()
        shallow = [f"--depth={depth}"] if depth else []
        self.git("clone", "-q", *shallow, "--branch", ref, f"file://{self.origin}", str(home / "work"))
        return Runner(self, home)


class Runner:
    """One job's machine."""

    def __init__(self, site: GitSite, home: Path) -> None:
        self._site = site
        self.home = home
        self.checkout = home / "work"
        self.summary = home / "summary.md"
        self.summary.touch()

    def job(self, name: str, job: str, comments: Comments | None = None) -> list[Done]:
        """Run the job's steps."""
        return run_job(name, job, self.checkout, self._environment(comments), self._given())

    def inv(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A verb, as on a laptop that has the checkout."""
        return subprocess.run(
            ["./inv", *argv],
            cwd=self.checkout,
            env={**os.environ, **self._hosts(), **_PEOPLE},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def _hosts(self) -> dict[str, str]:
        whole = self._site.site
        return {
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "HOSTS_FOLDER": str(whole.model.file.parent),
            "HOSTS_DATABASE": str(whole.cloud.run / "cloud.db"),
        }

    def _environment(self, comments: Comments | None) -> dict[str, str]:
        event = self.home / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": NUMBER}}))
        return {
            **self._hosts(),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_RUN_ID": "42",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_API_URL": comments.address if comments else "",
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }

    def _given(self) -> Mapping[str, str]:
        lab = self._site.site.cloud.run / "oci"
        text = (lab / "config").read_text()
        key = re.search(r"^key_file *= *(.+)$", text, re.MULTILINE)
        assert key
        return {
            "secrets.OCI_CONFIG": text.replace(key[1], "~/.oci/key.pem"),
            "secrets.OCI_KEY": Path(key[1]).read_text(),
            "secrets.SSH_KEY": "",
            "secrets.KNOWN_HOSTS": "",
            "secrets.STATE_CREDENTIALS": "",
            "github.token": TOKEN,
        }
