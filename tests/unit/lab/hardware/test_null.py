"""The hardware with no machines keeps the promises that the cloud API counts on."""

import inspect

import pytest

from lab.hardware.hardware import Hardware, HardwareError, Machine, NullHardware, QemuHardware

SERVER = Machine("ocid1.instance.a", "nfs-srv-1", "02:00:17:00:00:11", "10.0.0.11", "nfs-srv-1")


@pytest.fixture
def hardware():
    made = NullHardware()
    made.offer_base_image("img")
    made.create_disk(SERVER, "img")
    return made


def promised():
    return {name: call for name, call in vars(Hardware).items() if callable(call) and name[0] != "_"}


@pytest.mark.parametrize("kind", [NullHardware, QemuHardware])
@pytest.mark.parametrize("name", promised())
def test_both_kinds_have_every_call_as_promised(kind, name):
    assert inspect.signature(getattr(kind, name)) == inspect.signature(promised()[name])


def test_power(hardware):
    assert not hardware.is_on(SERVER.instance_id)
    assert hardware.console(SERVER.instance_id) == ""
    hardware.power_on(SERVER)
    hardware.power_on(SERVER)
    assert hardware.is_on(SERVER.instance_id)
    assert "\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" in hardware.console(SERVER.instance_id)
    hardware.power_off(SERVER.instance_id)
    hardware.power_off(SERVER.instance_id)
    assert not hardware.is_on(SERVER.instance_id)
    with pytest.raises(HardwareError, match="running instance"):
        hardware.freeze(SERVER.instance_id)


def test_a_machine_without_a_disk_or_an_image_is_refused(hardware):
    other = Machine("ocid1.instance.b", "b", "m", "10.0.0.12", "b")
    with pytest.raises(HardwareError, match=r"no boot disk of instance ocid1\.instance\.b"):
        hardware.power_on(other)
    with pytest.raises(HardwareError, match="no image unknown: known are img"):
        hardware.create_disk(other, "unknown")


def test_a_volume_is_bound_to_one_instance_at_a_time(hardware):
    iqn = hardware.create_volume("bv1", 50)
    first = hardware.attach("bv1", "a")
    assert (first.iqn, first.port, iqn[:27]) == (iqn, 3260, "iqn.2015-12.com.oracleiaas:")
    with pytest.raises(HardwareError, match="bv1 is attached to a"):
        hardware.attach("bv1", "b")
    with pytest.raises(HardwareError, match="bv1 is attached to a"):
        hardware.delete_volume("bv1")
    hardware.detach("bv1", "b")
    hardware.detach("bv1", "a")
    hardware.detach("bv1", "a")
    assert hardware.attach("bv1", "b").address != first.address
