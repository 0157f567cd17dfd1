"""What rehearsals made and is still there, by its tag: removed, and its absence proven by listing again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from failover.cloud.block_copies import BlockCopies, BlockGroup, BlockVolume
from failover.cloud.throwaway import ThrowAway, ThrowAwayServers
from failover.model.attachments import Attachment
from failover.model.outcome import Failed, FailoverError, Refused
from failover.model.stack_output import Stack
from failover.rehearse.tagging import TAG, run_of, site_key

_CLEAN = "`./inv rehearse --clean` removes it; until then it costs money"


@dataclass(frozen=True)
class Left:
    """Everything of rehearsals of one site that is not TERMINATED. `groups`: of production's own volumes."""

    instances: tuple[ThrowAway, ...]
    groups: tuple[BlockGroup, ...]
    clones: tuple[BlockGroup, ...]
    volumes: tuple[BlockVolume, ...]

    @property
    def _all(self) -> list[ThrowAway | BlockGroup | BlockVolume]:
        return [*self.instances, *self.groups, *self.clones, *self.volumes]

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def lines(self) -> tuple[str, ...]:
        """Each with its kind, name, OCID and state."""
        kinds = (
            ("instance", self.instances),
            ("volume group", (*self.groups, *self.clones)),
            ("volume", self.volumes),
        )
        return tuple(f"{kind} {one.name} ({one.id}, {one.state})" for kind, many in kinds for one in many)

    def runs(self, key: str) -> set[str]:
        """The rehearsals that made it."""
        return {run for one in self._all if (run := run_of(one.tags, key))}

    @property
    def newest(self) -> datetime:
        """When the newest of it was made (UTC)."""
        return max((one.created for one in self._all), default=datetime.min.replace(tzinfo=UTC))


class Leftovers:
    """Looks and removes in the stack's compartment, where rehearsals make everything.

    `held`: a volume's attachments, in whatever compartment. `give_up`: has a server of the stack release
    clones that are attached to it; raises FailoverError.
    """

    def __init__(
        self,
        stack: Stack,
        servers: ThrowAwayServers,
        copies: BlockCopies,
        held: Callable[[str], Sequence[Attachment]],
        give_up: Callable[[Sequence[Attachment], Sequence[BlockVolume]], None],
        say: Callable[[str], None],
    ) -> None:
        self._stack = stack
        self._servers = servers
        self._copies = copies
        self._held = held
        self._give_up = give_up
        self._say = say
        self.key = site_key(stack)

    def listed(self) -> Left:
        """By the tag: instances, volume groups, volumes; and the volumes of tagged clones. Raises Unknown.

        A volume of the site itself is never among them, whatever tag it has.
        """
        place = self._stack.compartment_id
        groups = [one for one in self._copies.groups(place) if run_of(one.tags, self.key)]
        clones = {one.id for one in groups if one.cloned_from}
        mine = {volume.volume_id for volume in self._stack.volumes.values()}
        volumes = [
            one
            for one in self._copies.volumes(place)
            if (run_of(one.tags, self.key) or one.group_id in clones) and one.id not in mine
        ]
        return Left(
            tuple(one for one in self._servers.instances(place) if run_of(one.tags, self.key)),
            tuple(one for one in groups if one.id not in clones),
            tuple(one for one in groups if one.id in clones),
            tuple(volumes),
        )

    def remove(self, wait: float) -> str:
        """Remove all of it and prove it; what was removed, in words.

        Nothing is lost sight of when this is killed: a clone's volumes get the tag before their group, which
        names them, goes. Raises Failed with what is left, and that it costs money.
        """
        leftovers = self.listed()
        if not leftovers:
            return "nothing was left"
        try:
            self._remove(leftovers, wait)
        except FailoverError as error:
            raise Failed(f"{error.reason}; left: {self._still()}", f"{error.remedy}; {_CLEAN}") from error
        if left := self.listed():
            raise Failed(f"left: {'; '.join(left.lines)}", _CLEAN)
        return f"{len(leftovers.lines)} resources; none with the tag {TAG} of this site is listed any more"

    def _still(self) -> str:
        try:
            return "; ".join(self.listed().lines) or "nothing"
        except FailoverError as error:
            return f"not known ({error.reason})"

    def _remove(self, leftovers: Left, wait: float) -> None:
        for group in leftovers.clones:
            self._say(f"volume group {group.name}: waiting until it is made, to know its volumes")
            self._copies.settle_group(group.id, wait, ("AVAILABLE", "FAULTY", "TERMINATED"))
        leftovers = self.listed()
        for volume in leftovers.volumes:
            self._copies.tag(volume, self._tags_of(volume, leftovers))
        self._remove_servers(leftovers, wait)
        self._let_go(leftovers, wait)
        for group in (*leftovers.clones, *leftovers.groups):
            self._say(f"volume group {group.name} goes")
            self._copies.delete_group(group.id, wait)
        self._say(f"{len(leftovers.volumes)} cloned volumes go")
        self._copies.delete_volumes([one.id for one in leftovers.volumes], wait)

    def _tags_of(self, volume: BlockVolume, leftovers: Left) -> dict[str, str]:
        own = volume.tags.get(TAG)
        group = next((one.tags[TAG] for one in leftovers.clones if one.id == volume.group_id), "")
        return {TAG: own or group}

    def _remove_servers(self, leftovers: Left, wait: float) -> None:
        for one in leftovers.instances:
            if any(server.instance_id == one.id for server in self._stack.servers.values()):
                raise Refused(
                    f"{one.name} ({one.id}) is a server of this stack and has the tag {TAG}",
                    f"remove that tag from {one.name}: it is never terminated from here",
                )
            self._say(f"instance {one.name} is terminated, with its boot volume")
            boots = self._servers.boot_volumes(self._stack.compartment_id, one.domain, one.id)
            self._servers.terminate(one.id, wait)
            if left := [boot for boot in boots if self._servers.boot_volume_left(boot)]:
                raise Failed(
                    f"boot volume {', '.join(left)} of {one.name} is still there", "delete it by hand"
                )

    def _let_go(self, leftovers: Left, wait: float) -> None:
        """Clones that a server of the stack has: released there first, for I/O of a cut session hangs."""
        held = [one for volume in leftovers.volumes for one in self._held(volume.id)]
        if held:
            self._give_up(held, leftovers.volumes)
        for one in held:
            self._servers.detach(one.id, wait)
