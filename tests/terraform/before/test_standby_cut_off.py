"""`standby.up` and `standby.down` whose operator is killed, and what they refuse, on real Terraform and API.

The hosts are doubles. The same command goes on; production is untouched; nothing is left that costs money.
"""

from __future__ import annotations

import functools
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import oci
import pytest

from failover.command.request import SiteChoice
from failover.model.outcome import Outcome
from failover.verbs import standby
from lab.site.stack import VARIABLES_FILE
from tests import sources
from tests.paths import ROOT
from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.SEEN)

ON_FIRST = {"bv1": [f"ATTACHED {FIRST}"], "bv2": [f"ATTACHED {FIRST}"]}
TERRAFORM_S = [f"terraform {cmd} {when}" for cmd in ("plan", "apply") for when in ("under way", "ended")]
OVER = ("TERMINATED", "DETACHED")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("standby")) as site:
        hosts = functools.partial(AnsweringHost, site.model)
        with mock.patch("failover.hosts.hook_runner.SshHost", hosts):
            yield site


@pytest.fixture
def site(made: WholeSite) -> Iterator[WholeSite]:
    """nfs-srv-1 serves and has the volumes, whatever the test did; nfs-srv-2 does not exist at its end."""
    before, variables = cloud_of(made), (made.stack.folder / VARIABLES_FILE).read_text()
    yield made
    made.cloud.clear_faults()
    (made.stack.folder / VARIABLES_FILE).write_text(variables)
    assert (made.serving(), made.holders()) == (FIRST, ON_FIRST)
    made.assert_never_double()
    assert cloud_of(made) == before
    assert made.stack.is_settled()


@pytest.fixture(scope="module")
def mortal(made: WholeSite) -> Iterator[Callable[[str, str], None]]:
    """The action for nfs-srv-2, whose operator is killed at this effect (killed_standby.py)."""
    where = [str(made.file), str(made.model.file.parent), str(made.cloud.run / "cloud.db")]
    words = [sys.executable, "-m", "tests.terraform.sites.killed_standby", *where]
    log = made.file.parent / "killed.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True
        )

    def kill_at(action: str, effect: str) -> None:
        process.stdin.write(f"{action} {SECOND} {effect}\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == str(-signal.SIGKILL), log.read_text()

    yield kill_at
    process.communicate(timeout=60)


def cloud_of(site: WholeSite) -> dict[str, list[str]]:
    """Whatever costs money, past the API: OCIDs by kind."""
    kinds = ("instance", "bootvolume", "volume", "volumeattachment", "vnicattachment")
    bodies = {kind: site.model.bodies("kind = ?", kind) for kind in kinds}
    return {k: sorted(b["id"] for b in v if b["lifecycleState"] not in OVER) for k, v in bodies.items()}


def verb(site: WholeSite, action: str) -> int:
    return standby.main(action, SECOND, SiteChoice(str(site.file)), yes=True)


@pytest.mark.parametrize("effect", [*TERRAFORM_S, " survey ", " release "])
def test_killed_while_it_brings_one_up_the_same_command_goes_on(
    site: WholeSite, mortal: Callable[[str, str], None], effect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mortal("up", effect)
    assert verb(site, "up") == 0, capsys.readouterr()
    assert list(site.instances()) == [FIRST, SECOND], "exactly one was launched"
    assert verb(site, "down") == 0, capsys.readouterr()


@pytest.mark.parametrize("effect", ["the API's terminate", *TERRAFORM_S])
def test_killed_while_it_takes_one_down_the_same_command_goes_on(
    site: WholeSite, mortal: Callable[[str, str], None], effect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb(site, "up") == 0, capsys.readouterr()
    mortal("down", effect)
    capsys.readouterr()
    assert verb(site, "down") == 0, capsys.readouterr()
    words = "does not exist" if effect == "terraform apply ended" else "terminated already"
    assert words in capsys.readouterr().out or effect == "terraform apply under way"


@pytest.fixture(scope="module")
def unfinished(made: WholeSite) -> str:
    """An image that is PROVISIONING, of an instance that nobody of the site knows."""
    made.cloud.inject(operation="CreateImage", stuck=True)
    details = oci.core.models.CreateImageDetails(
        compartment_id=made.cloud.facts["compartment_id"],
        instance_id=made.cloud.launch("by-hand"),
        display_name="unfinished",
    )
    return str(made.cloud.compute.create_image(details).data.id)


def of_second(site: WholeSite, **fields: str) -> None:
    """From now on the variables have these for nfs-srv-2; nothing is applied."""
    path = site.stack.folder / VARIABLES_FILE
    variables: dict[str, Any] = json.loads(path.read_text())
    variables["servers"][SECOND].update(fields)
    path.write_text(json.dumps(variables))


def test_one_from_an_image_that_is_not_whole_is_not_launched(
    unfinished: str, site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    of_second(site, image_id=unfinished)
    assert verb(site, "up") == Outcome.REFUSED.exit_code
    said = capsys.readouterr().err
    assert "image unfinished is PROVISIONING, expected AVAILABLE" in said
    assert "set another image_id" in said
    of_second(site, image_id=site.cloud.facts["base_image_id"])  # settled again


def test_one_where_the_volumes_are_not_is_not_launched(
    site: WholeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    of_second(site, availability_domain=site.cloud.facts["availability_domains"][1])
    assert verb(site, "up") == Outcome.REFUSED.exit_code
    assert "would be launched in Lab1:EU-FRANKFURT-1-AD-2" in capsys.readouterr().err
    report, _ = site.rehearse()
    assert (report.outcome.value, "-AD-2" in report.reason) == ("refused", True)
    report, _ = site.fail_over(SECOND)
    assert (report.outcome.value, "-AD-2" in report.reason) == ("refused", True)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (
            {"status": 500, "code": "InternalError", "message": "Out of host capacity."},
            3,
            "OUT_OF_HOST_CAPACITY",
        ),
        ({"status": 400, "code": "LimitExceeded"}, 4, "LimitExceeded"),
        ({"status": 400, "code": "QuotaExceeded"}, 4, "QuotaExceeded"),
        ({"refusal": "Out of host capacity."}, 4, f"the API has no {SECOND}"),
    ],
    ids=["no capacity", "limit", "quota", "capacity ends midway"],
)
def test_a_launch_that_the_cloud_refuses_is_named_and_leaves_nothing(
    site: WholeSite, fault: dict[str, Any], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.cloud.inject(operation="LaunchInstance", count=0, **fault)
    assert verb(site, "up") == code
    said = capsys.readouterr().err
    assert words in said
    assert "remedy: " in said
    site.cloud.clear_faults()
