"""The bare way: plain SDK calls and shell commands, by somebody who makes no pause and checks nothing."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from bench.pacemaker.moments import Takeover
from bench.pacemaker.site import SERVICE_SECONDS, MeasuredSite, load, other
from lab.client.wait import wait_for_state
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, SERVER, SERVICE_ADDRESS

NAME = "bare shell"
_SCRIPTS = (Path(__file__).parents[1] / "by_hand.sh", Path(__file__).with_name("address_by_hand.sh"))


class BareWay:
    """The manual procedure's commands on the next server, with a service address."""

    name = NAME

    def __init__(self, lab: Lab, _: Console) -> None:
        self._site = MeasuredSite(lab)
        self._lab = lab

    def up(self) -> None:
        """The site as its owner built it; the service's address was added by hand."""
        self._site.up()
        self._site.leave_alone()
        self._site.root(SERVER, f"ip address add {SERVICE_ADDRESS}/24 dev eth0")
        self._site.watch()

    def move(self, target: str) -> Takeover:
        """Cut the power, prove it off, move the attachments by the SDK, type the commands."""
        server = other(target)
        cut = self._site.cut(server)
        self._lab.power_off(server)
        fenced = time.time()
        portals = self._reattached(target)
        attached = time.time()
        text = "".join(script.read_text() for script in _SCRIPTS)
        argv = ["sudo", "bash", "-s", "--", *portals]
        self._lab.access.run(ADDRESSES[target], argv, stdin=text, deadline_seconds=SERVICE_SECONDS)
        assert self._site.probe is not None  # noqa: S101 - `up` has made it
        served = self._site.probe.await_answer(cut, fenced, SERVICE_SECONDS)
        parts = (("detach and attach by the SDK", attached - fenced), ("the commands", served - attached))
        used = self._site.used(fenced, served)
        return Takeover(self.name, target, cut, fenced, attached, served, used, load(), parts=parts)

    def ready(self, server: str) -> None:
        """The server that was cut off stands by."""
        self._site.power_on(server)

    def down(self) -> None:
        """Leave nothing."""
        self._site.down()

    def _reattached(self, target: str) -> list[str]:
        """IQN=ADDRESS:PORT of each volume, attached to the target."""
        from oci.core.models import AttachIScsiVolumeDetails  # noqa: PLC0415 - as in lab/

        compute, instance = self._lab.api.compute_client(), self._lab.instance(target)
        held = [a for many in self._lab.attachments().values() for a in many]
        for one in held:
            compute.detach_volume(one.id)
        for one in held:
            wait_for_state(compute, compute.get_volume_attachment, one.id, "DETACHED")
        details = [AttachIScsiVolumeDetails(instance_id=instance, volume_id=one.volume_id) for one in held]
        made = [compute.attach_volume(one).data.id for one in details]
        for one in made:
            wait_for_state(compute, compute.get_volume_attachment, one, "ATTACHED")
        attachments = [compute.get_volume_attachment(one).data for one in made]
        return [f"{a.iqn}={a.ipv4}:{a.port}" for a in attachments]
