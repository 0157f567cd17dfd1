"""Takes from a throw-away server what its image exports of the site's filesystems, before they are there.

An image of a server has that server's /etc/exports. A rehearsal must offer the clones to nobody, so these
lines are put out of force in a way that no takeover undoes. Only `withhold` changes the host.
"""

from typing import List, Sequence

from hooks.contract.client_spec import ClientSpec
from hooks.contract.fields import SpecError
from hooks.contract.result import PRESENT, Layer
from hooks.contract.spec import Spec
from hooks.host import text_file
from hooks.host.host import Host
from hooks.layers import exports, fstab, nfs

NAME = "exports withheld"
_MARK = "#nfs-failover rehearsal: "  # not fstab.OFF, which a takeover takes away


def withhold(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """One layer: present, with the files that were edited. Raises HookError; SpecError for a client."""
    if isinstance(spec, ClientSpec):
        raise SpecError("withhold: found a client's spec, expected a server's")
    concerned = nfs.concerning(host, spec)

    def without(text: str) -> str:
        return exports.put_off(text, concerned).replace(fstab.OFF, _MARK)

    edited = [name for name in nfs.files(host) if text_file.edit(host, name, without)]
    host.run("exportfs", "-ra", tolerate={1: "complained, perhaps of a line that is not ours"})
    message = "withheld in " + ", ".join(edited) if edited else "nothing of the site's was exported here"
    return [Layer(NAME, PRESENT, bool(edited), 0.0, message, {"files": edited})]
