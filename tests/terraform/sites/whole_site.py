"""A site that is failed over again and again without a guest: all is real but hosts (doubles/hosts.py)."""

from __future__ import annotations

import functools
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from failover.command.request import Request, SiteChoice
from failover.report.report import Report
from failover.verbs import failover, preflight
from failover.verbs import rehearse as rehearsals
from failover.verbs import verify as verb
from failover.verbs.preflight import PreflightReport
from lab.provider.place import PATIENCE_VARIABLE
from lab.provider.process import ProviderProcess
from lab.site.stack import site_variables
from tests.paths import ROOT
from tests.terraform.conftest import SSH_KEY
from tests.terraform.doubles.hosts import AnsweringHost, HostsModel
from tests.terraform.sites.lab_cloud import LabCloud, serving
from tests.terraform.sites.laid_stack import LaidStack

TAG = "nfs-failover-server"
FIRST, SECOND = "nfs-srv-1", "nfs-srv-2"
DEADLINES = "boot = 5\npower = 6\nlaunch = 6\nswitch = 10\nhooks = 5\nclient = 5\napi = 2\ninterrupt = 1\n"


class ImpatientProvider(ProviderProcess):
    """The stand-in provider with two seconds in the place of the real one's minutes of asking again."""

    def _variables(self) -> dict[str, str]:
        patience = {"HTTP_REQUEST_TIMEOUT": "2s", PATIENCE_VARIABLE: "2"}
        return {**super()._variables(), **patience}


