#!/bin/bash
# What EL9 has on top: LVM's devices file in use, with no data volume in it yet. setup.sh ROOT
set -euo pipefail
root=$1
for name in lvmdevices vgimportdevices; do ln -sf lvm "$root/usr/sbin/$name"; done
sed -i 's/^[[:space:]]*#\?[[:space:]]*use_devicesfile = .*/\tuse_devicesfile = 1/' "$root/etc/lvm/lvm.conf"
grep -q '^	use_devicesfile = 1' "$root/etc/lvm/lvm.conf"
mkdir -p "$root/etc/lvm/devices"
# as the installer leaves it where the boot disk has no LVM: the file is there, and so LVM heeds it
printf '# LVM uses devices listed in this file.\nVERSION=1.1.1\n' > "$root/etc/lvm/devices/system.devices"
