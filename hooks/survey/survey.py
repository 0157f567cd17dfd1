"""What a takeover would refuse, or lose, on this host: looked at beforehand, and nothing written.

A host that holds the volumes is judged by what the next one will find on them; one that does not, by itself.
"""

from functools import partial
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

from hooks import walk
from hooks.contract.fields import SpecError
from hooks.contract.result import BROKEN, PRESENT, UNKNOWN, Layer
from hooks.contract.spec import ServerSpec, Spec
from hooks.host.host import HookError, Host
from hooks.survey import address, exports, firewall, locks, lvm, mounts, nfs, settings
from hooks.survey import host as survey_host
from hooks.survey.remark import Remark

Judge = Callable[[Host, ServerSpec], Iterator[Remark]]
JUDGES: Dict[str, Tuple[Judge, ...]] = {
    "iscsi": (survey_host.initiator,),
    "lvm": (survey_host.lvm_tools, lvm.volumes, lvm.groups, lvm.configuration),
    "filesystem": (
        survey_host.room,
        survey_host.filesystem_types,
        mounts.alone,
        mounts.here,
        mounts.lost,
        nfs.unlisted,
    ),
    "settings": (settings.carried,),
    "locks": (survey_host.record_of_clients, locks.one_context, locks.of_nfsv3, locks.own),
    "nfs": (
        survey_host.server,
        nfs.refused,
        nfs.lost,
        nfs.unnamed,
        nfs.names,
        exports.overruled,
        firewall.closed,
    ),
    "network": (survey_host.vnics,),
}


def survey(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """A layer each: present without a refusal, broken with one, unknown when it could not be learnt.

    Facts of each: `refusals` and `warnings`; of the settings layer `daemons` (unit states); of the NFS layer
    `settings` and `clients` (addresses by name); of the filesystem layer `uuids` by mount point; of the
    address layer `carried`, `answering` and `own` (hooks/survey/address.py).
    Raises SpecError for a client's spec.
    """
    if not isinstance(spec, ServerSpec):
        raise SpecError("survey: found a client's spec, expected a server's; use `check`")
    modules = walk.chosen(spec, only)
    return [walk.timed(host, item.NAME, partial(_layer, host, item.NAME, spec)) for item in modules]


def _layer(host: Host, name: str, spec: ServerSpec) -> Layer:
    remarks, failures = _remarks(host, name, spec)
    refusals = [text for refused, text in remarks if refused]
    facts: Dict[str, object] = {
        "refusals": refusals,
        "warnings": [text for refused, text in remarks if not refused] + (failures if refusals else []),
    }
    if name == "nfs":
        facts["settings"] = nfs.settings(host)
        facts["clients"] = nfs.known(host, spec)
    if name == "address":
        owners = address.owners(host, spec)
        facts.update(owners, warnings=address.warnings(owners))
    if name == "settings":
        facts["daemons"] = settings.daemons(host)
    if name == "filesystem":
        facts["uuids"] = mounts.uuids(host, spec)
    state = BROKEN if refusals else UNKNOWN if failures else PRESENT
    return Layer(name, state, False, 0.0, "; ".join(refusals or failures), facts)


def _remarks(host: Host, name: str, spec: ServerSpec) -> Tuple[List[Remark], List[str]]:
    """Each remark once, and what kept a judge from telling; the others tell all the same."""
    remarks: List[Remark] = []
    failures: List[str] = []
    for judge in JUDGES.get(name, ()):
        try:
            for remark in judge(host, spec):
                remarks += [] if remark in remarks else [remark]
        except (HookError, OSError) as error:
            failures.append(str(error))
    return remarks, failures
