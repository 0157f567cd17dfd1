"""Where the stand-in finds its API and credentials, and what it says when it does not."""

from pathlib import Path

import pytest

from lab.provider.cloud import ProviderClients
from lab.provider.place import ProviderError, host_overrides, lab_endpoint
from lab.site.stack import lay_stack


def test_all_services_are_at_one_endpoint() -> None:
    overrides = host_overrides("http://127.0.0.1:1").split(";")
    assert "oci_core.ComputeClient=http://127.0.0.1:1" in overrides
    assert "oci_resourcemanager.ResourceManagerClient=http://127.0.0.1:1" in overrides
    assert not any(entry.endswith("/") for entry in overrides)


def test_a_lab_that_is_not_up_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"api\.port has no port number: start the lab's API"):
        lab_endpoint(tmp_path)


def test_missing_credentials_are_named(tmp_path: Path) -> None:
    environment = {"CLIENT_HOST_OVERRIDES": host_overrides("http://127.0.0.1:1")}
    with pytest.raises(ProviderError, match="has no usable DEFAULT profile"):
        ProviderClients.of_lab(tmp_path, None, environment=environment)


def test_an_active_server_among_the_site_variables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"active_server is set in active\.auto\.tfvars"):
        lay_stack(tmp_path, {"active_server": "nfs-srv-2"})


def test_laying_again_keeps_the_active_server_and_the_state(tmp_path: Path) -> None:
    stack = lay_stack(tmp_path, {"region": "a"})
    (stack / "active.auto.tfvars").write_text('active_server = "nfs-srv-2"\n')
    (stack / "terraform.tfstate").write_text("{}")
    (stack / "old.tf").write_text("")
    lay_stack(tmp_path, {"region": "b"})
    assert "nfs-srv-2" in (stack / "active.auto.tfvars").read_text()
    assert (stack / "terraform.tfstate").exists()
    assert not (stack / "old.tf").exists()
    assert '"b"' in (stack / "site.auto.tfvars.json").read_text()
