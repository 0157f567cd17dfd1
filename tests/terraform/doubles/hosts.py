"""Hosts without machines: what answers in the place of SSH, and nothing else is replaced.

`AnsweringHost` stands for failover.hosts.ssh.SshHost. It answers the hooks' actions with the hooks' own
Result, out of a small model of the hosts and of what the lab's cloud really has attached to each instance
(read from the API's store, so that a fault injected into the API is met by the product alone). Terraform, the
SDK, the API and the flow are real. That SSH, iSCSI, LVM and NFS do what this model says is proven by the
drills on real guests, not here.

The model watches too: `violations` lists each moment in which two hosts served, or a volume was taken away
from a host that was on and serving it.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from failover.bundle.zipapp import hooks_sha256
from failover.hosts.ssh import HostUnknown, Ran, Silent
from failover.hosts.ssh.input import Input
from failover.model.host.attempt import Attempt
from failover.model.outcome import Usage
from hooks.contract.result import BAD_SPEC, HookResult, Layer
from hooks.probe.canary_files import FIXED, WRITTEN

SERVICE = "the service"
LAYERS = ("iscsi", "lvm", "filesystem", "nfs")
CONTENTS = {
    "kernel": "5.15.0",
    "packages": "0" * 64,
    "package_count": 500,
    "versions": {"lvm2": "2.03.14"},
    "files": {"exports": "0" * 12, "keys": ""},
}


class HostsModel:
    """The hosts of one lab, in a file: it outlives the process that is killed.

    `silent`: names that do not answer. `troubled`: name -> why it lets us not in. `unusable`: name -> what is
    wrong with its block of this machine's ssh_config. `blind`: names to which no portal answers, whatever the
    API says. `breaks`: clients on which the mount fails.
    `serving`: server -> its instance. `mounted`: client -> its server, or SERVICE. `held`: client -> by whom.
    `manifest`: of the canaries on the volumes, None before the first refresh. `write`: what comes of a
    client's write. `refusals`: server -> what its survey would refuse. `versions`: server -> what it has.
    `following`: client -> the state of its own unit.
    `contents`: what the active server's root disk has otherwise than CONTENTS.
    """

    def __init__(self, folder: Path, database: Path) -> None:
        self.file = folder / "hosts.json"
        self._database = database

    def start(self, serving: str, instance_id: str) -> None:
        """One server serves, the client has mounted it, nobody is silent."""
        begun = {
            "silent": [],
            "troubled": {},
            "blind": [],
            "serving": {serving: instance_id},
            "mounted": {"nfs-cli": serving},
        }
        self.file.write_text(json.dumps({**begun, "violations": [], "manifest": None, "write": WRITTEN}))

    def come_back(self, name: str, instance_id: str, why: str) -> None:
        """This server, which is armed, brings its service back by itself."""
        with self.open() as model:
            assert model["armed"]
            model["serving"][name] = instance_id
            model.update(armed=False, restored={"why": why, "seconds": 1.0})

    @contextmanager
    def open(self) -> Iterator[dict[str, Any]]:
        """The model as the cloud lets it be; changes are kept."""
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = json.loads(self.file.read_text())
            self._meet_the_cloud(found)
            yield found
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps(found))
            fresh.replace(self.file)

    def _meet_the_cloud(self, found: dict[str, Any]) -> None:
        for name, instance_id in list(found["serving"].items()):
            if self.state(instance_id) != "RUNNING":
                del found["serving"][name]  # its power was cut: nothing of it comes back by itself
            elif len(self.portals(instance_id)) < 2:
                found["violations"].append(f"volumes were taken from {name} while it served them")
                del found["serving"][name]

    def state(self, instance_id: str) -> str:
        (found,) = self.bodies("id = ?", instance_id)
        return str(found["lifecycleState"])

    def instance_at(self, address: str) -> str | None:
        """The instance that has this address now."""
        for one in self.bodies("kind = 'privateip' AND json_extract(body, '$.ipAddress') = ?", address):
            joined = "kind = 'vnicattachment' AND json_extract(body, '$.vnicId') = ?"
            for attachment in self.bodies(joined, one["vnicId"]):
                return str(attachment["instanceId"])
        return None

    def portals(self, instance_id: str) -> dict[str, tuple[str, str, int]]:
        """By volume OCID: the portals that this instance could log in to."""
        where = "kind = 'volumeattachment' AND json_extract(body, '$.instanceId') = ?"
        return {
            a["volumeId"]: (a["iqn"], a["ipv4"], a["port"])
            for a in self.bodies(where, instance_id)
            if a["lifecycleState"] in ("ATTACHED", "DETACHING")
        }

    def bodies(self, where: str, *values: str) -> list[dict[str, Any]]:
        """What the cloud has, past its API and so past its faults."""
        database = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=10)
        try:
            rows = database.execute(f"SELECT body FROM resources WHERE {where}", values)  # noqa: S608
            return [json.loads(row[0]) for row in rows]
        finally:
            database.close()


class AnsweringHost:
    """In the place of failover.hosts.ssh.SshHost: the same constructor after `model`, run and close."""

    way = "SSH"

    def __init__(self, model: HostsModel, name: str, address: str, *_: Any) -> None:
        self.name = name
        self.address = address
        self.attempt: Attempt | None = None
        self._model = model

    def close(self) -> None:
        """There is no connection."""

    def accepts(self, port: int) -> bool:
        """No port of a silent host accepts a connection."""
        return False

    def boot_id(self, deadline_seconds: float = 60.0) -> str:
        """One that is an instance's own."""
        return self.run(["cat"], deadline_seconds).out.strip()

    async def opened(self) -> None:
        """There is no connection; what keeps a login out is raised by `ran`."""

    async def ran(
        self, argv: list[str], deadline_seconds: float, stdin: str | Input = "", first: str = ""
    ) -> Ran:
        """The same in the event loop; of `take-over` each line is a call of its own, when it is there."""
        if isinstance(stdin, str):
            return self.run(argv, deadline_seconds, stdin)
        async for line in stdin.pieces():
            document = json.loads(line)
            action, spec = ("announce", document["ready"]) if "ready" in document else ("apply", document)
            ran = self.run([*argv[:5], action], deadline_seconds, json.dumps(spec))
            if action == "apply":
                return ran
        return Ran(BAD_SPEC, "", "no spec came")

    def run(self, argv: list[str], deadline_seconds: float, stdin: str = "") -> Ran:
        """What this command comes to on this host; raises Silent as the real one does."""
        tried = Attempt(self.name, self.address, 22, "opc", "directly", (), "it let us in", answered=True)
        with self._model.open() as model:
            instance_id = self._model.instance_at(self.address)
            if self.name in model["silent"] or (instance_id and self._model.state(instance_id) != "RUNNING"):
                self.attempt = replace(tried, result="no route to host", answered=False)
                raise Silent(f"{self.name} ({self.address}): no route to host", self.attempt)
            self.attempt = tried
            if fault := model.get("unusable", {}).get(self.name):
                raise Usage(f"{self.name}: {fault}", "correct ssh_config")
            if trouble := model.get("troubled", {}).get(self.name):
                raise HostUnknown(f"{self.name} answers SSH, but: {trouble}", "mend it", tried)
            if argv[:2] == ["sh", "-c"] and "uname -r" in argv[2]:
                return Ran(0, model.get("versions", {}).get(self.name, "kernel 5.15\nlvm2 2.03\n"), "")
            if argv[:2] == ["sh", "-c"] and argv[3] == "hooks":
                result = self._hooks(model, instance_id, argv[5], json.loads(stdin))
                return Ran(result.exit_code, result.to_json() + "\n", "")
            boot_id = f"boot-of-{instance_id}\n" if argv[0] == "cat" else ""
            return Ran(0, boot_id, "")

    def _hooks(
        self, model: dict[str, Any], instance_id: str | None, action: str, spec: dict[str, Any]
    ) -> HookResult:
        if action in ("probe", "refresh"):
            return self._data(model, action, spec)
        if spec["role"] == "client":
            migrates = spec.get("aim", "follow") != "follow"
            client = self._migration if migrates else self._client
            return (self._following if action.startswith("follow-") else client)(model, action, spec)
        assert instance_id is not None, f"{self.address} is nobody's address"
        if action in ("withhold", "fsck") or _offered_to_nobody(spec):
            return self._on_clones(model, instance_id, action, spec)
        if action in ("survey", "ready", "announce"):
            return (self._survey if action == "survey" else self._ready)(model)
        if action in ("guard", "contents"):
            facts = {**CONTENTS, **model.get("contents", {}), "cron": []}
            layers = (Layer(action, "present", action == "guard", 0.0, "1 lines of fstab", facts),)
            return HookResult(action, "server", self.name, True, action == "guard", 0.0, "", layers)
        if action in ("arm", "disarm", "quiesce", "inventory"):
            found = self._outage(model, action)
        else:
            found = self._server(model, instance_id, action, spec["volumes"])
        return found

    def _outage(self, model: dict[str, Any], action: str) -> HookResult:
        """An image for which the service is stopped; `come_back` is what the server does by itself."""
        facts: dict[str, object] = {"seen": {"10.0.0.77": ["v4"]}}
        name, ok, state = "clients", True, "present"
        if action == "arm":
            facts, model["armed"] = {"again": model.get("armed", False)}, True
        elif action == "disarm":
            model["armed"], state = False, "absent"
            restored = model.pop("restored", None)
            facts = {"restored": restored} if restored else {}
        elif action == "quiesce":
            ok = model.get("armed", False)
            state = "absent" if ok else "broken"
            if ok:
                model["serving"].pop(self.name, None)
        return HookResult(
            action, "server", self.name, ok, True, 0.0, "", (Layer(name, state, True, 0.0, state, facts),)
        )

    def _on_clones(
        self, model: dict[str, Any], instance_id: str, action: str, spec: dict[str, Any]
    ) -> HookResult:
        """A rehearsal: other volumes than the site's, so it has nothing to do with who serves."""
        if action in ("withhold", "fsck"):
            state = model.get("fsck", "present") if action == "fsck" else "present"
            names = [f"fsck {item['mount']}" for item in spec["filesystems"]]
            layers = tuple(
                Layer(name, state, False, 0.0, state, {})
                for name in (names if action == "fsck" else [action])
            )
            if action == "withhold":
                model["withheld"] = True
            return HookResult(action, "server", self.name, state == "present", True, 0.0, "", layers)
        portals = self._model.portals(instance_id)
        asked = {v["volume_id"]: (v["iqn"], v["address"], v["port"]) for v in spec["volumes"]}
        assert all(portals.get(ocid) == portal for ocid, portal in asked.items()), (portals, asked)
        rehearsing = model.setdefault("rehearsing", {})
        if action == "release":
            rehearsing.pop(self.name, None)
        elif action == "apply":
            if fault := model.get("takeover_fault"):
                return self._result("server", action, False, "broken", fault)
            rehearsing[self.name] = instance_id
        found = self._result("server", action, True, "absent" if action == "release" else "present", action)
        offered = [f"{one['path']} to {client}" for one in spec["exports"] for client in one["clients"]]
        offered += [] if model.get("withheld") else model.get("image_exports", [])
        layers = tuple(
            one._replace(facts={"exported": offered}) if one.layer == "nfs" else one for one in found.layers
        )
        return found._replace(layers=layers)

    def _ready(self, model: dict[str, Any]) -> HookResult:
        model.setdefault("made_ready", []).append(self.name)
        layers = (Layer("hooks /opt/nfs-failover", "present", False, 0.0, "1 versions kept", {}),)
        return HookResult("ready", "server", self.name, True, False, 0.0, "", layers)

    def _survey(self, model: dict[str, Any]) -> HookResult:
        refusals = model.get("refusals", {}).get(self.name, [])
        state, facts = "broken" if refusals else "present", {"refusals": refusals, "warnings": []}
        layers = (Layer("lvm", state, False, 0.0, "; ".join(refusals), dict(facts)),)
        return HookResult("survey", "server", self.name, not refusals, False, 0.0, "", layers)

    def _server(
        self, model: dict[str, Any], instance_id: str, action: str, volumes: list[dict[str, Any]]
    ) -> HookResult:
        portals = self._model.portals(instance_id)
        asked = {v["volume_id"]: (v["iqn"], v["address"], v["port"]) for v in volumes}
        unseen = [
            p for volume_id, p in asked.items() if self.name in model["blind"] or portals.get(volume_id) != p
        ]
        if action == "release":
            model["serving"].pop(self.name, None)
        if action == "apply" and not unseen:
            if others := set(model["serving"]) - {self.name}:
                model["violations"].append(f"{self.name} began to serve while {', '.join(others)} served")
            model["serving"][self.name] = instance_id
        if self.name not in model["serving"]:
            told = f"portal {unseen[0][1]}:{unseen[0][2]} does not answer" if unseen else "nothing is up"
            return self._result("server", action, action != "apply", "absent", told)
        return self._result("server", action, True, "present", "all is up")

    def _data(self, model: dict[str, Any], action: str, spec: dict[str, Any]) -> HookResult:
        """The canaries lie on the volumes: who serves them, or has them mounted, has the same."""
        if action == "refresh":
            serial = model["manifest"]["serial"] + 1 if model["manifest"] else 1
            files = dict.fromkeys(FIXED, "0" * 64) | {f"fresh-{serial}": f"{serial:064}"}
            model["manifest"] = {"serial": serial, "written": "2026-03-14T03:12:00Z", "files": files}
        facts: dict[str, object] = {"manifest": model["manifest"]}
        state = "present" if model["manifest"] else "absent"
        if spec["role"] == "client":
            facts["write"] = model["write"] if model["manifest"] else "not tried"
            state = state if model["write"] == WRITTEN else "broken"
        paths = [item["mount"] for item in spec["filesystems" if spec["role"] == "server" else "mounts"]]
        layers = tuple(Layer(f"data {path}", state, False, 0.0, state, facts) for path in paths)
        if action == "refresh":
            layers += tuple(
                Layer(f"hooks {path}", "present", False, 0.0, "1 versions kept", {"sha256": [hooks_sha256()]})
                for path in paths
            )
        return HookResult(action, spec["role"], self.name, True, False, 0.0, "", layers)

    def _client(self, model: dict[str, Any], action: str, spec: dict[str, Any]) -> HookResult:
        server = spec["server"]
        if action == "apply" and self.name in model.get("breaks", []):
            return self._result("client", action, False, "broken", "mount: no space left on device")
        if action == "apply" and server in model["serving"]:
            model["mounted"][self.name] = server
        right = model["mounted"][self.name] in (server, SERVICE)
        state, told = (
            ("present", "mounted") if right else ("broken", f"mounted from {model['mounted'][self.name]}")
        )
        found = self._result("client", action, action == "check" or right, state, told)
        unit = model.get("following", {}).get(self.name)
        return found._replace(facts={"follow": unit}) if unit else found

    def _following(self, model: dict[str, Any], action: str, spec: dict[str, Any]) -> HookResult:
        """The client's own unit; on one that `breaks` the timer does not start."""
        units, name = model.setdefault("following", {}), self.name
        before = units.pop(name, None)
        if action == "follow-on":
            assert spec["mounts"], "there is something to follow"
            units[name] = {"sha256": hooks_sha256()[:16], "on": True, "current": True}
        ok, changed = name not in model.get("breaks", []), units.get(name) != before
        state = ("present" if action == "follow-on" else "absent") if ok else "broken"
        layer = Layer("follow", state, changed, 0.0, "" if ok else "the timer does not run", {})
        return HookResult(action, "client", name, ok, changed, 0.0, "", (layer,))

    def _migration(self, model: dict[str, Any], action: str, spec: dict[str, Any]) -> HookResult:
        """A mount that is `held` waits, with its line right; a client that `breaks` takes no new mount."""
        to = SERVICE if spec["aim"] == "service" else spec["server"]
        lines = model.setdefault("lines", {})
        before, line = model["mounted"][self.name], lines.get(self.name, model["mounted"][self.name])
        held = {"/mnt/nfs/a": text} if (text := model.get("held", {}).get(self.name)) else {}
        refusals = model.get("refusals", {}).get(self.name, [])
        facts: dict[str, object] = {"refusals": refusals, "waits": {} if before == to else held}
        facts["diff"] = [] if line == to else [f"- /etc/fstab: {line}:/mnt/a", f"+ /etc/fstab: {to}:/mnt/a"]
        if action == "migrate" and self.name in model.get("breaks", []):
            return self._result("client", action, False, "broken", "mount: access denied by server")
        if action == "migrate":
            lines[self.name] = to
            model["mounted"][self.name] = before if held else to
        done = model["mounted"][self.name] == lines.get(self.name, before) == to
        state = "present" if done or action == "migrate" else "absent"
        layer = Layer("client", state, action == "migrate", 0.0, state, facts)
        return HookResult(action, "client", self.name, True, False, 0.0, "", (layer,))

    def _result(self, role: str, action: str, ok: bool, state: str, message: str) -> HookResult:
        names = LAYERS if role == "server" else ("client",)
        layers = tuple(Layer(name, state, action != "check", 0.0, message, {}) for name in names)
        return HookResult(action, role, self.name, ok, action != "check", 0.0, message, layers)


def _offered_to_nobody(spec: dict[str, Any]) -> bool:
    """Whether this is a rehearsal's spec: its exports are for the host itself alone."""
    return [one["clients"] for one in spec.get("exports", [])] == [["127.0.0.1/32"]]
