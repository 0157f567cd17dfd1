"""What `invoke image` is going to do, as a value, and why it will not: pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from failover.cloud.imaging import LARGEST_GB, ImageSource, Leftover, MadeImage
from failover.image.outage import OUTAGE, Outage
from failover.model.outcome import Refused, Usage
from failover.model.stack_output import Stack
from failover.runs.history import History, Kind
from failover.tfvars.variables import WrittenImage

LOCKED_MINUTES = 20  # after an image of an instance (Managing Custom Images)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:@+-]{0,199}")


@dataclass(frozen=True)
class ImageRequest:
    """The command line. Empty: not given. `keep`: how many images of this tool stay, the new one included.

    `quiesce`: the service is stopped for it, and the server itself imaged.
    """

    server: str = ""
    successor: str = ""
    name: str = ""
    keep: int = 3
    yes: bool = False
    quiesce: bool = False


@dataclass(frozen=True)
class ImagePlan:
    """One image: of which server, what is left of earlier runs, what goes afterwards.

    `finished`: an image that a run which was cut off has finished, and that this run goes on with. `written`:
    where Terraform takes the successor's image from; None when there is no such place. `outage`: of the
    service, where it is stopped for the image.
    """

    server: str
    source: ImageSource
    name: str
    successor: str | None
    written: WrittenImage | None
    instances: tuple[Leftover, ...] = ()
    volumes: tuple[Leftover, ...] = ()
    finished: MadeImage | None = None
    deletions: tuple[MadeImage, ...] = field(default=())
    outage: Outage | None = None

    @property
    def lines(self) -> list[str]:
        """The plan for a person."""
        lines = [
            f"left behind by a run that was cut off, removed first: {x.name} ({x.id})" for x in self.left
        ]
        if self.finished:
            lines.append(
                f"image {self.finished.name} ({self.finished.id}) was finished by a run that was cut off"
            )
        elif self.outage:
            lines += [
                f"image {self.name} of {self.server} ({self.source.name}), whose service is stopped for it:",
                f"   NFS, mounts, LVM and iSCSI of {self.server} given up as in a release,",
                f"   an image of the server itself ({self.source.boot_volume_gbs} GB), and everything back",
                *self.outage.lines(self.server),
            ]
        else:
            lines += [
                f"image {self.name} of {self.server} ({self.source.name}), which serves on meanwhile:",
                f"   the boot guard on {self.server}, a clone of its boot volume "
                f"({self.source.boot_volume_gbs} GB)",
                f"   an instance {self.source.shape} that boots the clone, is shut down, imaged, terminated",
                "   cost: that instance for its boot and the imaging, the clone meanwhile, the image",
            ]
        if self.successor and self.written:
            lines.append(
                f"then image_id of {self.successor} in {self.written.file.name}, shown as a difference"
            )
        lines += [f"then image {old.name} ({old.created:%Y-%m-%d}) is deleted" for old in self.deletions]
        return lines

    @property
    def left(self) -> tuple[Leftover, ...]:
        """All that earlier runs left behind."""
        return self.instances + self.volumes


def check(request: ImageRequest) -> None:
    """Raises Usage for a request that no site could fulfil."""
    if request.keep < 1:
        raise Usage(f"--keep {request.keep}: expected 1 or more", "the new image is one of them")
    if request.name and not _NAME.fullmatch(request.name):
        raise Usage(
            f"--name {request.name!r}: expected letters, digits, blanks and ._:@+-", "choose another name"
        )


def server_of(stack: Stack, wanted: str, quiesce: bool = False) -> str:
    """The server that the image is of: the active one unless another is named. Raises Usage."""
    name = wanted or stack.active
    if name not in stack.servers:
        raise Usage(f"{name!r} is not a server of this stack", f"known servers: {', '.join(stack.servers)}")
    if not stack.servers[name].instance_id:
        raise Usage(f"{name} has no instance, so there is no disk to take an image of", "name one that runs")
    if quiesce and name != stack.active:
        raise Usage(
            f"--quiesce is for the server that serves, which is {stack.active}, not {name}",
            "leave out --quiesce: another server has no service that could be stopped",
        )
    return name


def successor_of(stack: Stack, server: str, wanted: str) -> str | None:
    """The server that shall be launched from the image; None when that is for a person to say. Raises Usage.

    A server that exists keeps the disk that it has: it is no successor.
    """
    if wanted:
        if wanted not in stack.servers or not stack.servers[wanted].launch:
            others = [n for n, s in stack.servers.items() if s.launch and n != server]
            raise Usage(
                f"--successor {wanted} is not a server that this stack launches from an image",
                f"those are: {', '.join(others) or 'none'}",
            )
        return wanted
    candidates = [n for n, s in stack.servers.items() if s.launch and not s.instance_id and n != server]
    return candidates[0] if len(candidates) == 1 else None


def refuse(source: ImageSource, name: str, images: Sequence[MadeImage]) -> None:
    """Raises Refused for a server or a name of which no image can be taken now. Nothing was done.

    `name`: of the image that would be made; empty when none is.
    """
    if source.state != "RUNNING":
        raise Refused(
            f"{source.name} is {source.state}, expected RUNNING: the boot guard is put on it beforehand",
            "start it, or name a server that runs with --server",
        )
    if source.boot_volume_gbs > LARGEST_GB:
        raise Refused(
            f"the boot volume of {source.name} has {source.boot_volume_gbs} GB; a custom image has at most "
            f"{LARGEST_GB} GB",
            "move what fills it to a data volume, and build the server on a smaller boot volume",
        )
    if same_name := [one for one in images if one.name == name]:
        raise Refused(
            f"an image named {name} is there already: {same_name[0].id}, {same_name[0].state}",
            "choose another --name, or leave it out",
        )


def refuse_locked(source: ImageSource, past: History, now: datetime) -> None:
    """Raises Refused while OCI locks images of the server: the service would be stopped for none.

    `past`: only that of this site; an image that was taken by hand is met when the image is begun.
    """
    times = [e.at for e in past.entries if e.kind == Kind.IMAGE and OUTAGE in e.facts]
    minutes = (now - max(times)).total_seconds() / 60 if times else LOCKED_MINUTES
    if minutes < LOCKED_MINUTES:
        raise Refused(
            f"an image of {source.name} itself was taken {minutes:.0f} minutes ago; OCI takes none within "
            f"{LOCKED_MINUTES} minutes",
            f"wait {LOCKED_MINUTES - minutes:.0f} minutes, or leave out --quiesce",
        )


def deletions(images: Sequence[MadeImage], named: Collection[str], keep: int) -> tuple[MadeImage, ...]:
    """The images of this tool that go when one more is made, the oldest first.

    Never one that the configuration or the state names, nor one that another tool made.
    """
    mine = sorted(
        (one for one in images if one.run and one.state == "AVAILABLE"), key=lambda one: one.created
    )
    surplus = mine[: max(0, len(mine) + 1 - keep)]
    return tuple(one for one in surplus if one.id not in named)
