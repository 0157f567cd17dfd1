"""nfs-srv-1 of one founded lab with the product's own hooks on it, and the ways to break and to judge it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from oci.core.models import AttachIScsiVolumeDetails

from failover.cloud.compute import Cloud
from failover.command import site_file
from failover.hosts import specs
from failover.hosts.hook_runner import Hosts
from failover.model import stack_output
from failover.model.attachments import Attachment
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import ClientDocument
from failover.model.site import Client, ClientMode
from lab.client.api_process import ApiProcess
from lab.client.wait import wait_for_state
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER

HOOKS_SECONDS = 120


@dataclass(frozen=True)
class HostUnderTest:
    """The server, released between two tests; its client holds no mount."""

    lab: Lab
    stack: stack_output.Stack
    nfs_client: Client
    hosts: Hosts
    cloud: Cloud

    @staticmethod
    def of(lab: Lab) -> HostUnderTest:
        """The lab's server after its first release; from then on only the hooks' own file exports."""
        known = site_file.load(str(lab.site_file))
        stack = stack_output.parse(lab.terraform.output())
        made = HostUnderTest(lab, stack, known.clients[0], Hosts(known), Cloud(known.cloud))
        made.client(
            "systemctl disable -q --now drill-writer; ! mountpoint -q /mnt/nfs/a || umount /mnt/nfs/a"
        )
        made.sh(": > /etc/exports; exportfs -ra")
        assert made.hooks("release").ok
        return made

    def spec(self, **changes: Any) -> dict[str, Any]:
        """What the operator's side would send now, with the portals that the API has at this moment."""
        held = {name: found[0] for name in self.stack.volumes if (found := self.attachments(name))}
        return {**specs.server_spec(self.stack, held, HOOKS_SECONDS), **changes}

    def attachments(self, volume: str) -> tuple[Attachment, ...]:
        return self.cloud.attachments(self.stack, self.stack.volumes[volume].volume_id)

    def portal(self, volume: str) -> tuple[str, str]:
        """IQN and ADDRESS:PORT of a volume that is attached."""
        (found,) = self.attachments(volume)
        return found.iqn, f"{found.address}:{found.port}"

    def hooks(self, action: str, spec: Mapping[str, Any] | None = None) -> HookReport:
        """Run the zipapp on the server as a failover does."""
        answer = self.hosts.at(SERVER, ADDRESSES[SERVER]).hooks(action, spec or self.spec(), HOOKS_SECONDS)
        print(f"{action} {answer.result.seconds} s: {answer.summary}: {answer.message}")
        return answer

    def client_hooks(self, action: str, **changes: Any) -> HookReport:
        """Run the zipapp on the client, with nfs-srv-1 as its server unless the changes name another."""
        spec = specs.client_spec(self.nfs_client, self.stack, SERVER, ClientMode.REMOUNT, HOOKS_SECONDS)
        spec = cast(ClientDocument, {**spec, **changes})
        answer = self.hosts.at(CLIENT, ADDRESSES[CLIENT]).hooks(action, spec, HOOKS_SECONDS)
        print(f"client {action} {answer.result.seconds} s: {answer.summary}: {answer.message}")
        return answer

    def sh(self, script: str) -> str:
        """A script as root on the server; its output without the last line's end."""
        return self.lab.on(SERVER, "sudo", "sh", "-c", script).rstrip("\n")

    def client(self, script: str) -> str:
        return self.lab.on(CLIENT, "sudo", "sh", "-c", script).rstrip("\n")

    def runs(self, name: str, *argv: str, folder: str = "/") -> None:
        """Let a process run on the server as a service `name`, until `ends`."""
        self.sh(f"systemd-run -q -u {name} --working-directory={folder} {shlex.join(argv)}")

    def ends(self, name: str) -> None:
        self.sh(f"systemctl stop {name} 2>/dev/null; systemctl reset-failed {name} 2>/dev/null; true")

    def fill_disk(self) -> None:
        """Not one more block on the root filesystem, for root neither."""
        self.sh(
            "sync; n=0 i=4194304; while [ $i -gt 2 ]; do n=$((n + 1));"
            "fallocate -l ${i}K /fill.$n 2>/dev/null || i=$((i / 2)); done; cat /dev/zero > /fill.rest; true"
        )

    def free_disk(self) -> None:
        self.sh("rm -f /fill.*; sync")

    def attach(self, volume: str) -> None:
        client = ApiProcess(self.lab.run).compute_client()
        instance, ocid = self.lab.instance(SERVER), self.stack.volumes[volume].volume_id
        details = AttachIScsiVolumeDetails(instance_id=instance, volume_id=ocid)
        wait_for_state(
            client, client.get_volume_attachment, client.attach_volume(details).data.id, "ATTACHED"
        )

    def detach(self, volume: str) -> None:
        client = ApiProcess(self.lab.run).compute_client()
        (found,) = self.attachments(volume)
        client.detach_volume(found.id)
        wait_for_state(client, client.get_volume_attachment, found.id, "DETACHED")

    def storage(self) -> str:
        """What no hook may ever change: identity and metadata version of the group, and the filesystem's."""
        return self.sh(
            "vgs --noheadings -o vg_uuid,vg_seqno,pv_count vg1;"
            "pvs --noheadings -o pv_uuid -O pv_uuid -S vg_name=vg1;"
            "blkid -p -o value -s UUID /dev/vg1/lv01; cat /mnt/a/test.txt"
        )

    def files(self) -> str:
        """fstab and everything about exports, with what may lie beside them, mode and owner too."""
        return self.sh(
            "cat /etc/fstab; stat -c '%n %a %u %g' /etc/fstab* /etc/exports /etc/exports.d/* 2>/dev/null;"
            "cat /etc/exports.d/* 2>/dev/null; true"
        )

    def active(self) -> str:
        """The device-mapper's names for anything of vg1: the kernel's word, whatever LVM thinks."""
        return self.sh("dmsetup ls | grep ^vg1- || true")

    def seconds(self, action: str, spec: Mapping[str, Any] | None = None) -> tuple[float, HookReport]:
        """The hooks' answer, and how long it took to come."""
        began = time.monotonic()
        answer = self.hooks(action, spec)
        return time.monotonic() - began, answer

    @contextmanager
    def lvm_configured(self, text: str) -> Iterator[None]:
        """LVM's configuration of this host has this text in it (lvm.conf(5))."""
        self.sh(f"cp -a /etc/lvm/lvmlocal.conf /run/ && echo {shlex.quote(text)} > /etc/lvm/lvmlocal.conf")
        try:
            yield
        finally:
            self.sh("mv /run/lvmlocal.conf /etc/lvm/")

    @contextmanager
    def dropping(self, what: str) -> Iterator[None]:
        """Packets that come in at the server and match `what` (tc-u32(8)) are dropped, as by a firewall."""
        self.sh(
            "tc qdisc add dev eth0 ingress && tc filter add dev eth0 parent ffff: protocol ip "
            f"u32 {what} action drop"
        )
        try:
            yield
        finally:
            self.sh("tc qdisc del dev eth0 ingress")
