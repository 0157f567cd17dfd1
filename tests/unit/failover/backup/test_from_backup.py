"""Which backups could stand in for the site's volumes, by OCI's own records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from failover.backup.from_backup import fit
from failover.backup.restore import paired
from failover.cloud.block_copies import BlockVolume, GroupBackup, VolumeBackup
from failover.model.outcome import Refused

THEN = datetime(2026, 11, 1, tzinfo=UTC)
BACKUP = GroupBackup("ocid1.volumegroupbackup.oc1..g", "nightly", "AVAILABLE", THEN, 100, THEN, ("p1", "p2"))
PARTS = (VolumeBackup("p1", "v1", 50), VolumeBackup("p2", "v2", 50))


def volume(ocid: str, source: str | None = None, size: int = 50) -> BlockVolume:
    return BlockVolume(ocid, ocid, "AVAILABLE", "ad", size, 10, None, source, THEN)


SITE = {"bv1": volume("v1"), "bv2": volume("v2")}


def test_a_backup_with_one_of_each_volume_fits() -> None:
    fit(BACKUP, PARTS, SITE)


def test_volumes_that_were_restored_or_cloned_from_the_same_ones_fit() -> None:
    fit(BACKUP, PARTS, {"bv1": volume("n1", "v1"), "bv2": volume("n2", "v2")})


@pytest.mark.parametrize(
    ("backup", "parts", "site", "says"),
    [
        (replace(BACKUP, state="CREATING"), PARTS, SITE, "is CREATING, expected AVAILABLE"),
        (BACKUP, PARTS[:1], SITE, "0 backups of bv2"),
        (BACKUP, (), SITE, "0 backups of bv1"),
        (BACKUP, (*PARTS, VolumeBackup("p3", "v1", 50)), SITE, "2 backups of bv1"),
        (BACKUP, PARTS, {**SITE, "bv2": volume("v2", size=51)}, "bv2 has 51 GB today"),
        (BACKUP, PARTS, {**SITE, "bv2": volume("other", "else")}, "0 backups of bv2"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_its_reason(
    backup: GroupBackup, parts: tuple[VolumeBackup, ...], site: dict[str, BlockVolume], says: str
) -> None:
    with pytest.raises(Refused) as refused:
        fit(backup, parts, site)
    assert says in refused.value.reason
    assert refused.value.remedy


def test_a_restored_volume_whose_backup_is_gone_is_named() -> None:
    copies = [volume("n1", "ocid1.volumebackup.oc1..p1"), volume("n2", "v2")]
    with pytest.raises(Refused, match=r"n1: OCI no longer has the backup"):
        paired({"bv1": "v1", "bv2": "v2"}, list(SITE.values()), copies, "g")
