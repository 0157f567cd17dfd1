"""The API killed in the middle of things and started again: every state change comes to its end."""

import shutil
import signal
import subprocess
import sys
import time

import oci
import pytest

from lab.api.core.store import Store
from lab.client.api_process import ApiProcess, CloudError
from tests.api.conftest import Site, models, new_site

# of the seconds that states take on OCI: launch 240, terminate 60, attach 27, detach 15
SLOW = 0.015
SLOWER = 0.06


def restarted(site, under_way=(), **options):
    """The same lab after kill -9, which must have hit it with these steps `under_way`."""
    site.api.kill()
    assert not site.api.running()
    store = Store(site.api.run / "cloud.db")
    assert [row["step"] for row in store.execute("SELECT step FROM transitions")] == list(under_way)
    store.close()
    return new_site(site.api.run, **options)


@pytest.fixture
def slow_site(tmp_path):
    site = new_site(tmp_path / "lab", delay_factor=SLOW)
    yield site
    Site(ApiProcess(site.api.run)).api.stop()


@pytest.mark.own_rule
def test_killed_while_attaching_and_detaching(own_site):
    site = own_site
    instance, volume = site.launch(), site.volume()
    site = restarted(site, delay_factor=SLOWER)
    begun = site.begin_attach(volume, instance)
    assert begun.data.lifecycle_state == "ATTACHING"
    site = restarted(site, ["attach"])
    attached = site.settle(site.compute.get_volume_attachment, begun, "ATTACHED")
    assert attached.ipv4
    site.compute.detach_volume(attached.id)
    site = restarted(site, ["detach"])
    site.settle(site.compute.get_volume_attachment, begun, "DETACHED")
    other = site.begin_attach(volume, instance)
    assert site.settle(site.compute.get_volume_attachment, other, "ATTACHED").iqn == attached.iqn


@pytest.mark.own_rule
def test_killed_while_provisioning_and_terminating(slow_site):
    site = slow_site
    launched = site.compute.launch_instance(site.launch_details("half-born"))
    assert launched.data.lifecycle_state == "PROVISIONING"
    site = restarted(site, ["launch"])
    instance = site.settle(site.compute.get_instance, launched, "RUNNING")
    work = site.api.work_request_client().get_work_request(launched.headers["opc-work-request-id"])
    assert work.data.status == "SUCCEEDED"
    site.compute.terminate_instance(instance.id)
    site = restarted(site, ["terminate"])
    site.settle(site.compute.get_instance, launched, "TERMINATED")


@pytest.mark.own_rule
def test_state_survives_an_orderly_restart(own_site):
    site = own_site
    instance = site.launch()
    attached = site.attach(site.volume(), instance)
    config, endpoint = site.api.config_file.read_text(), site.api.endpoint
    site.api.stop()
    assert not (site.api.run / "api.port").exists()
    site = new_site(site.api.run)
    assert site.compute.get_volume_attachment(attached.id).data == attached
    assert site.compute.get_instance(instance.id).data == instance
    assert site.api.config_file.read_text() == config
    assert site.api.endpoint == endpoint
    assert len(site.compute.list_images(site.compartment).data) == 1


@pytest.mark.own_rule
def test_a_token_is_known_after_a_restart(own_site):
    site = own_site
    details = models.CreateVolumeDetails(availability_domain=site.domain, compartment_id=site.compartment)
    first = site.block.create_volume(details, opc_retry_token="before")
    site.settle(site.block.get_volume, first, "AVAILABLE")
    site = restarted(site)
    assert site.block.create_volume(details, opc_retry_token="before").data.id == first.data.id


@pytest.mark.own_rule
def test_delays_scale_with_one_factor(slow_site):
    site = slow_site
    begun = site.compute.launch_instance(site.launch_details("slow"))
    pending = site.api.control("GET", "clock")
    assert pending["delay_factor"] == SLOW
    assert [one["step"] for one in pending["pending"]] == ["launch"]
    assert pending["pending"][0]["due"] - pending["now"] == pytest.approx(240 * SLOW, abs=0.5)
    # without delays from here on, what is under way keeps its due time
    site = restarted(site, ["launch"], delay_factor=0.0)
    assert site.compute.get_instance(begun.data.id).data.lifecycle_state == "PROVISIONING"
    started = time.monotonic()
    site.volume()
    assert time.monotonic() - started < 2
    site.settle(site.compute.get_instance, begun, "RUNNING")


@pytest.mark.own_rule
def test_a_second_start_finds_the_first(own_site):
    pid = own_site.api.pid()
    assert ApiProcess(own_site.api.run).start(hardware="none").pid() == pid


@pytest.mark.own_rule
def test_two_servers_never_share_one_state(own_site):
    run = own_site.api.run
    argv = [sys.executable, "-m", "lab.api", "--run", str(run), "--hardware", "none"]
    second = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert "served by another process" in second.stderr
    assert own_site.compute.list_instances(own_site.compartment).data == []


@pytest.mark.own_rule
def test_a_lab_moved_to_another_directory(own_site, tmp_path):
    site = own_site
    instance = site.launch()
    site.api.stop()
    moved = new_site(shutil.copytree(site.api.run, tmp_path / "moved"))
    assert moved.compute.get_instance(instance.id).data == instance
    assert str(tmp_path / "moved") in moved.api.config_file.read_text()
    moved.api.stop()


@pytest.mark.own_rule
def test_an_api_that_cannot_start_says_why(tmp_path):
    (tmp_path / "cloud.json").write_text("{}")
    with pytest.raises(CloudError, match="did not start"):
        ApiProcess(tmp_path).start(hardware="none")
    with pytest.raises(CloudError, match="no API running"):
        _ = ApiProcess(tmp_path / "other").endpoint


@pytest.mark.own_rule
def test_the_signals_that_end_it(tmp_path):
    for number in (signal.SIGTERM, signal.SIGINT):
        site = new_site(tmp_path / number.name)
        site.volume()
        pid = site.api.pid()
        site.api._signal(number)
        assert site.api.pid() is None, pid
        with pytest.raises(oci.exceptions.RequestException):
            site.block.get_volume("x", retry_strategy=oci.retry.NoneRetryStrategy())
