"""The cloud-init document: valid, deterministic, small enough, and with the zipapp's own bytes."""

from __future__ import annotations

import base64
import gzip
import itertools
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from failover.bundle import cloud_init, zipapp
from hooks.layers import exports, fstab, lvm

BUDGET = 25_400  # bytes of user_data: the loader grows with iSCSI, LVM, the spec and its own start alone


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return yaml.safe_load(cloud_init.render_cloud_init())


def written(document: dict[str, Any], path: str) -> dict[str, Any]:
    return next(entry for entry in document["write_files"] if entry["path"] == path)


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    path = cloud_init.write_rendered(tmp_path / "rendered")
    text = (tmp_path / "rendered" / "cloud-init.yaml").read_text()
    assert text == cloud_init.render_cloud_init()
    assert gzip.decompress(base64.b64decode(path.read_text())).decode() == text
    assert path.name == "user_data"
    assert path.read_text() == cloud_init.user_data(text) + "\n"


def test_cloud_init_takes_it_for_cloud_config() -> None:
    assert cloud_init.render_cloud_init().startswith("#cloud-config\n")


@pytest.mark.skipif(not shutil.which("cloud-init"), reason="cloud-init is not installed")
def test_cloud_init_s_own_schema(tmp_path: Path) -> None:
    cloud_init.write_rendered(tmp_path)
    ran = subprocess.run(
        ["cloud-init", "schema", "--config-file", str(tmp_path / "cloud-init.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Valid" in ran.stdout


def test_the_zipapp_inside_is_the_loader(document: dict[str, Any]) -> None:
    entry = written(document, cloud_init.LOADER_PATH)
    assert base64.b64decode(entry["content"], validate=True) == zipapp.loader_bytes()
    assert (entry["owner"], entry["permissions"], entry["encoding"]) == ("root:root", "0755", "b64")


def test_it_fits_into_an_instance_s_metadata() -> None:
    size = len(cloud_init.user_data(cloud_init.render_cloud_init()))
    print(f"user_data: {size} bytes, {cloud_init.METADATA_LIMIT - cloud_init.HEADROOM - size} left")
    assert size <= BUDGET < cloud_init.METADATA_LIMIT - cloud_init.HEADROOM


def test_a_document_that_does_not_fit_is_refused() -> None:
    noise = base64.b64encode(random.Random(1).randbytes(30_000)).decode()  # noqa: S311 - incompressible, not secret
    with pytest.raises(
        cloud_init.UserDataTooLarge,
        match=r"user_data: found \d+ bytes, expected at most 28500 .*make hooks/ smaller",
    ):
        cloud_init.user_data(noise)


def test_an_unnamed_variable_is_an_error() -> None:
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True).from_string(
        "{{ nobody }}"
    )
    with pytest.raises(jinja2.UndefinedError):
        template.render()
    assert "{{" not in cloud_init.render_cloud_init()


def test_the_new_server_has_its_own_identity(document: dict[str, Any]) -> None:
    assert document["preserve_hostname"] is False
    assert document["ssh_deletekeys"] is True
    assert document["ssh"]["emit_keys_to_console"] is True


def test_the_service_does_not_block_the_first_boot(document: dict[str, Any]) -> None:
    assert document["runcmd"][-1] == ["systemctl", "start", "--no-block", "nfs-failover.service"]
    assert ["systemctl", "enable", "nfs-failover.service"] in document["runcmd"]
    assert not any("nfs-server" in word for command in document["runcmd"] for word in command)


def test_the_service_completes_a_takeover(document: dict[str, Any]) -> None:
    unit = written(document, "/etc/systemd/system/nfs-failover.service")["content"]
    assert f"{cloud_init.LOADER_PATH} {zipapp.hooks_sha256()}'" in unit
    assert "/usr/libexec/platform-python" in unit
    assert re.search(r"^After=.*network-online.target", unit, re.MULTILINE)
    # it is there for as long as the server is, whatever went wrong before
    assert re.search(r"^StartLimitIntervalSec=0$", unit, re.MULTILINE)
    assert re.search(r"^StandardOutput=journal\+console$", unit, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_s_own_verification(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "nfs-failover.service"
    path.write_text(written(document, "/etc/systemd/system/nfs-failover.service")["content"])
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert not [line for line in ran.stderr.splitlines() if "nfs-failover.service:" in line], ran.stderr


def test_what_a_custom_image_brought_along_is_forgotten(document: dict[str, Any], tmp_path: Path) -> None:
    """The very commands, run on the files of an image; `systemctl` stands by and takes notes."""
    kept = tmp_path / "var/lib/iscsi/nodes/iqn.2015-02.oracle.boot:uefi/169.254.0.2,3260"
    stale = tmp_path / "etc/iscsi/nodes/iqn.2015-12.com.oracleiaas:1f513b3e/169.254.2.4,3260"
    devices, own, table = (
        tmp_path / name.lstrip("/") for name in (lvm.DEVICES_FILE, exports.OWN, fstab.PATH)
    )
    for path in (kept, stale, devices, own, table):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    entry = "/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0"
    table.write_text(fstab.enable("/dev/root / xfs defaults 0 0\n", entry, lambda _: False))
    command = document["bootcmd"][0]
    assert command[:3] == ["cloud-init-per", "instance", "nfs-failover-forget"]
    for _ in range(2):
        noted = forget(command[-1], tmp_path)
    assert kept.exists()
    assert not stale.exists()
    assert not own.exists()
    assert not devices.exists()
    assert devices.with_name("system.devices.of-image").read_text() == "x\n"
    assert table.read_text() == f"/dev/root / xfs defaults 0 0\n{fstab.MARK}\n#{entry}\n"
    assert noted == ["--no-reload disable nfs-server", "stop --no-block nfs-server", "daemon-reload"]


def forget(script: str, root: Path) -> list[str]:
    """Runs the script on the files under `root`; gives what systemctl was asked."""
    for name in ("bin", "run"):
        (root / name).mkdir(exist_ok=True)
    tools = {
        "systemctl": f'echo "$*" >> {root}/noted',
        "udevadm": "exit 0",
        "findfs": 'case "$1" in UUID=here|LABEL=here) ;; *) exit 1;; esac',
        "mountpoint": 'test "$2" = /mnt/on',
        "systemd-escape": 'shift 2; for path; do echo "$path" | sed "s,^/,,; s,/,-,g; s,$,.mount,"; done',
    }
    for name, script_of in tools.items():
        (root / "bin" / name).write_text(f"#!/bin/sh\n{script_of}\n")
        (root / "bin" / name).chmod(0o755)
    (root / "noted").write_text("")
    moved = re.sub(r"(?<![\w./])/(etc|var|run)/", rf"{root}/\1/", script)
    assert moved.count(str(root)) == sum(script.count(f"/{name}/") for name in ("etc", "var", "run"))
    path = f"{root}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    subprocess.run(["sh", "-e", "-c", moved], check=True, env={"PATH": path})
    return (root / "noted").read_text().splitlines()


HERE = [  # what the new server has, or does not wait for
    "/dev/zero / xfs defaults 0 0",
    "UUID=here /boot/efi vfat defaults 0 2",
    "LABEL=here /srv/local xfs defaults 0 0",
    "/dev/null /srv/node ext4 defaults 0 0",
    "UUID=gone /mnt/on xfs defaults 0 0",
    "/dev/vg1/lv01 /mnt/late xfs defaults,_netdev,nofail 0 0",
    "LABEL=gone /mnt/by-hand xfs noauto 0 0",
    "filer:/srv /srv/filer nfs defaults 0 0",
    "tmpfs /srv/tmp tmpfs size=1g 0 0",
    "/srv/local /srv/again none bind 0 0",
    "# LABEL=gone /mnt/bv xfs defaults 0 0",
    "UUID=$(reboot) /mnt/strange xfs defaults 0 0",
]
AWAY = [
    "LABEL=blockvolume /mnt/bv/ xfs defaults,_netdev,noatime 0 0",
    'UUID="gone"\t/mnt/a\txfs\tdefaults\t0\t0',
    "PARTUUID=gone-01 //mnt/part ext4 rw 0 2",
    "/dev/oracleoci/oraclevdz /nfs auto defaults,noatime,_netdev 0 0",
    "/mnt/bv/home /srv/home none bind 0 0",
    "/mnt/a /export/a none rw,bind 0 0",
]


def test_a_line_that_waits_for_the_old_server_s_disk_is_put_off(
    document: dict[str, Any], tmp_path: Path
) -> None:
    table = tmp_path / "etc/fstab"
    table.parent.mkdir()
    mixed = [line for pair in itertools.zip_longest(AWAY, HERE) for line in pair if line]
    table.write_text("\n".join(mixed) + "\n")
    table.chmod(0o640)
    for _ in range(2):
        noted = forget(document["bootcmd"][0][-1], tmp_path)
    wanted = [(fstab.OFF if line in AWAY else "") + line for line in mixed]
    assert table.read_text().splitlines() == wanted
    assert fstab.restore(table.read_text()) == "\n".join(mixed) + "\n"
    assert table.stat().st_mode & 0o777 == 0o640
    mounts = ["mnt-bv", "mnt-a", "mnt-part", "nfs", "srv-home", "export-a"]
    assert noted[-1] == "stop --no-block " + " ".join(f"{name}.mount" for name in mounts)
    assert noted[-2] == "daemon-reload"
