"""The lab's own controls under /lab/, no part of OCI's API: faults, power cuts, partitions, the log."""

import time
from collections.abc import Callable

from lab.api.compute.instance_states import forget_terminated
from lab.api.core.answer import Answer, json_answer
from lab.api.core.call import Tenancy
from lab.api.core.errors import ApiError, not_found
from lab.api.core.faults import Faults
from lab.api.core.store import Document
from lab.api.core.transition import release_stuck
from lab.api.http.seeds import seed
from lab.hardware.hardware import Hardware, HardwareError


class Controls:
    """What a rehearsal does to the cloud behind its back."""

    def __init__(self, cloud: Tenancy, hardware: Hardware) -> None:
        self._cloud = cloud
        self._hardware = hardware
        self.faults = Faults(cloud.store)
        self._plain: dict[tuple[str, str], Callable[[Document], object]] = {
            ("GET", "faults"): lambda _: [vars(one) for one in self.faults.in_force()],
            ("POST", "faults"): lambda document: vars(self.faults.inject(document)),
            ("DELETE", "faults"): lambda _: self._clear_faults(),
            ("POST", "seed"): lambda document: seed(cloud, document).body,
            ("POST", "forget"): lambda _: {"forgotten": forget_terminated(cloud)},
            ("GET", "clock"): lambda _: self._clock(),
            ("GET", "requests"): lambda _: self._requests(),
        }
        self._on_instance: dict[str, Callable[[str], None]] = {
            "crash": hardware.power_off,
            "freeze": hardware.freeze,
            "thaw": hardware.thaw,
            "unplug": hardware.unplug,
            "plug": hardware.plug,
        }

    def answer(self, method: str, path: str, document: Document) -> Answer:
        """Carry out one control; `path` begins with /lab/. Raises 404 for an unknown one."""
        name, _, argument = path.removeprefix("/lab/").partition("/")
        plain = self._plain.get((method, name)) if not argument else None
        if plain:
            return json_answer(plain(document))
        if method == "POST" and name in self._on_instance and argument:
            return self._touch(name, argument)
        raise not_found(f"{method} {path}")

    def _touch(self, name: str, instance_id: str) -> Answer:
        """Do something to a guest while the API goes on saying what it said before."""
        instance = self._cloud.required("instance", instance_id)
        try:
            self._on_instance[name](instance.id)
        except HardwareError as error:
            raise ApiError(409, "HardwareError", str(error)) from error
        return json_answer({"instance_id": instance.id, "on": self._hardware.is_on(instance.id)})

    def _clear_faults(self) -> Document:
        self.faults.clear()
        return {"released": release_stuck(self._cloud)}

    def _clock(self) -> Document:
        rows = self._cloud.store.execute("SELECT * FROM transitions ORDER BY due")
        fields = ("resource_id", "step", "due", "attempts")
        pending = [{name: row[name] for name in fields} for row in rows]
        return {"now": time.time(), "delay_factor": self._cloud.world.delay_factor, "pending": pending}

    def _requests(self) -> list[Document]:
        return [dict(row) for row in self._cloud.store.execute("SELECT * FROM requests ORDER BY seq")]
