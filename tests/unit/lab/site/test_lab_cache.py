"""The key of the cached lab changes with whatever shapes the guests and the records about them."""

import pytest

from lab.site import baseline_cache
from lab.system.paths import ROOT


def test_what_shapes_the_guests_is_in_the_key():
    names = {str(file.relative_to(ROOT)) for file in baseline_cache.sources()}
    assert {
        "lab/api/core/store.py",
        "lab/api/compute/launch.py",
        "lab/hardware/guests.py",
        "lab/hardware/snapshot.py",
        "lab/site/baseline.py",
        "lab/site/ssh_access.py",
    } < names


def test_a_source_that_is_not_there_is_no_key_at_all(monkeypatch):
    monkeypatch.setattr(baseline_cache, "_SOURCES", ("lab/api", "lab/gone.py"))
    with pytest.raises(FileNotFoundError):
        baseline_cache.sources()
