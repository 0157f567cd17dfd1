"""One rehearsal, start to end: clean, look, ask, clone, launch, take over, read, check, remove, prove."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from failover.act import progress as progresses
from failover.cloud.block_copies import BlockCopies, BlockGroup, BlockVolume
from failover.cloud.one_group import group_of, place_of
from failover.cloud.throwaway import ThrowAwayServers
from failover.hosts.hook_runner import HookRunner
from failover.model.attachments import Attachment, Attachments
from failover.model.finding import Finding
from failover.model.instance_states import OFF
from failover.model.observation import Observation, ServerStatus
from failover.model.outcome import Failed, FailoverError, Outcome, Refused, Unknown, Usage
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.prompt import typed
from failover.rehearse import objections
from failover.rehearse.cost import cost_of
from failover.rehearse.host import CloneHost, reach_throw_away
from failover.rehearse.leftovers import Left, Leftovers
from failover.rehearse.objections import Chosen
from failover.rehearse.record import RehearsalRecord
from failover.rehearse.tagging import Label
from failover.report.report import Report
from failover.runs.events import Event
from failover.runs.history import STEPS
from failover.runs.journal import Journal
from failover.tfvars import variables
from failover.verify import data_findings
from failover.verify.canaries import Known

FOLDER = "rehearsals"  # below the site's runs
_STALE = timedelta(hours=12)  # nobody rehearses for longer
# What a failover does in its outage and a rehearsal measures; on a standby the last two.
_OUTAGE = ("launch", "reach", "attach", "take-over")


@dataclass(frozen=True)
class RehearsalChoices:
    """What was chosen. `fsck_seconds`: deadline of the filesystems' check. `clean`: only remove leftovers."""

    server: str = ""
    standby: str = ""
    yes: bool = False
    clean: bool = False
    fsck_seconds: float = 3600.0


