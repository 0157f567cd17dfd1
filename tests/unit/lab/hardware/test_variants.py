"""The guests' variants: what they are made of, and what a lab of them is called by."""

import dataclasses

import pytest

from lab.hardware.guests import qemu_arguments
from lab.hardware.image import build, recipe
from lab.hardware.image.build import BaseImage
from lab.hardware.image.variants.catalogue import DEBIAN, VARIANTS, variant
from lab.hardware.images import pin_base
from lab.hardware.machine import Machine
from lab.site.lab_cache import founded
from lab.site.ssh_access import GuestAccess
from lab.system.errors import HardwareError
from lab.system.paths import RunDirectory

OTHERS = [name for name in VARIANTS if name != DEBIAN]
SERVER = Machine("ocid1.instance.a", "nfs-srv-1", "02:00:17:00:00:11", "10.0.0.11", "nfs-srv-1")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NFS_FAILOVER_CACHE", str(tmp_path))
    for name in VARIANTS:
        folder = build._place(name).folder
        folder.mkdir(parents=True)
        (folder / "image.json").write_text(f'{{"variant": "{name}"}}')
    return tmp_path


def test_guests_that_nobody_knows_are_refused_by_name():
    with pytest.raises(HardwareError, match="'el10': expected one of debian, "):
        variant("el10")


@pytest.mark.parametrize("name", OTHERS)
def test_every_layer_of_a_variant_is_there(name):
    for layer in variant(name).layers:
        assert (recipe.VARIANTS / layer).is_dir(), layer


def test_each_variant_has_an_image_of_its_own():
    assert len({build._place(name).key for name in VARIANTS}) == len(VARIANTS)


@pytest.mark.parametrize("name", OTHERS)
def test_a_variants_key_follows_its_ingredients_and_the_base_image(name):
    base, wanted = recipe.recipe(), variant(name)
    before = recipe.variant_key(base, wanted)
    assert recipe.variant_key(base, wanted) == before
    assert recipe.variant_key(dataclasses.replace(base, key="0" * 16), wanted) != before
    assert recipe.variant_key(base, dataclasses.replace(wanted, packages=("less",))) != before
    layers = (*wanted.layers, "el")
    assert recipe.variant_key(base, dataclasses.replace(wanted, layers=layers)) != before


def test_the_base_images_key_is_without_the_variants(monkeypatch):
    before = recipe.recipe().key
    monkeypatch.setattr(recipe, "VARIANTS", recipe.HERE / "root")
    assert recipe.recipe().key != before


def test_a_lab_keeps_the_guests_it_began_with(cache, tmp_path):

    lab = RunDirectory.of(tmp_path / "lab")
    assert pin_base(lab, "ubuntu").variant.name == "ubuntu"
    assert pin_base(lab).variant.name == "ubuntu"
    assert GuestAccess(lab).user == "ubuntu"
    assert GuestAccess(RunDirectory.of(tmp_path / "other")).user == "opc"


def test_a_founded_lab_is_found_again_for_the_same_guests_only(cache, monkeypatch):
    monkeypatch.setattr("lab.site.lab_cache.qemu_version", lambda: "QEMU 7")
    folders = {founded(name).folder for name in VARIANTS}
    assert len({folder.name for folder in folders}) == len(VARIANTS)
    # each has its own shelf: one kind's founding leaves the others in the cache
    assert len({folder.parent for folder in folders}) == len(VARIANTS)


def test_the_kernel_of_el9_is_started_with_selinux(cache):
    def words(name: str) -> str:
        argv = qemu_arguments(SERVER, BaseImage(build._place(name).folder))
        return argv[argv.index("-append") + 1]

    assert "security=selinux selinux=1" in words("el9")
    assert "selinux" not in words(DEBIAN)


def test_packages_leave_their_bytecode_in_the_image(monkeypatch):
    """PYTHONPYCACHEPREFIX would have them leave it below a path of this machine, within the image."""
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "/somewhere/bytecode")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    handed: list[dict[str, str]] = []
    monkeypatch.setattr(build, "run", lambda *_, env, **__: handed.append(env))
    build._run_apart(["script"])
    (environment,) = handed
    assert environment["LANG"] == "C.UTF-8"
    assert not [name for name in environment if name.startswith("PYTHON")]
