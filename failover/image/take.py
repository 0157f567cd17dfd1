"""Takes an image of a server that serves, from top to bottom. Start reading here.

The server itself is not imaged: OCI shuts an instance down for that. Its boot volume is cloned, the clone is
booted once by an instance of its own under the boot guard, shut down, imaged (docs/adr/0012-the-image.md).
With --quiesce the service is stopped, and the server itself imaged (quiesce.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console

from failover.bundle import zipapp
from failover.cloud import imaging
from failover.cloud.imaging import Imaging, MadeImage
from failover.hosts import specs
from failover.hosts.ssh import Silent
from failover.image import attempts, plan
from failover.image.attempts import CutOff
from failover.image.outage import OUTAGE
from failover.image.plan import ImagePlan, ImageRequest
from failover.image.quiesce import Quiescing
from failover.model.host import image_contents
from failover.model.outcome import Failed, FailoverError, Outcome, Unknown
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.runs import history
from failover.runs.events import Event
from failover.runs.journal import Journal
from failover.tfvars import variables, write
from hooks.contract.result import Facts
from hooks.guard.script import BOOTED, SETTLED

_BEGUN = ("PROVISIONING", "IMPORTING", "AVAILABLE")  # an image that is there, or will be


def take(request: ImageRequest, ports: Ports, console: Console) -> str:
    """Take the image, name it to Terraform, delete the surplus ones; its OCID.

    Raises Usage and Refused with nothing done, Failed and Unknown with all that was made removed again, or
    named where that was not possible.
    """
    plan.check(request)
    ports.runner.init()
    stack = ports.runner.read()
    calls = Imaging(ports.cloud)
    before = attempts.cut_off(ports.site.runs)
    restored = _brought_back(before, ports, stack, console) if before else {}
    wanted = _plan(request, ports, stack, calls, before)
    for line in wanted.lines:
        console.print(line, markup=False)
    if not request.yes:
        stops = " Its service is stopped for it." if wanted.outage else ""
        write.confirm(f"Take an image of {wanted.server}?{stops}")
    journal, began = Journal(ports.site.runs / attempts.FOLDER, wanted.server), time.monotonic()
    facts: dict[str, Any] = {"server": wanted.server, "run": journal.id, "quiesce": request.quiesce}
    try:
        journal.write(
            Event.RUN_STARTED, target=wanted.server, plan=wanted.lines, quiesce=wanted.outage is not None
        )
        if before:
            cut = f"cut off in: {before.step}"
            facts_before = {
                "server": before.server,
                "run": before.run,
                "quiesce": before.is_quiesced,
                "reason": cut,
            }
            _remember(
                ports, Outcome.FAILED, began, {**facts_before, **({"restored": restored} if restored else {})}
            )
        taking = _Taking(ports, stack, calls, journal, console, facts)
        image_id = taking.take(wanted)
        _remember(ports, Outcome.DONE, began, {**facts, "image": image_id})
    except FailoverError as error:
        journal.write(Event.RUN_ENDED, outcome=error.outcome.value, reason=error.reason, remedy=error.remedy)
        _remember(ports, error.outcome, began, {**facts, "reason": error.reason})
        raise
    finally:
        journal.close()
    return image_id


def _remember(ports: Ports, outcome: Outcome, began: float, facts: Mapping[str, Any]) -> None:
    """Into the site's history. What was done stays done where that cannot be written."""
    seconds = time.monotonic() - began
    with suppress(OSError):
        history.append(
            ports.site.runs,
            history.Entry(history.Kind.IMAGE, datetime.now(UTC), outcome.value, seconds, dict(facts)),
        )


def _brought_back(before: CutOff, ports: Ports, stack: Stack, console: Console) -> Mapping[str, Any]:
    """What became of the service of a run that was cut off; it is back, if it was stopped. Raises Unknown."""
    console.print(f"run {before.run} was cut off in: {before.step}", markup=False)
    if not before.is_quiesced or before.server != stack.active:
        return {}
    restored = Quiescing(ports, stack, before.server).back()
    how = f"by itself, for its {restored.get('why')}" if restored else "or was never away"
    console.print(f"the service of {before.server} is back {how}", markup=False)
    return restored or {"why": "this call"}