class Rehearsal:
    """One rehearsal under its own lock; fills the report as it goes. Production is only looked at."""

    def __init__(
        self,
        ports: Ports,
        choices: RehearsalChoices,
        report: Report,
        console: Console,
        last_seconds: float | None,
        assert_held: Callable[[], None],
    ) -> None:
        """`last_seconds`: what the last one took; `assert_held`: raises when the lock was taken from us."""
        self._ports = ports
        self._site = ports.site
        self._choices = choices
        self._report = report
        self._console = console
        self._last = last_seconds
        self.facts: dict[str, Any] = {}  # of what was done, for the site's history
        self._assert_held = assert_held
        self._say = progresses.make(console).say
        self._copies = BlockCopies(ports.cloud.client)
        self._servers = ThrowAwayServers(ports.cloud.client)

    def run(self) -> None:
        """The whole of it. Raises FailoverError at the first thing that stops it, after the removal."""
        ports, site = self._ports, self._site
        ports.runner.init()
        self._stack = ports.runner.read()
        self._report.active = self._stack.active
        self._left = Leftovers(
            self._stack,
            self._servers,
            self._copies,
            lambda volume_id: ports.cloud.attachments(self._stack, volume_id),
            self._give_up,
            self._say,
        )
        self._clean()
        if self._choices.clean:
            return
        stack = variables.launching(self._stack, site.terraform)
        chosen = objections.chosen(stack, self._choices.server, self._choices.standby)
        self._report.target = chosen.server.name
        if not site.ssh.reach:
            raise Refused(
                "[ssh] reach = false: no host is reached from here", "rehearse from where hosts answer"
            )
        objections.refuse_during_a_run(site.runs)
        before = ports.observer.attachments(self._stack)
        volumes, group = self._look(chosen, before)
        self._confirm(chosen, volumes)
        self._act(chosen, volumes, group, before)

    def _clean(self) -> None:
        """Before anything else: what an earlier one left. Raises Refused for one that may be under way."""
        left = self._left.listed()
        if not left:
            if self._choices.clean:
                self._report.outcome = Outcome.NOTHING_TO_DO
                self._report.notes += ("nothing of a rehearsal of this site is there",)
            return
        if not self._choices.clean:
            self._refuse_others(left)
        for line in left.lines:
            self._say(f"left by an earlier rehearsal: {line}")
        text = self._left.remove(self._site.deadlines.launch)
        self._report.notes += (f"removed first, left by an earlier rehearsal: {text}",)
        self._report.outcome = Outcome.DONE

    def _refuse_others(self, left: Left) -> None:
        strangers = [
            run for run in left.runs(self._left.key) if not (self._site.runs / FOLDER / run).exists()
        ]
        if strangers and datetime.now(UTC) - left.newest < _STALE:
            raise Refused(
                f"a rehearsal begun elsewhere may be under way ({', '.join(sorted(strangers))}): "
                f"{'; '.join(left.lines)}",
                "wait until it has ended; if it was killed: `./inv rehearse --clean`",
            )

    def _look(self, chosen: Chosen, before: Attachments) -> tuple[list[BlockVolume], str | None]:
        """Whatever a refusal can be known from. The volumes, in the stack's order, and their OCI group."""
        stack, ports = self._stack, self._ports
        active = self._active(before)
        objections.refuse_unhealthy(active)
        self._summary = active.answer.summary if active.answer else ""
        with ThreadPoolExecutor(max_workers=8) as pool:
            ids = [volume.volume_id for volume in stack.volumes.values()]
            volumes = list(pool.map(self._copies.volume, ids))
        domain, group = place_of(volumes), group_of(volumes)
        if chosen.launch is not None:
            instead = "rehearse on a server that stands by (--standby)"
            objections.refuse_launch(ports, chosen.launch, domain, instead)
        else:
            status = ports.observer.server(chosen.server, stack, before)
            objections.refuse_standby(status, bool(before.held_by(chosen.server.instance_id)))
        return volumes, group

    def _active(self, attachments: Attachments) -> ServerStatus:
        stack = self._stack
        return self._ports.observer.server(stack.servers[stack.active], stack, attachments)

    def _confirm(self, chosen: Chosen, volumes: Sequence[BlockVolume]) -> None:
        cost = cost_of(chosen.launch.shape if chosen.launch else "", volumes, self._last)
        for line in cost.lines():
            self._console.print(line, markup=False, soft_wrap=True)
        if self._choices.yes:
            return
        if not sys.stdin.isatty():
            raise Usage("the cost cannot be confirmed: there is no terminal", "add --yes, or use a terminal")
        if typed("Nothing of production is changed. Type rehearse to go on: ") != "rehearse":
            raise Refused("not confirmed; nothing was made", "")

    def _act(
        self, chosen: Chosen, volumes: Sequence[BlockVolume], group: str | None, before: Attachments
    ) -> None:
        journal = Journal(self._site.runs / FOLDER, chosen.server.name)
        self._report.run = journal.id
        record = RehearsalRecord(journal, self._say, self._may_go_on)
        image = chosen.launch.image_id if chosen.launch else ""
        about = {"server": chosen.server.name, "throw_away": chosen.launch is not None, "image": image}
        self.facts = {"run": journal.id, **about}
        journal.write(Event.RUN_STARTED, target=chosen.server.name, **about)
        try:
            try:
                self._steps(record, Label(self._left.key, journal.id), chosen, volumes, group)
            finally:
                wait = self._site.deadlines.launch
                try:
                    record.step("remove", lambda: self._left.remove(wait), str, always=True)
                finally:
                    self._report.phases += record.phases
                    self.facts[STEPS] = record.seconds()
            self._report.findings += (Finding("removed", True, record.phases[-1].message),)
            self._report.findings += (self._untouched(before),)
            self._judge(record)
            journal.write(Event.RUN_DONE, outcome=self._report.outcome.value, seconds=record.seconds())
        except BaseException as error:
            journal.write(Event.RUN_ENDED, reason=str(error) or type(error).__name__)
            raise
        finally:
            journal.close()

    def _steps(
        self,
        record: RehearsalRecord,
        label: Label,
        chosen: Chosen,
        volumes: Sequence[BlockVolume],
        group: str | None,
    ) -> None:
        wait, stack = self._site.deadlines.switch, self._stack
        place, name = (stack.compartment_id, volumes[0].availability_domain), f"nfs-rehearsal-{label.run}"
        if group is None:
            ids = [one.id for one in volumes]
            make = lambda: self._copies.make_group(place, name, ids, label.tags, wait)  # noqa: E731
            group = record.step("group", make, lambda made: f"volume group {made.id}").id
        source = group
        copy = lambda: self._copies.clone_group(place, name, source, label.tags, wait)  # noqa: E731
        clone = record.step("clone", copy, lambda made: f"{len(made.volume_ids)} volumes in {made.id}")
        clones = self._paired(clone, label)
        instance_id, host = self._host(record, label, chosen)
        attached = record.step(
            "attach",
            lambda: self._servers.attach(list(clones.values()), instance_id, wait),
            lambda done: ", ".join(f"{one.address}:{one.port}" for one in done.values()),
        )
        taker = CloneHost(host, stack, clones, attached, self._site.deadlines.hooks)
        if chosen.launch is not None:
            record.step("withhold", taker.withhold, lambda done: done.message)
        self._take_over(record, taker)

    def _take_over(self, record: RehearsalRecord, host: CloneHost) -> None:
        report = record.step("take-over", host.take_over, lambda done: done.message)
        offered = host.exports(report)
        self._report.findings += (offered,)
        if not offered.ok:
            raise Failed(
                f"the clones are {offered.actual}: the rehearsal ends here",
                "find out who exports them there, and mend it in the image",
            )
        read = record.step("canaries", host.read, lambda results: "; ".join(x.message for x in results))
        self._report.findings += self._judged(read, host)
        record.step("unmount", host.unmount, lambda done: done.message)
        checked = record.step(
            "fsck",
            lambda: host.check(self._choices.fsck_seconds),
            lambda results: "; ".join(one.actual for one in results),
        )
        self._report.findings += checked

    def _host(self, record: RehearsalRecord, label: Label, chosen: Chosen) -> tuple[str, HookRunner]:
        """The instance and its host, once it answers."""
        ports, deadlines, server = self._ports, self._site.deadlines, chosen.server
        if chosen.launch is None:
            assert server.instance_id  # noqa: S101 (it answered a moment ago)
            assert server.address  # noqa: S101
            return server.instance_id, ports.hosts.at(server.name, server.address)
        launch, place = chosen.launch, self._stack.compartment_id
        active = self._stack.servers[self._stack.active].instance_id
        keys = self._servers.keys_of(active) if active else ""
        name = f"nfs-rehearsal-{server.name}"
        instance_id = record.step(
            "launch",
            lambda: self._servers.launch(place, name, launch, keys, label.tags, deadlines.launch),
            lambda made: f"instance {made}",
        )
        address = self._servers.address(place, instance_id)
        self._refuse_address(address)
        host = record.step(
            "reach",
            lambda: reach_throw_away(ports, instance_id, address),
            lambda _: f"answers SSH at {address}",
        )
        return instance_id, host

    def _refuse_address(self, address: str) -> None:
        """Raises Failed where the subnet gave the throw-away server an address that the site needs."""
        for server in self._stack.servers.values():
            if server.launch and server.launch.private_ip == address:
                raise Failed(
                    f"OCI gave the throw-away server {address}, which {server.name} is to be launched with",
                    f"rehearse again: it will be another one; or give {server.name} another private_ip",
                )

    def _paired(self, clone: BlockGroup, label: Label) -> Mapping[str, str]:
        """Each clone's OCID by the name of the volume that it is of. All get the tag. Raises Failed."""
        made = [self._copies.volume(ocid) for ocid in clone.volume_ids]
        for one in made:
            self._copies.tag(one, label.tags)
        by_source = {one.source_id: one.id for one in made}
        missing = [n for n, v in self._stack.volumes.items() if v.volume_id not in by_source]
        if missing:
            raise Failed(
                f"volume group {clone.id} has no clone of {', '.join(missing)}",
                "put all volumes of the site into one volume group",
            )
        return {name: by_source[volume.volume_id] for name, volume in self._stack.volumes.items()}

    def _judged(self, read: tuple[object, ...], host: CloneHost) -> tuple[Finding, ...]:
        """The canaries by the judgement of every verification."""
        observation = Observation(self._stack, host.host.ssh.name, {}, Attachments({}), ())
        return data_findings.judge(observation, read, {}, Known(self._site.runs))  # type: ignore[arg-type]

    def _may_go_on(self) -> None:
        """A failover has precedence: the rehearsal ends before its next step, and removes what it made."""
        self._assert_held()
        objections.refuse_during_a_run(self._site.runs)

    def _untouched(self, before: Attachments) -> Finding:
        """Whether production has the attachments that it had, and its active server is as specified."""
        try:
            after = self._ports.observer.attachments(self._stack)
            active = self._active(after)
        except FailoverError as error:
            return Finding("production", False, f"not known: {error.reason}")
        if {one.id for one in after.all()} != {one.id for one in before.all()}:
            return Finding("production", False, "its volumes have other attachments than before")
        if active.answer is None or active.answer.summary != self._summary:
            actual = active.answer.complaint if active.answer else "it does not answer"
            return Finding("production", False, f"{active.server.name} is not as before: {actual}")
        return Finding("production", True, f"as before: {active.answer.summary}")

    def _judge(self, record: RehearsalRecord) -> None:
        seconds = record.seconds()
        forecast = sum(seconds.get(name, 0.0) for name in _OUTAGE)
        self.facts["outage_measured_seconds"] = round(forecast, 3)
        self._report.notes += (
            f"of a failover's outage this measured {forecast:.0f} s ({', '.join(_OUTAGE)}); the old server's "
            "release or power-off, the detach and the clients come on top",
        )
        if wrong := [f"{one.subject}: {one.actual}" for one in self._report.findings if not one.ok]:
            self._report.outcome = Outcome.FAILED
            self._report.reason = "; ".join(wrong)
            self._report.remedy = "mend that before it is needed; then rehearse again"
        else:
            self._report.outcome = Outcome.DONE

    def _give_up(self, held: Sequence[Attachment], volumes: Sequence[BlockVolume]) -> None:
        """Clones that a server of the stack has: it releases them. One that is off has nothing to release.

        Raises Failed where it does not answer: I/O of a session that is cut hangs there until a reboot.
        """
        sources = {one.id: one.source_id for one in volumes}
        names = {volume.volume_id: name for name, volume in self._stack.volumes.items()}
        for instance_id in {one.instance_id for one in held}:
            server = self._stack.server_of(instance_id)
            if server is None or server.address is None or self._is_off(instance_id):
                continue
            mine = {one.volume_id: one for one in held if one.instance_id == instance_id}
            clones = {names[str(sources[ocid])]: ocid for ocid in mine if sources.get(ocid) in names}
            stack = _only(self._stack, clones)
            runner = self._ports.hosts.at(server.name, server.address)
            CloneHost(runner, stack, clones, mine, self._site.deadlines.hooks).release()

    def _is_off(self, instance_id: str) -> bool:
        try:
            return self._ports.cloud.instance_state(instance_id) in OFF
        except Unknown:
            return False


def _only(stack: Stack, clones: Mapping[str, str]) -> Stack:
    """The stack as it is, where each volume has its clone there. Raises Failed where some are missing."""
    if missing := sorted(set(stack.volumes) - set(clones)):
        raise Failed(
            f"no clone of {', '.join(missing)} is attached beside the others",
            "detach the clones by hand where they are, then `./inv rehearse --clean`",
        )
    return stack