@dataclass
class WholeSite:
    """nfs-srv-1 is adopted and has bv1 and bv2; nfs-srv-2 is launched by the first run that needs it."""

    cloud: LabCloud
    stack: LaidStack
    file: Path
    model: HostsModel
    volumes: dict[str, str]
    first: str

    def fail_over(self, target: str, unplanned: bool = False, copy: str = "none") -> tuple[Report, str]:
        """The product's failover in this process: its report, and all that it said."""
        said = io.StringIO()
        console = Console(file=said, soft_wrap=True, highlight=False, width=200)
        with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, self.model)):
            request = Request(target, SiteChoice(str(self.file)), yes=True, unplanned=unplanned, copy=copy)
            report = failover.fail_over(request, console)
        return report, said.getvalue()

    def look(self) -> PreflightReport:
        """The product's preflight towards nfs-srv-2, without Terraform's plan."""
        with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, self.model)):
            return preflight.check(SECOND, SiteChoice(str(self.file)), terraform_plan=False)

    def verify(self) -> Report:
        """The product's verify."""
        with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, self.model)):
            return verb.verify(None, SiteChoice(str(self.file)), Console(file=io.StringIO()))

    def rehearse(self, **wanted: Any) -> tuple[Report, str]:
        """The product's rehearsal in this process, without a question: its report, and all that it said."""
        said = io.StringIO()
        console = Console(file=said, soft_wrap=True, highlight=False, width=200)
        with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, self.model)):
            chosen = rehearsals.Wanted(**{"yes": True, **wanted})
            report = rehearsals.rehearse(SiteChoice(str(self.file)), console, chosen)
        return report, said.getvalue()

    def command(self, target: str, last_event: int = 0) -> list[str]:
        """The same as a process of its own, which kills itself at an event of its journal."""
        where = [str(self.file), str(self.model.file.parent), str(self.cloud.run / "cloud.db")]
        return [sys.executable, "-m", "tests.terraform.sites.killed_run", *where, target, str(last_event)]

    def drive(self, target: str, last_event: int = 0) -> subprocess.Popen[str]:
        """That process, under way."""
        return subprocess.Popen(
            self.command(target, last_event),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def instances(self) -> dict[str, str]:
        """OCIDs by server; nfs-srv-2 is missing while it does not exist. More than one of it is an error."""
        seconds = [
            i["id"]
            for i in self.model.bodies("kind = 'instance'")
            if (i["freeformTags"] or {}).get(TAG) == SECOND
            and i["lifecycleState"] not in ("TERMINATED", "TERMINATING")
        ]
        assert len(seconds) <= 1, f"{SECOND} was launched more than once: {seconds}"
        return {FIRST: self.first, **dict.fromkeys([SECOND], *seconds)} if seconds else {FIRST: self.first}

    def holders(self) -> dict[str, list[str]]:
        """By volume: "STATE SERVER" of each attachment that is not DETACHED."""
        names = {ocid: name for name, ocid in self.instances().items()}
        listed = self.model.bodies("kind = 'volumeattachment'")
        live = [a for a in listed if a["lifecycleState"] != "DETACHED"]
        return {
            name: [
                f"{a['lifecycleState']} {names.get(a['instanceId'], a['instanceId'])}"
                for a in live
                if a["volumeId"] == volume_id
            ]
            for name, volume_id in self.volumes.items()
        }

    def left(self) -> str:
        """Who holds the volumes, in words: for the table."""
        told = {name: " and ".join(many) or "nobody" for name, many in self.holders().items()}
        same = len(set(told.values())) == 1
        return next(iter(told.values())) if same else ", ".join(f"{n}: {t}" for n, t in told.items())

    def serving(self) -> str:
        """The server that serves, by the model."""
        with self.model.open() as model:
            return ", ".join(sorted(model["serving"])) or "nobody"

    def assert_never_double(self) -> None:
        """Neither in the API nor on the hosts, at any time so far."""
        assert all(len(found) <= 1 for found in self.holders().values()), self.holders()
        with self.model.open() as model:
            assert model["violations"] == []

    def assert_settled_on(self, target: str) -> None:
        """The end state: once attached, served, in the state, with nothing left to do."""
        self.assert_never_double()
        assert self.holders() == {name: [f"ATTACHED {target}"] for name in self.volumes}
        assert self.serving() == target
        assert self.stack.active() == target
        assert f'"{target}"' in (self.stack.folder / "active.auto.tfvars").read_text()
        assert not list((self.file.parent / "runs" / "plans").glob("*"))

    def wait_at_most(self, deadlines: str) -> None:
        """From now on the site file has these [deadlines]."""
        before, rest = self.file.read_text().split("[deadlines]\n")
        _, clients = rest.split("[[clients]]")
        self.file.write_text(f"{before}[deadlines]\n{deadlines}\n[[clients]]{clients}")

    def silence(self, *names: str) -> None:
        """These hosts, and no others, do not answer."""
        with self.model.open() as model:
            model["silent"] = list(names)

    def see_nothing(self, *names: str) -> None:
        """To these hosts, and no others, no portal answers."""
        with self.model.open() as model:
            model["blind"] = list(names)

    def forget_second(self) -> None:
        """nfs-srv-2 is terminated behind Terraform's back."""
        if second := self.instances().get(SECOND):
            self.cloud.terminate(second)


@contextmanager
def whole_site(folder: Path, service_ip: str | None = None, elsewhere: bool = False) -> Iterator[WholeSite]:
    """A lab, a provider and an applied site of their own. `elsewhere`: nfs-srv-1 in another compartment."""
    lab = folder / "lab"
    lab.mkdir()
    with serving(lab) as cloud:
        provider = ImpatientProvider(lab).start()
        try:
            yield _applied(folder, cloud, provider, service_ip, elsewhere)
        finally:
            cloud.clear_faults()
            provider.stop()


def invented(
    cloud: LabCloud, service_ip: str | None = None, elsewhere: bool = False
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """A new first server, new volumes by name, and the variables of their site."""
    first = cloud.launch(FIRST, compartment=cloud.facts["tenancy_id"] if elsewhere else "")
    volumes = {name: cloud.volume(name) for name in ("bv1", "bv2")}
    variables = site_variables(
        cloud.facts,
        server_id=first,
        image_id=cloud.facts["base_image_id"],
        volume_ids=volumes,
        ssh_authorized_keys=SSH_KEY,
    )
    variables["servers"][SECOND].update(private_ip="10.0.0.112")
    if service_ip:
        variables["service_ip"] = service_ip
    return first, volumes, variables


def _applied(
    folder: Path, cloud: LabCloud, provider: ProviderProcess, service_ip: str | None, elsewhere: bool
) -> WholeSite:
    first, volumes, variables = invented(cloud, service_ip, elsewhere)
    stack = LaidStack(folder / "stack", variables, provider)
    stack.apply()
    (folder / "site.toml").write_text(_site_text(stack, cloud, provider))
    (folder / "known_hosts").touch()
    model = HostsModel(folder, cloud.run / "cloud.db")
    model.start(FIRST, first)
    return WholeSite(cloud, stack, folder / "site.toml", model, volumes, first)


def _site_text(stack: LaidStack, cloud: LabCloud, provider: ProviderProcess) -> str:
    environment = "\n".join(f"{k} = {json.dumps(v)}" for k, v in provider.environment().items())
    return f"""
[terraform]
directory = "{stack.folder}"
[terraform.environment]
{environment}
[oci]
config_file = "{cloud.run}/oci/config"
endpoint = "{cloud.endpoint}"
[ssh]
known_hosts = "known_hosts"
connect_seconds = 1
[deadlines]
{DEADLINES}
[[clients]]
name = "nfs-cli"
mounts = [{{ path = "/mnt/a", mount = "/mnt/nfs/a" }}]
"""
