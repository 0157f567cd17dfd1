"""Servers that are terminated, about to be, forgotten by OCI, or not to be read: failovers, plain Terraform.

The provider gives null for a TERMINATED instance and a 404 alike.
"""

import functools
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from failover.command.request import SiteChoice
from failover.model.outcome import Outcome, Unknown
from failover.preflight.check import CheckResult
from failover.stack.errors import explained
from failover.verbs import preflight, standby
from lab.site.stack import VARIABLES_FILE
from tests import sources
from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.sites.managed_site import managed_site
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.SEEN)

ADDRESS = "10.0.0.200"
NOT_FOUND = {"status": 404, "code": "NotAuthorizedOrNotFound", "message": "no", "count": 0}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeSite]:
    with whole_site(tmp_path) as made:
        yield made


@pytest.fixture
def addressed(tmp_path: Path) -> Iterator[WholeSite]:
    with whole_site(tmp_path, ADDRESS) as made:
        yield made


@pytest.fixture(scope="module")
def unread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    """A site for plans that are refused: nothing of it changes."""
    with whole_site(tmp_path_factory.mktemp("unread"), ADDRESS) as made:
        yield made


def end_first(site: WholeSite) -> None:
    """nfs-srv-1 is terminated behind Terraform's back; it answers nobody any more."""
    site.silence(FIRST)
    site.cloud.terminate(site.first)
    site.serving()


@contextmanager
def ending(site: WholeSite, ocid: str, looks: int = 3) -> Iterator[None]:
    """It is TERMINATING in the block until it was looked at so many times: whoever waits for its end does."""
    cloud = site.cloud
    cloud.inject(operation="TerminateInstance", stuck=True)
    cloud.compute.terminate_instance(ocid, preserve_boot_volume=False)
    before, over = len(cloud.requests()), threading.Event()

    def end_it() -> None:
        while not over.wait(0.2):
            made = [one["operation"] for one in cloud.requests()[before:]]
            if made.count("GetInstance") >= looks:
                cloud.clear_faults()
                return

    watching = threading.Thread(target=end_it)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
        cloud.clear_faults()


def done(site: WholeSite, target: str) -> str:
    """What the failover said, which ended well."""
    report, said = site.fail_over(target)
    assert report.outcome in (Outcome.DONE, Outcome.NOTHING_TO_DO), f"{report.reason}\n{said}"
    site.assert_settled_on(target)
    return said


def test_a_standby_takes_over_from_a_terminated_server_and_goes_on_when_it_is_forgotten(
    site: WholeSite,
) -> None:
    site.stack.apply(launch=[SECOND])
    end_first(site)
    done(site, SECOND)
    assert site.verify().outcome is Outcome.DONE
    assert site.stack.is_settled()
    site.cloud.forget_terminated()
    assert site.verify().outcome is Outcome.DONE
    assert site.stack.actions() == {}
    done(site, SECOND)


def test_the_successor_of_a_terminated_server_is_launched(addressed: WholeSite) -> None:
    """The launch step keeps the terminated server active, and must not be refused for it."""
    end_first(addressed)
    with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, addressed.model)):
        looked = preflight.check(SECOND, SiteChoice(str(addressed.file)), terraform_plan=True)
    (planned,) = (c for c in looked.checks if c.name == "terraform plan")
    assert planned.outcome is CheckResult.WARNING, planned
    assert f'create oci_core_instance.server["{SECOND}"]' in planned.actual
    done(addressed, SECOND)
    assert ADDRESS in addressed.cloud.addresses(addressed.instances()[SECOND])
    assert addressed.verify().outcome is Outcome.DONE


def test_a_forgotten_server_is_unknown_unless_its_compartment_is_given(addressed: WholeSite) -> None:
    """Nobody is seen to have the volumes, and the provider says of nfs-srv-1 no more than 404."""
    addressed.stack.apply(launch=[SECOND])
    end_first(addressed)
    addressed.cloud.forget_terminated()
    report, _ = addressed.fail_over(SECOND)
    assert report.outcome is Outcome.UNKNOWN, report.reason
    assert "404: nfs-srv-1" in report.reason
    assert "take it out of servers" in report.reason
    servers = json.loads((addressed.stack.folder / VARIABLES_FILE).read_text())["servers"]
    servers[FIRST]["compartment_id"] = addressed.cloud.facts["compartment_id"]
    addressed.stack.change_site(servers=servers)
    done(addressed, SECOND)


@pytest.mark.parametrize("launched", [True, False])
def test_a_dead_server_that_is_being_terminated_has_its_end_waited_for(
    addressed: WholeSite, launched: bool
) -> None:
    """As its operator does it in the console, before anything else."""
    if launched:
        addressed.stack.apply(launch=[SECOND])
    addressed.silence(FIRST)
    with ending(addressed, addressed.first, looks=8):
        assert "the API says TERMINATING: its end is waited for" in done(addressed, SECOND)
    assert addressed.model.state(addressed.first) == "TERMINATED"
    assert addressed.verify().outcome is Outcome.DONE


