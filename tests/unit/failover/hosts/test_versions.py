"""What differs between a standby and the active server: text of rpm and dpkg in, drift out."""

from __future__ import annotations

from failover.hosts.versions import Drift, drift, parse

EL = "kernel 5.15.0-300.el9\nnfs-utils 2.5.4-27.el9\nlvm2 2.03.24-2.el9\npackage quota-rpc is not installed\n"
DEBIAN = "kernel 6.1.0-28-amd64\nnfs-kernel-server 1:2.6.2-4\nopen-iscsi 2.1.8-1\nquotarpc \n"


def test_names_with_a_version_are_read_and_what_is_not_installed_is_passed_over():
    assert parse(EL) == {
        "kernel": "5.15.0-300.el9",
        "nfs-utils": "2.5.4-27.el9",
        "lvm2": "2.03.24-2.el9",
    }
    assert parse(DEBIAN) == {
        "kernel": "6.1.0-28-amd64",
        "nfs-kernel-server": "1:2.6.2-4",
        "open-iscsi": "2.1.8-1",
    }
    assert parse("") == {}


def test_drift_names_what_differs_and_what_only_one_has():
    active, standby = parse(EL), {**parse(EL), "kernel": "5.14.0", "lvm2": "2.03.24-2.el9", "xfsprogs": "6"}
    assert drift(active, standby) == (
        Drift("kernel", "5.15.0-300.el9", "5.14.0"),
        Drift("xfsprogs", "none", "6"),
    )
    assert drift(active, active) == ()
    assert Drift("xfsprogs", "none", "6").line == "xfsprogs: 6 here, none on the active server"
