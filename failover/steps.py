"""What each kind of step does. A step looks again before it touches anything, and again afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from failover import specs
from failover.answer import Answer
from failover.cloud import Cloud
from failover.contract import Server, Stack
from failover.evidence import Evidence
from failover.hosts import HookedHost, Hosts
from failover.observe import Observer
from failover.outcome import Failed, Refused, Unknown
from failover.plan import OFF, Kind, Step
from failover.seen import Attachment, Observation, ServerSeen
from failover.site import Client, Site
from failover.ssh import Silent, wait_until_answers
from failover.terraform import Change, TerraformStack

# What a plan may touch. Anything else in it is somebody's other change, or drift, and not for tonight.
SWITCH_MAY = ("oci_core_volume_attachment.data[", "oci_core_private_ip.service")


class Crew:
    """The functions of one run, with all that they need. `stack` is renewed when Terraform changed it."""

    def __init__(
        self, site: Site, cloud: Cloud, terraform: TerraformStack, hosts: Hosts, seen: Observation, mode: str
    ) -> None:
        self.site = site
        self.cloud = cloud
        self.terraform = terraform
        self.hosts = hosts
        self.seen = seen
        self.mode = mode
        self.stack: Stack = seen.stack
        self.evidence = Evidence()
        self._released: set[str] = set()
        self._do: dict[Kind, Callable[[Step], str]] = {
            Kind.LAUNCH: self.launch,
            Kind.POWER_ON: self.power_on,
            Kind.REACH: self.reach,
            Kind.RELEASE: self.release,
            Kind.POWER_OFF: self.power_off,
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
            self.terraform.adopt(address, instance_id, variables)
        plan = self.terraform.plan(variables)
        # update: an adopted instance gets the arguments that the API never tells (preserve_boot_volume)
        _gate(plan.changes, (address,), ("create", "update"))
        self.terraform.apply(plan, self.site.deadlines.launch)
        self.stack = self.terraform.read()
        return f"instance {self._server(step.subject).instance_id}"

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
        if not server.adopted and not self.hosts.keys.of(address, instance_id):
            self._learn_key(server.name, address, instance_id)
        wait_until_answers(self._host(server).ssh, self.site.deadlines.boot)
        return f"answers SSH at {address}"

    def _learn_key(self, name: str, address: str, instance_id: str) -> None:
        end = time.monotonic() + self.site.deadlines.boot
        while not (keys := self.cloud.host_keys(instance_id)):
            if time.monotonic() > end:
                raise Unknown(
                    f"{name}: no SSH host key on its console within {self.site.deadlines.boot:.0f} s",
                    "look at the console's history: cloud-init prints the key at the end of the first boot",
                )
            time.sleep(2)
        self.hosts.keys.pin(address, instance_id, keys)

    def release(self, step: Step) -> str:
        """The old server gives everything up; believed only when its own check says so afterwards."""
        server = self._server(step.subject)
        held = self._held(server)
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

    def switch(self, step: Step) -> str:
        """Terraform moves the attachments; nothing is detached unless its holder is fenced right now."""
        target = self._server(step.subject)
        self._assert_fenced(step, target)
        self.terraform.write_active(target.name)
        self._adopt_attachments(target)
        plan = self.terraform.plan({"active_server": target.name})
        try:
            _gate(plan.changes, SWITCH_MAY, ("create", "update", "delete"))
        except Refused:
            self.terraform.write_active(self.stack.active)
            raise
        self.terraform.apply(plan, self.site.deadlines.switch)
        self.stack = self.terraform.read()
        portals = [f"{name} at {a.address}:{a.port}" for name, a in self._held(target).items()]
        return f"attached to {target.name}: {', '.join(portals)}"

    def _adopt_attachments(self, target: Server) -> None:
        """What is attached to the target but not in the state was attached by a run that was killed."""
        found = Observer(self.site, self.cloud, self.hosts).attachments(self.stack)
        for name, attachments in found.items():
            for attachment in attachments:
                mine = attachment.instance_id == target.instance_id and attachment.state == "ATTACHED"
                if mine and attachment.id != self.stack.volumes[name].attachment_id:
                    address = f'oci_core_volume_attachment.data["{name}"]'
                    self.terraform.adopt(address, attachment.id, {"active_server": target.name})

    def _assert_fenced(self, step: Step, target: Server) -> None:
        observer = Observer(self.site, self.cloud, self.hosts)
        attachments = observer.attachments(self.stack)
        ids = {a.instance_id for found in attachments.values() for a in found} - {target.instance_id}
        for instance_id in sorted(ids):
            holder = self.stack.server_of(instance_id)
            if holder is None:
                raise Refused(f"{instance_id}, no server of this stack, holds a volume", "detach it by hand")
            if (state := self.cloud.instance_state(instance_id)) in OFF:
                self.evidence.fenced(step, holder.name, "the API (GetInstance before the detach)", state)
                continue
            if holder.name in self._released:
                continue
            looked = observer.server(holder, self.stack, attachments)
            if not _released(looked):
                raise Refused(
                    f"{holder.name} holds a volume and is neither off nor has released it",
                    "run the same command again: it will be fenced first",
                )
            if looked.answer:
                self.evidence.fenced(
                    step, holder.name, "its own check before the detach", looked.answer.summary
                )

    def take_over(self, step: Step) -> str:
        """iSCSI, LVM, filesystem, exports on the target, by the hooks."""
        server = self._server(step.subject)
        spec = specs.server_spec(self.stack, self._held(server), self.site.deadlines.hooks)
        applied = self._host(server).hooks("apply", spec, self.site.deadlines.hooks)
        return _expect(self.evidence.heard(step, applied)).told

    def client(self, step: Step) -> str:
        """Point one client at the target; reboot it when that is the chosen way."""
        client = next(c for c in self.site.clients if c.name == step.subject)
        host = self.hosts.at(client.name, client.address)
        spec = self._client_spec(client)
        applied = self.evidence.heard(step, host.hooks("apply", spec, self.site.deadlines.client))
        if applied.reboot_required:
            return self._reboot(host, spec)
        return _expect(applied).told

    def _reboot(self, host: HookedHost, spec: dict[str, object]) -> str:
        before = host.ssh.run(["cat", "/proc/sys/kernel/random/boot_id"], 60).out.strip()
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
        server = self._server(self.seen.target).hostname
        former = [s.hostname for s in self.stack.servers.values()]
        return specs.client_spec(client, server, former, self.mode, self.site.deadlines.client)

    def _held(self, server: Server) -> dict[str, Attachment]:
        found = Observer(self.site, self.cloud, self.hosts).attachments(self.stack)
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


def _gate(changes: Sequence[Change], may: tuple[str, ...], actions: tuple[str, ...]) -> None:
    for change in changes:
        if not change.address.startswith(may) or not set(change.actions) <= set(actions):
            raise Refused(
                f"Terraform's plan would also {'+'.join(change.actions)} {change.address}",
                "settle that change by itself first (`terraform plan` shows it), then run this again",
            )


def _expect(found: Answer) -> Answer:
    if not found.ok:
        raise Failed(
            f"{found.host}: hooks {found.result.action}: {found.result.message}",
            f"mend it on {found.host}, then run the same command again",
        )
    return found


def _released(seen: ServerSeen) -> bool:
    return bool(seen.answer and seen.answer.released)