def test_a_target_that_is_being_terminated_is_launched_again_with_its_address(site: WholeSite) -> None:
    site.stack.apply(launch=[SECOND])
    old = site.instances()[SECOND]
    (address,) = site.cloud.addresses(old)
    site.silence(FIRST)
    with ending(site, old, looks=15):
        with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, site.model)):
            looked = preflight.check(SECOND, SiteChoice(str(site.file)), terraform_plan=False)
        told = {c.name: c for c in looked.checks}
        assert told["target"].outcome is told["address"].outcome is CheckResult.WARNING
        assert f"{address} is still that of {SECOND}, which is TERMINATING" in told["address"].actual
        done(site, SECOND)
    assert site.instances()[SECOND] != old
    assert site.cloud.addresses(site.instances()[SECOND]) == [address]


def test_the_console_gives_no_volume_to_a_server_that_is_being_terminated(site: WholeSite) -> None:
    """The plan is refused: applied, it would have taken them from the old server and failed."""
    site.stack.apply(launch=[SECOND])
    second = site.instances()[SECOND]
    site.cloud.power_off(site.first)
    with ending(site, second, looks=100):
        said = site.stack.refusal(active_server=SECOND)
    assert f"{SECOND} ({second}) is TERMINATING and cannot take bv1: wait until it has ended" in said


def test_a_standby_that_is_being_terminated_already_is_waited_for(site: WholeSite) -> None:
    site.stack.apply(launch=[SECOND])
    said = io.StringIO()
    with ending(site, site.instances()[SECOND]), redirect_stdout(said):
        assert standby.main("down", SECOND, SiteChoice(str(site.file)), yes=True) == 0
    assert "waiting until it has ended" in said.getvalue()
    assert "Terraform's state has forgotten it" in said.getvalue()
    assert site.stack.is_settled()


def test_a_launched_server_that_is_forgotten_stands_in_no_plan_s_way(site: WholeSite) -> None:
    site.stack.apply(launch=[SECOND])
    site.forget_second()
    site.cloud.forget_terminated()
    said = site.stack.refusal()
    assert "Instance cannot be destroyed" in said, "the provider keeps it: why the product forgets it"
    assert site.verify().outcome is Outcome.DONE
    site.silence(FIRST)
    done(site, SECOND)


def test_a_launched_server_that_is_forgotten_is_launched_again(site: WholeSite) -> None:
    site.stack.apply(launch=[SECOND])
    site.forget_second()
    site.cloud.forget_terminated()
    site.silence(FIRST)
    done(site, SECOND)


def test_a_running_server_that_may_not_be_read_stays_unfenced(site: WholeSite) -> None:
    site.stack.apply(launch=[SECOND])
    site.cloud.inject(operation="GetInstance", resource=site.first, **NOT_FOUND)
    said = site.stack.refusal(active_server=SECOND)
    assert (
        "is attached to nfs-srv-1, which is of unknown state (404: it is gone, or a policy is missing)"
        in said
    )
    assert isinstance(explained("plan", said), Unknown)
    said = site.stack.refusal()
    assert f"404: nfs-srv-1 ({site.first}), the active server, cannot be read" in said
    assert isinstance(explained("plan", said), Unknown)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("ListInstances", "404: the instances of compartment"),
        ("ListVolumeAttachments", "404: the volume attachments of compartment"),
        ("GetVolume", "404: volume bv"),
        ("GetVnic", "404: VNIC ocid1.vnic"),
        ("ListVnicAttachments", "404: the VNICs of nfs-srv-1"),
        ("ListPrivateIps", "404: the private IPs of nfs-srv-1"),
        ("GetSubnet", "404: subnet ocid1.subnet"),
    ],
)
def test_a_404_is_told_in_words_and_is_unknown(unread: WholeSite, operation: str, words: str) -> None:
    unread.cloud.clear_faults()
    assert unread.stack.is_settled()
    unread.cloud.inject(operation=operation, **NOT_FOUND)
    said = unread.stack.refusal()
    assert words in said
    assert "it is gone, or a policy is missing: allow the caller to" in said
    assert "Iteration over null" not in said
    assert isinstance(explained("plan", said), Unknown)


def test_a_server_in_another_compartment_is_fenced_and_gives_its_volumes(tmp_path: Path) -> None:
    """Attachments are listed by the compartment of their instance."""
    with whole_site(tmp_path, elsewhere=True) as site:
        site.silence(FIRST)
        done(site, SECOND)
        assert site.model.state(site.first) == "STOPPED"
        site.silence()
        site.silence(SECOND)
        done(site, FIRST)


def test_a_terminated_server_of_another_compartment(tmp_path: Path) -> None:
    with whole_site(tmp_path, elsewhere=True) as site:
        site.stack.apply(launch=[SECOND])
        end_first(site)
        report, _ = site.fail_over(SECOND)
        assert report.outcome is Outcome.UNKNOWN
        assert "404: nfs-srv-1" in report.reason


def test_through_resource_manager_a_terminated_server_has_a_successor(tmp_path: Path) -> None:
    """Its jobs run without TF_PRESERVE_STATE_ON_404: the state forgets what OCI has forgotten."""
    with managed_site(tmp_path) as site:
        end_first(site)
        done(site, SECOND)
        site.cloud.forget_terminated()
        done(site, SECOND)
