"""The hardware without machines, put back to what the store says: it alone forgets when the API restarts."""

from lab.api.compute.instance_record import machine_of
from lab.api.core.store import Store
from lab.hardware.hardware import NullHardware

ENDING_OR_ENDED = ("TERMINATED", "TERMINATING")


class Remembering(NullHardware):
    """`NullHardware` that knows the images, volumes, disks, power and bindings of an earlier API process."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._images |= {one.id for one in store.find("image") if one.state != "DELETED"}
        volumes = [one for one in store.find("volume") if "iqn" in one.hidden]
        self._iqns |= {one.id: one.hidden["iqn"] for one in volumes if one.state not in ENDING_OR_ENDED}
        for instance in store.find("instance"):
            if instance.state not in (*ENDING_OR_ENDED, "PROVISIONING"):
                self.create_disk(machine_of(instance), instance.body["imageId"])
            if instance.state == "RUNNING":
                self.power_on(machine_of(instance))
        attachments = [
            one for one in store.find("volumeattachment") if one.state in ("ATTACHED", "DETACHING")
        ]
        self._bound |= {one.body["volumeId"]: one.body["instanceId"] for one in attachments}
