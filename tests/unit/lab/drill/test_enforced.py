"""What counts as a denial, and which of the guest's complaints a drill repeats."""

from lab.drill import enforced

# as a guest's kernel writes them
DENIED = (
    "[   31.2] audit: type=1400 audit(1764190000.123:45): avc:  denied  { read } for  pid=412 "
    'comm="exportfs" name="nfs-failover.exports" dev="vda" ino=131 scontext=system_u:system_r:nfsd_t:s0 '
    "tcontext=system_u:object_r:etc_t:s0 tclass=file permissive=0"
)
GRANTED = "[   31.3] audit: type=1400 audit(1764190000.124:46): avc:  granted  { setsecparam } for  pid=1"


class Guests:
    """A lab whose guests answer from a table by command."""

    def __init__(self, **answers: str) -> None:
        self._answers = {"getenforce": "Enforcing\n", "dmesg": "", "restorecon": "", **answers}

    def on(self, name: str, *argv: str) -> str:
        return next(text for word, text in self._answers.items() if any(word in part for part in argv))


def test_a_denial_is_repeated_once_whatever_process_it_was():
    (found,) = enforced.denials("\n".join([DENIED, GRANTED, DENIED.replace("pid=412", "pid=413")]))
    assert found.startswith("avc:  denied  { read } for")
    assert "pid=" not in found
    assert 'comm="exportfs"' in found


def test_the_distributions_own_daemons_are_left_out_and_nobody_else():
    assert enforced.denials(DENIED.replace(":nfsd_t:", ":udev_t:")) == []
    closing = DENIED.replace(":etc_t:", ":kernel_t:").replace("tclass=file", "tclass=fd")
    assert enforced.denials(closing) == []
    # preflight asks firewalld: what it is denied is a denial of ours
    assert enforced.denials(DENIED.replace(":nfsd_t:", ":firewalld_t:")) != []
    assert enforced.denials(DENIED.replace(":etc_t:", ":udev_t:")) != []
    modules = DENIED.replace(":nfsd_t:", ":iscsid_t:").replace(":etc_t:", ":modules_object_t:")
    assert enforced.denials(modules) == []
    assert enforced.denials(DENIED.replace(":nfsd_t:", ":iscsid_t:")) != []


def test_bytecode_that_firewalld_would_keep_is_left_out_and_nothing_else_of_it():
    line = (
        'audit: avc:  denied  {{ write }} for  pid=7 comm="firewalld" name="{}" dev="vda" ino=9 '
        "scontext=system_u:system_r:firewalld_t:s0 tcontext=system_u:object_r:lib_t:s0 tclass=dir "
        "permissive=0\n"
    )
    assert enforced.denials(line.format("__pycache__")) == []
    assert len(enforced.denials(line.format("zones"))) == 1
    assert len(enforced.denials(line.format("__pycache__").replace("firewalld_t", "nfsd_t"))) == 1


def test_a_boot_service_that_runs_from_the_start_is_right_and_no_other():
    def told(state: str, restarts: int) -> list[str]:
        shown = f"NRestarts={restarts}\nActiveState={state}\n"
        return enforced.service(Guests(**{"nfs-failover.service": shown}), "nfs-srv-2")

    assert told("active", 0) == []
    (line,) = told("active", 1)
    assert line.startswith("nfs-failover.service on nfs-srv-2: NRestarts=1, ActiveState=active, expected")
    assert len(told("activating", 0)) == len(told("failed", 0)) == 1


def test_lvms_devices_file_is_in_use_with_every_volume_and_no_other():
    def told(used: str, *volumes: str) -> list[str]:
        return enforced.unlisted(Guests(lvmconfig=used, lvmdevices="".join(volumes)), "nfs-srv-1", 2)

    on, one = "use_devicesfile=1\n", "Device /dev/sda IDTYPE=sys_wwid IDNAME=naa.6 PVID=SLw\n"
    assert told(on, one, one) == []
    assert told(on, one) == [
        "LVM on nfs-srv-1: found use_devicesfile=1, 1 volumes listed, expected its devices file with 2"
    ]
    assert len(told("use_devicesfile=0\n", one, one)) == 1


def test_a_guest_that_enforces_and_labels_all_has_no_complaint():
    assert enforced.complaints(Guests(), ("nfs-srv-2", "nfs-cli")) == []


def test_each_complaint_names_its_guest():
    label = "Would relabel /etc/exports.d/x from u:object_r:etc_t:s0 to u:object_r:exports_t:s0\n"
    found = enforced.complaints(Guests(dmesg=DENIED, restorecon=label), ("nfs-srv-2",))
    assert len(found) == 2
    assert all(line.startswith("nfs-srv-2: ") for line in found)
    assert enforced.complaints(Guests(getenforce="Permissive\n"), ("nfs-srv-2",)) == [
        "SELinux on nfs-srv-2 is Permissive, expected Enforcing"
    ]
