"""The key of a lab in the cache changes with whatever shapes the guests and the records about them."""

import pytest

from lab.site import lab_cache
from lab.system.paths import ROOT


def names(*places: str) -> set[str]:
    return {str(file.relative_to(ROOT)) for file in lab_cache.sources(places)}


def test_what_shapes_the_guests_is_in_the_key():
    assert {
        "lab/api/core/store.py",
        "lab/api/compute/launch.py",
        "lab/hardware/guests.py",
        "lab/hardware/snapshot.py",
        "lab/site/baseline.py",
        "lab/site/ssh_access.py",
    } < names(*lab_cache._FOUNDING)


def test_what_a_standby_boots_with_is_in_the_key():
    assert {
        "lab/guest/make-server.sh",
        "lab/site/nfs_site.py",
        "lab/provider/cloud.py",
        "terraform/servers.tf",
        "terraform/active.auto.tfvars",
        "hooks/boot/watch.py",
        "templates/cloud-init.yaml.j2",
        "failover/bundle/cloud_init.py",
    } < names(*lab_cache._BUILDING)


def test_what_a_run_leaves_in_the_tree_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(lab_cache, "ROOT", tmp_path)
    for name in ("a.tf", ".terraform/b.tf", "__pycache__/c.py", "d.tfstate", "run"):
        (tmp_path / "stack" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stack" / name).touch()
    kept = lab_cache.sources(("stack",))
    assert {str(file.relative_to(tmp_path)) for file in kept} == {"stack/a.tf", "stack/run"}


def test_a_source_that_is_not_there_is_no_key_at_all():
    with pytest.raises(FileNotFoundError):
        lab_cache.sources(("lab/api", "lab/gone.py"))
