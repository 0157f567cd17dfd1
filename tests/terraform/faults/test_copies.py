"""Each row of the second table of docs/faults.md, on one site: production untouched, nothing unnamed left."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from unittest import mock

import pytest
from rich.console import Console

from failover.command import site_file as sites
from failover.command.request import SiteChoice
from failover.image import take as images
from failover.image.plan import ImageRequest
from failover.model.outcome import FailoverError
from failover.ports import opened
from failover.stack.terraform import TerraformStack
from failover.verbs import backup
from tests import sources
from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.faults.copies import NAMED, RESTORE, ROWS, STAYS, TAKEN_UP, CopyRow, with_copies
from tests.terraform.faults.document import FILE
from tests.terraform.faults.kinds import faults_of
from tests.terraform.sites.whole_site import FIRST, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.TERRAFORM)

KINDS = ("instance", "bootvolume", "volume", "volumegroup", "volumeattachment", "volumegroupbackup")
WITH_ITS_INSTANCE = ("ocid1.bootvolume.", "ocid1.volumeattachment.")  # they go when it goes
OVER = ("TERMINATED", "TERMINATING", "DETACHED", "DELETED")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("copies")) as made:
        yield made


def costing(site: WholeSite) -> dict[str, str]:
    """By OCID the name of whatever costs money, past the API."""
    bodies = [one for kind in KINDS for one in site.model.bodies("kind = ?", kind)]
    return {b["id"]: str(b.get("displayName")) for b in bodies if b["lifecycleState"] not in OVER}


def delete_group(site: WholeSite, ocid: str) -> None:
    site.cloud.storage.delete_volume_group(ocid)
    site.cloud._until(lambda: site.cloud.storage.get_volume_group(ocid).data, "TERMINATED")


def the_backup(site: WholeSite) -> str:
    """The name of the oldest backup of the site's volumes that is whole; one is made where there is none."""
    known = site.cloud.storage.list_volume_group_backups(site.cloud.facts["compartment_id"]).data
    whole = [one for one in known if one.lifecycle_state == "AVAILABLE"]
    if not whole:
        assert run(site, "backup")[0] == "done"
        return the_backup(site)
    return str(min(whole, key=lambda one: one.time_created).display_name)


def run(site: WholeSite, verb: str, restored: str = "") -> tuple[str, str, str]:
    """Outcome, reason and remedy; `restored` names the backup that a restore is of."""
    if verb == "rehearse":
        report, _ = site.rehearse()
        return report.outcome.value, report.reason, report.remedy
    if verb in ("backup", RESTORE):
        options = {"kind": "incremental", "policy": "", "look": False, "wait": 20.0}
        if verb == RESTORE:
            options["restore"] = restored
        report = backup.backup(SiteChoice(str(site.file)), Console(file=io.StringIO()), **options)
        return report.outcome.value, report.reason, report.remedy
    loaded = sites.load(str(site.file))
    double = functools.partial(AnsweringHost, site.model)
    with (
        mock.patch("failover.hosts.hook_runner.SshHost", double),
        opened(loaded, TerraformStack(loaded)) as ports,
    ):
        try:
            images.take(ImageRequest(yes=True, keep=1000), ports, Console(file=io.StringIO()))
        except FailoverError as error:
            return error.outcome.value, error.reason, error.remedy
    return "done", "", ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row(site: WholeSite, row: CopyRow) -> None:
    backup_name = the_backup(site) if row.verb == RESTORE else ""
    before = costing(site)
    site.cloud.inject(**faults_of(row.operation, row.kind))
    try:
        outcome, reason, remedy = run(site, row.verb, backup_name)
    finally:
        site.cloud.clear_faults()
    assert outcome == row.outcome, (reason, remedy)
    assert reason
    assert remedy
    assert site.serving() == FIRST
    site.assert_never_double()
    left = {ocid: name for ocid, name in costing(site).items() if ocid not in before}
    if row.left == NAMED:
        assert left
        alone = [ocid for ocid in left if not ocid.startswith(WITH_ITS_INSTANCE)]
        assert all(ocid in reason for ocid in alone), (left, reason)
        assert "cost" in f"{reason} {remedy}"
    elif row.left == STAYS:
        assert all("volumegroup" in ocid for ocid in left), left
    elif row.left == TAKEN_UP:
        (group,) = [ocid for ocid in left if ocid.startswith("ocid1.volumegroup.")]
        assert f"({group}) was made, and costs money" in reason
    else:
        assert left == {}, reason
    again, why, _ = run(site, row.verb, backup_name)
    assert again == ("nothing-to-do" if row.left == TAKEN_UP else "done"), why
    stays = {"backup": ("volumegroup",), RESTORE: ("volumegroup.", "volume.")}.get(row.verb, ())
    new = [ocid for ocid in costing(site) if ocid not in before]
    assert not [ocid for ocid in new if not any(kind in ocid for kind in stays)]
    if row.verb == RESTORE:  # one group of new volumes, however often it was begun
        assert sorted(ocid.split(".")[1] for ocid in new) == ["volume", "volume", "volumegroup"]
    for ocid in [one for one in costing(site) if one.startswith("ocid1.volumegroup.")]:
        delete_group(site, ocid)  # the next row begins without one, too


def test_the_page_has_the_table() -> None:
    text = FILE.read_text()
    assert text == with_copies(text)
