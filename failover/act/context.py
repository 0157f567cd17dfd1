"""What each kind of step does. A step looks again before it touches anything, and again afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from failover.act.evidence import Evidence
from failover.checkout.origin import COMMAND_LINE, Door
from failover.cloud.compute import GONE, Cloud
from failover.hosts import specs, survey
from failover.hosts.hook_runner import HookedHost, Hosts
from failover.hosts.ssh import Silent, wait_until_answers
from failover.model.hook_report import Answer
from failover.model.observation import Attachment, Observation, Presence, ServerSeen
from failover.model.outcome import ClientLeft, Failed, FailoverError, Refused, Unknown
from failover.model.site import Client, Site
from failover.model.stack_output import Server, Stack
from failover.model.switch_record import SWITCH_RECORD
from failover.observe.observer import Observer
from failover.plan.model import OFF, Kind, Step
from failover.runs.events import UNPROVEN
from failover.stack.runner import StackRunner
from failover.stack.switch_gate import SWITCH_MAY, gate


class Crew:
    """The functions of one run, with all that they need. `stack` is renewed when Terraform changed it."""

    def __init__(
        self,
        site: Site,
        cloud: Cloud,
        terraform: StackRunner,
        hosts: Hosts,
        seen: Observation,
        mode: str,
        door: Door = COMMAND_LINE,
    ) -> None:
        self.site = site
        self.cloud = cloud
        self.terraform = terraform
        self.hosts = hosts
        self.seen = seen
        self.mode = mode
        self.door = door
        self.stack: Stack = seen.stack
        self.evidence = Evidence()
        self.remarks: list[str] = []
        self._released: set[str] = set()
        self._cut_off: set[str] = set()
        self._do: dict[Kind, Callable[[Step], str]] = {
            Kind.LAUNCH: self.launch,
            Kind.POWER_ON: self.power_on,
            Kind.REACH: self.reach,
            Kind.RELEASE: self.release,
            Kind.POWER_OFF: self.power_off,
            Kind.CUT_OFF: self.cut_off,
            Kind.SWITCH: self.switch,
            Kind.TAKE_OVER: self.take_over,
            Kind.CLIENT: self.client,
        }

    def do(self, step: Step) -> str:
        """Do one step; returns what it came to, for the timeline. Raises FailoverError."""
        try:
            return self._do[step.kind](step)
        except Silent as error:
            raise Unknown(
                f"{step.name}: {error}", "check the host and the network, then run it again"
            ) from error

    def launch(self, step: Step) -> str:
        """Terraform launches the server from its image; the active server stays the active one."""
        variables = {"launch": [step.subject], "active_server": self.stack.active}
        address = f'oci_core_instance.server["{step.subject}"]'
        for instance_id in self.cloud.launched(self.stack.compartment_id, step.subject)[:1]:
            if self.cloud.settled_state(instance_id, self.site.deadlines.launch) not in GONE:
                self.terraform.adopt(address, instance_id, variables)
        plan = self.terraform.plan(variables)
        # update: an adopted instance gets the arguments that the API never tells (preserve_boot_volume)
        gate(plan.changes, (address, SWITCH_RECORD), ("create", "update"))
        try:
            self.terraform.apply(plan, self.site.deadlines.launch)
        except FailoverError as error:
            raise _with(error, self._told_launched(step.subject)) from error
        self.stack = self.terraform.read()
        return f"instance {self._server(step.subject).instance_id}"

    def _told_launched(self, name: str) -> str:
        try:
            found = self.cloud.launched(self.stack.compartment_id, name)
        except FailoverError as error:
            return f"whether {name} was launched is not known either ({error.reason})"
        left = ", ".join(found)
        return f"the API has {left}, which the next run takes up" if left else f"the API has no {name}"

    def power_on(self, step: Step) -> str:
        """START through the API."""
        instance_id = self._instance(step.subject)
        return f"instance is {self.cloud.power_on(instance_id, self.site.deadlines.power)}"

    def reach(self, step: Step) -> str:
        """Learn the host key, then wait until the host runs commands."""
        server = self._server(step.subject)
        instance_id, address = self._instance(step.subject), server.address
        if address is None:
            raise Unknown(f"{server.name} has no private address", "look at its VNIC in the console")
        if not self.site.ssh.reach:
            return self._booted(server.name, instance_id)
        if not server.adopted and not self.hosts.keys.of(address, instance_id):
            self._learn_key(server.name, address, instance_id)
        wait_until_answers(self._host(server).ssh, self.site.deadlines.boot)
        hooks = self.site.deadlines.hooks
        survey.refuse(self._host(server), self.stack, {}, hooks, self._survey_of_active)
        return f"answers SSH at {address}"

    def _survey_of_active(self) -> Answer | None:
        """What the server that serves now exports and knows; None when it does not answer."""
        seen = self.seen.servers[self.seen.stack.active]
        if seen.presence is not Presence.ANSWERS:
            return None
        held = {
            name: one
            for name, many in self.seen.attachments.items()
            for one in many
            if one.instance_id == seen.server.instance_id
        }
        try:
            return survey.ask(self._host(seen.server), self.stack, held, self.site.deadlines.hooks)
        except (Silent, FailoverError):  # it has died meanwhile: there is nothing to compare with
            return None

    def _booted(self, name: str, instance_id: str) -> str:
        self.cloud.power_on(instance_id, self.site.deadlines.boot)  # also waits for a launch to be RUNNING
        self._await_keys(name, instance_id)
        return "its console shows that it has booted"

    def _learn_key(self, name: str, address: str, instance_id: str) -> None:
        self.hosts.keys.pin(address, instance_id, self._await_keys(name, instance_id))

    def _await_keys(self, name: str, instance_id: str) -> tuple[str, ...]:
        end = time.monotonic() + self.site.deadlines.boot
        while not (keys := self.cloud.host_keys(instance_id)):
            if time.monotonic() > end:
                raise Unknown(
                    f"{name}: no SSH host key on its console within {self.site.deadlines.boot:.0f} s",
                    "look at the console's history: cloud-init prints the key at the end of the first boot",
                )
            time.sleep(2)
        return keys

    def release(self, step: Step) -> str:
        """The old server gives everything up; believed only when its own check says so afterwards."""
        server = self._server(step.subject)
        found = self._attachments()
        held = {n: a for n, many in found.items() for a in many if a.instance_id == server.instance_id}
        spec = specs.server_spec(self.stack, held, self.site.deadlines.hooks)
        host = self._host(server)
        _expect(self.evidence.heard(step, host.hooks("release", spec, self.site.deadlines.hooks)))
        after = self.evidence.heard(step, host.hooks("check", spec, self.site.deadlines.hooks))
        if not after.released:
            raise Failed(
                f"{server.name} still holds something after the release: {after.held}",
                f"free it by hand on {server.name}, or power it off; then run the same command again",
            )
        self._released.add(server.name)
        self.evidence.fenced(step, server.name, "its own check after the release", after.summary)
        return "released: nothing exported, mounted, active or logged in"

    def power_off(self, step: Step) -> str:
        """STOP through the API, until the API says STOPPED."""
        state = self.cloud.power_off(self._instance(step.subject), self.site.deadlines.power)
        self.evidence.fenced(step, step.subject, "the API (GetInstance after STOP)", state)
        return f"instance is {state}"

    def cut_off(self, step: Step) -> str:
        """Like power_off, but what cannot be proven is recorded, and left to the detach: --unplanned."""
        try:
            return self.power_off(step)
        except (Failed, Unknown) as error:
            self._cut_off.add(step.subject)
            told = f"power off is not proven: {error.reason}"
            self.evidence.fenced(step, step.subject, UNPROVEN, told)
            self.remarks.append(
                f"{step.subject} was not proven off ({error.reason}): its writes no longer reach the "
                "volumes, but who still reaches it may read stale data; power it off before anything else"
            )
            return f"{told}; the detach is the fence"

    def switch(self, step: Step) -> str:
        """Terraform moves the attachments; nothing is detached unless its holder is fenced right now."""
        target = self._server(step.subject)
        fence = self._assert_fenced(step, target)
        self._record_what_is(target, self._settled())
        switch = {"active_server": target.name, "switch": self.door.record(), **fence}
        plan = self.terraform.plan(switch)
        if self.door.looks_back:
            # Again, and after the plan: Terraform does not apply one that is older than its state.
            self.door.check(self.terraform.switched())
        gate(plan.changes, SWITCH_MAY, ("create", "update", "delete"))
        self.terraform.write_active(target.name)
        try:
            self.terraform.apply(plan, self.site.deadlines.switch)
        except FailoverError as error:
            raise _with(error, self._told_attached()) from error
        self._assert_switched(target)
        self.stack = self.terraform.read()
        portals = [f"{name} at {a.address}:{a.port}" for name, a in self._held(target).items()]
        return f"attached to {target.name}: {', '.join(portals)}"

    def _settled(self) -> dict[str, tuple[Attachment, ...]]:
        """The attachments once nothing is on its way: what a killed run began goes on without it."""
        end = time.monotonic() + self.site.deadlines.switch
        found = {}
        for name, volume in self.stack.volumes.items():
            left = max(end - time.monotonic(), 0.0)
            found[name] = self.cloud.settled(self.stack, volume.volume_id, left)
            if len(found[name]) > 1:
                raise Refused(f"{name} is attached more than once", "detach the one that is wrong by hand")
        return found

    def _record_what_is(self, target: Server, found: Mapping[str, tuple[Attachment, ...]]) -> None:
        """Bring the state up to the API, which a killed or deceived apply has left behind.

        Deceived: the provider takes a 404 for "detached". An attachment that lives although the state has
        lost it would be in the way of the new one for ever; one that is tainted would be made twice.
        """
        recorded = self.terraform.recorded()
        for name, attachments in found.items():
            address = f'oci_core_volume_attachment.data["{name}"]'
            for attachment in attachments:
                known = recorded.get(address)
                if known is None or known.id != attachment.id:
                    self.terraform.adopt(address, attachment.id, {"active_server": target.name})
                elif known.tainted:
                    self.terraform.untaint(address)
        for server in self.stack.servers.values():
            known = recorded.get(f'oci_core_instance.server["{server.name}"]')
            if known and known.tainted and self.cloud.instance_state(known.id) not in GONE:
                self.terraform.untaint(f'oci_core_instance.server["{server.name}"]')

    def _assert_switched(self, target: Server) -> None:
        """Terraform's word is not taken for it: every volume is attached once, to the target."""
        wrong = []
        for name, attachments in self._attachments().items():
            if [(a.instance_id, a.state) for a in attachments] != [(target.instance_id, "ATTACHED")]:
                wrong.append(self._told(name, attachments))
        if wrong:
            raise Failed(
                f"Terraform says that it is done, but by the API {'; '.join(wrong)}",
                "run the same command again: it starts from what the API says",
            )

    def _told_attached(self) -> str:
        try:
            found = self._attachments()
        except FailoverError as error:
            return f"who holds the volumes is not known either ({error.reason})"
        return "by the API " + "; ".join(self._told(name, many) for name, many in found.items())

    def _told(self, name: str, attachments: Sequence[Attachment]) -> str:
        holders = []
        for attachment in attachments:
            server = self.stack.server_of(attachment.instance_id)
            holders.append(f"{attachment.state} to {server.name if server else attachment.instance_id}")
        return f"{name} is {' and '.join(holders) or 'attached to nobody'}"

    def _attachments(self) -> dict[str, tuple[Attachment, ...]]:
        return Observer(self.site, self.cloud, self.hosts).attachments(self.stack)

    def _assert_fenced(self, step: Step, target: Server) -> dict[str, Any]:
        """What the stack's own fence is told (terraform/fence.tf), for this one plan.

        `released`: the OCIDs of the attachments whose server is on, but has given them up. `fence`: storage,
        when the operator has said so for a server that is not proven off.
        """
        observer = Observer(self.site, self.cloud, self.hosts)
        attachments = observer.attachments(self.stack)
        ids = {a.instance_id for found in attachments.values() for a in found} - {target.instance_id}
        gave_up: set[str] = set()
        told: dict[str, Any] = {}
        for instance_id in sorted(ids):
            holder = self.stack.server_of(instance_id)
            if holder is None:
                raise Refused(f"{instance_id}, no server of this stack, holds a volume", "detach it by hand")
            if (state := self.cloud.instance_state(instance_id)) in OFF:
                self.evidence.fenced(step, holder.name, "the API (GetInstance before the detach)", state)
                continue
            if holder.name in self._cut_off:
                told["fence"] = "storage"
                continue
            gave_up.add(instance_id)
            if holder.name in self._released:
                continue
            looked = observer.server(holder, self.stack, attachments)
            if looked.trouble:
                raise Unknown(looked.trouble.reason, looked.trouble.remedy)
            if not _released(looked):
                raise Refused(
                    f"{holder.name} holds a volume and is neither off nor has released it",
                    "run the same command again: it will be fenced first",
                )
            if looked.answer:
                self.evidence.fenced(
                    step, holder.name, "its own check before the detach", looked.answer.summary
                )
        held = [a for found in attachments.values() for a in found]
        return {"released": sorted(a.id for a in held if a.instance_id in gave_up), **told}

    def take_over(self, step: Step) -> str:
        """iSCSI, LVM, filesystem, exports on the target, by the hooks."""
        server = self._server(step.subject)
        if not self.site.ssh.reach:
            return self._await_service(server)
        spec = specs.server_spec(self.stack, self._held(server), self.site.deadlines.hooks)
        applied = self._host(server).hooks("apply", spec, self.site.deadlines.hooks)
        return _expect(self.evidence.heard(step, applied)).told

    def _await_service(self, server: Server) -> str:
        """The server's own boot service does it; believed when its console names these very attachments."""
        observer, held = Observer(self.site, self.cloud, self.hosts), self._held(server)
        end = time.monotonic() + self.site.deadlines.hooks
        while not observer.in_service(server, held):
            if time.monotonic() > end:
                raise Unknown(
                    f"{server.name} has the volumes, but its console does not say within "
                    f"{self.site.deadlines.hooks:.0f} s that it serves them",
                    f"look at {server.name}'s console, and run `./inv verify` on a machine that reaches it",
                )
            time.sleep(2)
        return "its boot service brought the volumes up, by its console"

    def client(self, step: Step) -> str:
        """Point one client at the target; reboot it when that is the chosen way.

        Raises ClientLeft, whatever goes wrong on it: one client never decides over the others.
        """
        try:
            return self._bring_over(step)
        except Silent as error:
            raise ClientLeft(str(error), "bring it over once it answers") from error
        except FailoverError as error:
            raise ClientLeft(error.reason, error.remedy) from error
        except Exception as error:  # a defect of ours, which must not cost the others their service
            raise ClientLeft(f"{step.subject}: {type(error).__name__}: {error}", "report this") from error

    def _bring_over(self, step: Step) -> str:
        client = next(c for c in self.site.clients if c.name == step.subject)
        host = self.hosts.at(client.name, client.address)
        spec = self._client_spec(client)
        applied = self.evidence.heard(step, host.hooks("apply", spec, self.site.deadlines.client))
        if applied.reboot_required:
            return self._reboot(host, spec)
        return _expect(applied).told

    def _reboot(self, host: HookedHost, spec: dict[str, object]) -> str:
        before = host.ssh.boot_id()
        host.reboot()
        end = time.monotonic() + self.site.deadlines.client_reboot
        wait_until_answers(host.ssh, self.site.deadlines.client_reboot, not_boot=before)
        while not (found := host.hooks("check", spec, self.site.deadlines.client)).present:
            if time.monotonic() > end:
                raise Failed(
                    f"{host.ssh.name} rebooted, but: {found.complaint}",
                    "look at its mount, then run it again",
                )
            time.sleep(2)
        return f"rebooted; {found.told}"

    def _client_spec(self, client: Client) -> dict[str, object]:
        return specs.client_spec(client, self.stack, self.seen.target, self.mode, self.site.deadlines.client)

    def _held(self, server: Server) -> dict[str, Attachment]:
        found = self._attachments()
        held = {n: a for n, many in found.items() for a in many if a.instance_id == server.instance_id}
        if missing := sorted(set(found) - {n for n, a in held.items() if a.state == "ATTACHED"}):
            raise Failed(
                f"{', '.join(missing)} not ATTACHED to {server.name} by the API",
                "look at the volume's attachments, then run the same command again",
            )
        return held

    def _server(self, name: str) -> Server:
        return self.stack.servers[name]

    def _instance(self, name: str) -> str:
        instance_id = self._server(name).instance_id
        if instance_id is None:
            raise Failed(f"{name} has no instance in Terraform's state", "run the same command again")
        return instance_id

    def _host(self, server: Server) -> HookedHost:
        if server.address is None:
            raise Unknown(f"{server.name} has no private address", "look at its VNIC in the console")
        return self.hosts.at(server.name, server.address)


def _with(error: FailoverError, what_is_left: str) -> FailoverError:
    """The same end, saying also what the API shows afterwards."""
    return type(error)(f"{error.reason}; {what_is_left}", error.remedy)


def _expect(found: Answer) -> Answer:
    if found.result.facts.get("busy"):
        raise Unknown(
            f"{found.host}: hooks {found.result.action}: {found.result.message}",
            "wait, then run the same command again",
        )
    if not found.ok:
        raise Failed(
            f"{found.host}: hooks {found.result.action}: {found.result.message}",
            f"mend it on {found.host}, then run the same command again",
        )
    return found


def _released(seen: ServerSeen) -> bool:
    return bool(seen.answer and seen.answer.released)
