#!/bin/bash
# what an operator types before an image of a server at rest: the commands of the manual procedure
set -eu
systemctl stop nfs-server
umount /mnt/a
sed -i 's|^[^#].* /mnt/a |#&|' /etc/fstab
systemctl daemon-reload
vgchange -q -an vg1 > /dev/null
iscsiadm -m node -u > /dev/null
iscsiadm -m node -o delete > /dev/null
sync