def _plan(
    request: ImageRequest, ports: Ports, stack: Stack, calls: Imaging, before: CutOff | None
) -> ImagePlan:
    server = plan.server_of(stack, request.server, request.quiesce)
    successor = plan.successor_of(stack, server, request.successor)
    source = calls.source(stack.servers[server].instance_id or "")
    images = calls.images(source.compartment_id)
    now = datetime.now(UTC)
    name = request.name or f"{server}-{now:%Y%m%dT%H%M%S}-{now.microsecond // 1000:03d}"
    folder = ports.site.terraform.checkout or ports.site.terraform.directory
    written = variables.written(folder, successor) if successor else None
    instances = calls.instances_left(source.compartment_id)
    unfinished = {one.run for one in instances} | ({before.run} if before else set())
    begun = [i for i in images if i.run in unfinished and i.of == source.id and i.state in _BEGUN]
    finished = sorted(begun, key=lambda image: image.state == "AVAILABLE")
    plan.refuse(source, "" if finished else name, images)
    launched = [s.launch.image_id for s in stack.servers.values() if s.launch]
    named = variables.named(folder, [one.id for one in images]) | set(launched)
    stops = request.quiesce and not finished
    past = history.read(ports.site.runs) if stops else history.History()
    plan.refuse_locked(source, past, now)
    return ImagePlan(
        server,
        source,
        name,
        successor,
        written,
        instances,
        () if instances else calls.volumes_left(source),  # a terminated instance takes its own along
        finished[-1] if finished else None,
        plan.deletions([i for i in images if i not in finished[-1:]], named, request.keep),
        Quiescing(ports, stack, server).outage(past) if stops else None,
    )


