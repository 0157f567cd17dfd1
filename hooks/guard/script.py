"""The guard's own text: a generator of systemd's and a unit, in sh, so that a boot needs nothing but a root.

On the server itself it does nothing: it compares. On a copy, in each copy's first boot, before anything can
wait for a volume, it puts off what belongs to the server (systemd.generator(7)).
"""

FOLDER = "/etc/nfs-failover/guard"
SCRIPT = "/usr/local/lib/systemd/system-generators/nfs-failover-guard"
DEAD_MAN = "/etc/systemd/system/nfs-failover-dead-man.service"  # dead_man.py
WANTED = "/etc/systemd/system/multi-user.target.wants/nfs-failover-dead-man.service"
SETTLED = "nfs-failover guard: settled"
BOOTED = "nfs-failover guard: this copy has booted"
# Whether it is a copy: by the disk that / lies on, which stays the same when OCI moves an instance to other
# hardware; where the disk has no name, by the machine's own UUID. What cannot be compared is no copy.
TEXT = r"""#!/bin/sh
# nfs-failover: keeps a copy of this server from bringing the server's volumes to life. On the server itself
# it does nothing. Written by `invoke image` (docs/adr/0012-the-image.md).
folder=@folder@
disk() {
  number=$(sed -n 's|^[0-9]* [0-9]* \([0-9:]*\) [^ ]* / .*|\1|p' /proc/self/mountinfo | tail -n 1)
  test -n "$number" || return
  node=$(readlink -f "/sys/dev/block/$number")
  while :; do
    below=$(ls "$node/slaves" 2>&- | head -n 1)
    if test -n "$below"; then node=$(readlink -f "$node/slaves/$below")
    elif test -e "$node/partition"; then node=${node%/*}
    else break; fi
  done
  for file in "$node/device/wwid" "$node/wwid"; do # a serial number of virtio may be the same everywhere
    name=$(cat "$file" 2>&-) && test -n "$name" && echo "$name" && return
  done
}
identity() {
  echo "disk=$(disk)"
  echo "machine=$(cat /sys/class/dmi/id/product_uuid 2>&-)"
}
# 0: this machine is the one that the file names; 1: another one; 2: that cannot be told
is() {
  test -r "$1" || return 2
  for key in disk machine; do
    there=$(sed -n "s/^$key=//p" "$1")
    here=$(echo "$now" | sed -n "s/^$key=//p")
    if test -n "$there" && test -n "$here"; then test "$there" = "$here"; return; fi
  done
  return 2
}
copy() {
  is "$folder/of"
  test $? = 1 || return 1
  is "$folder/done"
  test $? != 0
}
unit() {
  mkdir -p "$2/sysinit.target.wants"
  cp "$folder/$1" "$2/$1"
  ln -sf "../$1" "$2/sysinit.target.wants/$1"
}
generate() {
  if copy; then
    cp -R "$folder/units/." "$1/"
    unit nfs-failover-guard.service "$1"
    unit nfs-failover-booted.service "$1"
  elif test "$(cat "$folder/boot" 2>&-)" = "$(cat /proc/sys/kernel/random/boot_id)"; then
    unit nfs-failover-booted.service "$1"
  fi
}
put_off() {
  cp -a /etc/fstab /etc/fstab.nfs-failover
  awk 'FNR == NR { off[$0] = 1; next } { print ($0 in off ? "@off@" : "") $0 }' "$folder/lines" /etc/fstab \
    > /etc/fstab.nfs-failover && sync /etc/fstab.nfs-failover && mv -f /etc/fstab.nfs-failover /etc/fstab
}
settle() {
  copy || exit 0
  test ! -s "$folder/lines" || put_off || exit 1
  rm -rf /etc/iscsi/nodes/@prefix@* /var/lib/iscsi/nodes/@prefix@*
  test ! -e @devices@ || mv -f @devices@ @devices@.of-image
  rm -rf @exports@ @quiesced@ @deadman@ @wanted@ @locks@
  systemctl --no-reload disable nfs-server || :
  for state in statd/sm statd/sm.bak sm sm.bak v4recovery nfsdcltrack nfsdcld; do
    test -L "/var/lib/nfs/$state" || rm -rf "/var/lib/nfs/$state"/*
  done
  rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
  ssh-keygen -A
  if ! grep -q systemd.machine_id= /proc/cmdline; then
    test -L /var/lib/dbus/machine-id || rm -f /var/lib/dbus/machine-id
    rm -f /etc/machine-id
    systemd-machine-id-setup
  fi
  cat /proc/sys/kernel/random/boot_id > "$folder/boot"
  echo "$now" > "$folder/done.new"
  sync -f "$folder/done.new"
  mv -f "$folder/done.new" "$folder/done"
  sync -f "$folder"
  echo "@settled@: a copy of $(cat "$folder/name"); put off in fstab: $(grep -c . "$folder/lines")"
}
now=$(identity)
case "$1" in
  identity) echo "$now" ;;
  settle) settle ;;
  booted) echo "@booted@" ;;
  *) generate "${2:-$1}" ;;
esac
exit 0
"""
GUARD_UNIT = """[Unit]
Description=NFS failover: put off what belongs to the server that this disk is a copy of
DefaultDependencies=no
After=systemd-remount-fs.service
Before=local-fs-pre.target local-fs.target sysinit.target shutdown.target
Before=iscsid.service iscsi.service open-iscsi.service iscsi-init.service lvm2-monitor.service
Before=cloud-init-local.service rpcbind.service nfs-server.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={script} settle
StandardOutput=journal+console
"""
BOOTED_UNIT = """[Unit]
Description=NFS failover: say on the console that this copy has booted
DefaultDependencies=no
After=nfs-failover-guard.service multi-user.target cloud-final.service systemd-logind.service
Before=shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={script} booted
StandardOutput=journal+console
"""
# In place of the mount unit that fstab would give: no device to wait for, and never mounted.
MOUNT_UNIT = """[Unit]
Description=Put off by nfs-failover: {where} is of the server that this disk is a copy of
DefaultDependencies=no
ConditionPathExists=!/

[Mount]
What=tmpfs
Where={where}
Type=tmpfs
"""
AUTOMOUNT_UNIT = """[Unit]
Description=Put off by nfs-failover: {where} is of the server that this disk is a copy of
DefaultDependencies=no
ConditionPathExists=!/

[Automount]
Where={where}
"""
NEEDS = "[Unit]\n{conditions}"  # systemd.unit(5): skipped while one of them is not mounted
CONDITION = "ConditionPathIsMountPoint={where}\n"
# In place of the unit that brings the service back on the server: a copy has none to bring back.
NO_DEAD_MAN = """[Unit]
Description=Put off by nfs-failover: this disk is a copy of a server
ConditionPathExists=!/

[Service]
Type=oneshot
ExecStart=/bin/true
"""


def filled(**values: str) -> str:
    """The script with this host's names: folder, off, prefix, devices, exports and so on."""
    text = TEXT
    for name, value in values.items():
        text = text.replace("@{}@".format(name), value)
    return text
