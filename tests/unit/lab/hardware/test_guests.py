"""What a guest's QEMU is told, and what it may not be told."""

import pytest

from lab.hardware.guests import qemu_arguments
from lab.hardware.image import build, recipe
from lab.hardware.image.build import BaseImage
from lab.hardware.machine import Machine
from lab.system.errors import HardwareError

SERVER = Machine("ocid1.instance.a", "nfs-srv-1", "02:00:17:00:00:11", "10.0.0.11", "nfs-srv-1")
OTHER = Machine("ocid1.instance.b", "nfs-srv-1", "02:00:17:00:00:11", "10.0.0.11", "nfs-srv-1")


@pytest.fixture
def image(tmp_path):
    (tmp_path / "image.json").write_text('{"variant": "debian"}')
    return BaseImage(tmp_path)


def after(words, option):
    return words[words.index(option) + 1]


def test_identity_comes_from_the_metadata_service_not_from_the_command_line(image):
    words = qemu_arguments(SERVER, image)
    assert "type=3,asset=OracleCloud.com" in words
    assert not {"10.0.0.11", "nfs-srv-1"} & set(after(words, "-append").replace("=", " ").split())


def test_two_instances_have_different_firmware_and_machine_ids(image):
    mine, theirs = qemu_arguments(SERVER, image), qemu_arguments(OTHER, image)
    assert after(mine, "-uuid") != after(theirs, "-uuid")
    assert after(mine, "-append") != after(theirs, "-append")
    assert mine == qemu_arguments(SERVER, image)


def test_a_guest_may_reboot(image):
    assert "-no-reboot" not in qemu_arguments(SERVER, image)


def test_an_image_that_was_not_built_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("NFS_FAILOVER_CACHE", str(tmp_path))
    with pytest.raises(HardwareError, match=r"run python -m lab\.hardware\.image\.build"):
        build.base_image()


def test_the_recipes_key_follows_its_ingredients(monkeypatch):
    before = recipe.recipe().key
    assert recipe.recipe().key == before
    monkeypatch.setattr(recipe, "PACKAGES", "systemd")
    assert recipe.recipe().key != before


def test_the_recipe_names_no_host():
    for path in recipe.HERE.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert "://" not in path.read_text(), path
