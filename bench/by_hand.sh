#!/bin/bash
# what an operator types on a new server: the commands of the manual procedure, one after the other
# usage: by_hand.sh IQN=ADDRESS:PORT ...
set -eu
for volume in "$@"; do
  iqn=${volume%%=*} portal=${volume#*=}
  iscsiadm -m node -o new -T "$iqn" -p "$portal" > /dev/null
  iscsiadm -m node -o update -T "$iqn" -p "$portal" -n node.startup -v automatic
  iscsiadm -m node -T "$iqn" -p "$portal" -l > /dev/null
done
udevadm settle
vgchange -q -ay vg1 > /dev/null
grep -q '^/dev/vg1/lv01 ' /etc/fstab || echo '/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0' >> /etc/fstab
systemctl daemon-reload
mkdir -p /mnt/a
mount /mnt/a
df /mnt/a > /dev/null
grep -q '^/mnt/a ' /etc/exports || echo '/mnt/a 10.0.0.0/16(rw,sync,no_subtree_check,fsid=1)' > /etc/exports
systemctl enable -q --now nfs-server
exportfs -ra
exportfs > /dev/null