class _Taking:
    """One run: its steps write their beginning and their end into the journal."""

    def __init__(
        self,
        ports: Ports,
        stack: Stack,
        calls: Imaging,
        journal: Journal,
        console: Console,
        facts: dict[str, Any],
    ) -> None:
        self._ports = ports
        self._stack = stack
        self._calls = calls
        self._journal = journal
        self._console = console
        self._facts = facts
        self._waits = ports.site.deadlines

    def take(self, wanted: ImagePlan) -> str:
        """All steps; the image's OCID."""
        if wanted.finished and wanted.finished.state != "AVAILABLE":
            image, seconds = wanted.finished, self._waits.launch
            self._step(f"wait for image {image.name}", lambda: self._calls.await_image(image.id, seconds))
        for one in wanted.instances:
            self._step(f"remove {one.name}", partial(self._remove, one.id))
        for one in wanted.volumes:
            self._step(
                f"delete {one.name}",
                partial(self._calls.delete_boot_volume, one.id, self._waits.switch),
            )
        image_id = wanted.finished.id if wanted.finished else self._made(wanted)
        self._named(wanted, image_id)
        for old in wanted.deletions:
            self._step(f"delete image {old.name}", partial(self._delete, old, image_id))
        self._journal.write(Event.RUN_DONE, outcome=Outcome.DONE.value, image=image_id)
        return image_id

    def _made(self, wanted: ImagePlan) -> str:
        """The image of a copy of the server. What fails takes away what was made so far."""
        facts = self._step("boot guard", lambda: self._guard(wanted))
        if wanted.outage:
            return self._at_rest(wanted, facts)
        try:
            instance, image_id = self._imaged(wanted, facts)
            self._step("terminate the copy", lambda: self._remove(instance))
        except FailoverError as error:
            raise self._taken_away(error, wanted.source, self._journal.id) from error
        return image_id

    def _at_rest(self, wanted: ImagePlan, facts: Facts) -> str:
        """The image of the server itself, at rest: its service is stopped for it, and back at the end."""
        source, tags = wanted.source, _tags(wanted, self._journal.id, facts)
        image_id, seconds = Quiescing(self._ports, self._stack, wanted.server).imaged(
            self._step,
            lambda: self._calls.begin(source.compartment_id, source.id, wanted.name, tags),
            lambda made: self._calls.await_captured(source.id, made, self._waits.launch),
        )
        self._facts[OUTAGE] = round(seconds, 1)
        self._console.print(f"the service was away for {seconds:.0f} s", markup=False)
        self._step("wait for the image", lambda: self._calls.await_image(image_id, self._waits.launch))
        return image_id

    def _imaged(self, wanted: ImagePlan, facts: Facts) -> tuple[str, str]:
        """The copy's OCID and its image's."""
        run, source, name = self._journal.id, wanted.source, f"nfs-failover-image-{wanted.server}"
        boot_volume: str = self._step(
            "clone the boot volume", lambda: self._calls.clone(source, name, run, self._waits.switch)
        )
        instance: str = self._step(
            "boot the clone",
            lambda: self._calls.launch(source, boot_volume, name, run, self._waits.launch),
        )
        self._step("the copy's guard", lambda: self._booted(instance))
        self._step("shut it down", lambda: self._calls.shut_down(instance, self._waits.power))
        tags, place = _tags(wanted, run, facts), source.compartment_id
        image_id: str = self._step(
            "take the image",
            lambda: self._calls.create(place, instance, wanted.name, tags, self._waits.launch),
        )
        return instance, image_id

    def _taken_away(self, error: FailoverError, source: imaging.ImageSource, run: str) -> FailoverError:
        """The error, after what this run made was removed; it names what could not be."""
        left: list[str] = []
        with suppress(FailoverError):
            for one in self._calls.instances_left(source.compartment_id):
                if one.run == run:
                    left.append(one.id)
                    self._step(f"remove {one.name}", partial(self._remove, one.id))
                    left.remove(one.id)
            for one in self._calls.volumes_left(source):
                if one.run == run:
                    left.append(one.id)
                    self._step(
                        f"delete {one.name}",
                        partial(self._calls.delete_boot_volume, one.id, self._waits.switch),
                    )
                    left.remove(one.id)
        what = f"; still there, and costing money: {', '.join(left)}" if left else ""
        return type(error)(f"{error.reason}{what}", error.remedy or "run the same command again")

    def _guard(self, wanted: ImagePlan) -> Facts:
        server = self._stack.servers[wanted.server]
        if server.address is None:
            raise Unknown(f"{server.name} has no private address", "look at its VNIC in the console")
        held = self._ports.observer.attachments(self._stack).held_by(server.instance_id)
        seconds = self._waits.hooks
        spec = specs.server_spec(self._stack, held, seconds)
        try:
            report = self._ports.hosts.at(server.name, server.address).hooks("guard", spec, seconds)
        except Silent as error:
            raise Unknown(
                f"{server.name} does not answer: {error}", "an image is taken of a server that can be reached"
            ) from error
        if not report.ok or not report.layers:
            raise Failed(
                f"{server.name}: the boot guard was not put on it: {report.result.message}",
                f"mend it on {server.name}, then run the same command again",
            )
        facts = report.layers[0].facts
        for name in _listed(facts, "cron"):
            self._console.print(
                f"warning: {name} names a mount point of the site; a copy runs it without the mount",
                markup=False,
            )
        return facts

    def _booted(self, instance: str) -> str:
        settled = self._calls.console_line(instance, SETTLED, self._waits.boot)
        self._calls.console_line(instance, BOOTED, self._waits.boot)
        return settled

    def _remove(self, instance: str) -> None:
        self._calls.terminate(instance, self._waits.launch)

    def _named(self, wanted: ImagePlan, image_id: str) -> None:
        """Write the image into Terraform's variables, by a difference that was shown."""
        place = wanted.written
        if not wanted.successor or not place:
            name = wanted.successor or "the next server"
            self._console.print(
                f"no file of variables has an image_id for {name}: set it to {image_id} where your stack has "
                f"its variables (`invoke adopt --image {image_id} --successor NAME` writes a new server)",
                markup=False,
            )
            return
        text = place.file.read_text(encoding="utf-8")
        try:
            after = variables.changed(text, place.file.name, wanted.successor, image_id)
        except ValueError as error:
            raise Failed(
                f"the image is {image_id}, and {place.file} was left as it is: {error}",
                f"set image_id of {wanted.successor} to it by hand",
            ) from error
        change = write.FileChange(place.file, after)
        self._step("name it to Terraform", lambda: write.write([change], self._console, yes=True))

    def _delete(self, old: MadeImage, image_id: str) -> None:
        folder = self._ports.site.terraform.checkout or self._ports.site.terraform.directory
        if old.id != image_id and not variables.named(folder, [old.id]):
            self._calls.delete_image(old.id)

    def _step(self, name: str, act: Callable[[], Any]) -> Any:
        self._journal.write(Event.STEP_STARTED, step=name)
        began = time.monotonic()
        try:
            result = act()
        except FailoverError as error:
            self._journal.write(Event.STEP_FAILED, step=name, reason=error.reason)
            raise
        seconds = time.monotonic() - began
        text = result if isinstance(result, str) else ""
        self._journal.write(Event.STEP_DONE, step=name, seconds=round(seconds, 3), message=text)
        self._console.print(f"{name}: {text or 'done'} ({seconds:.1f} s)", markup=False)
        return result


def _tags(wanted: ImagePlan, run: str, facts: Facts) -> dict[str, str]:
    """What an image says of itself; freeform tags, ten at most, 256 characters each."""
    return {
        image_contents.TAG: run,
        image_contents.TAG_OF: wanted.source.id,
        image_contents.TAG_HOOKS: zipapp.hooks_sha256(),
        image_contents.TAG_SITE: wanted.server,
        **image_contents.tags_of(image_contents.of_facts(facts)),
    }


def _listed(facts: Facts, name: str) -> list[str]:
    values = facts.get(name)
    return [str(one) for one in values] if isinstance(values, list) else []
