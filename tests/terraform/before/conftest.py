"""A whole site whose hosts answer as the model has them, for the verbs in this process."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.sites.whole_site import WholeSite, whole_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeSite]:
    """A test file with another kind of site has a fixture of this name itself."""
    with whole_site(tmp_path) as made:
        hosts = functools.partial(AnsweringHost, made.model)
        with mock.patch("failover.hosts.hook_runner.SshHost", hosts):
            yield made
