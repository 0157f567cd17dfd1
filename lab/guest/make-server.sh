#!/bin/bash
# the NFS server as its owner built it, by hand: vg1 over all volumes, lv01, XFS, /mnt/a, exported to 10.0.0.0/16
# shellcheck disable=SC2154 # devices: by log-in.sh, which runs before, in the same shell
vgcreate -q vg1 "${devices[@]}"
lvcreate -q -y -n lv01 -L 4G --type striped -i "${#devices[@]}" vg1
mkfs.xfs -q /dev/vg1/lv01
mkdir -p /mnt/a
echo '/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0' >> /etc/fstab
mount /mnt/a
echo 'This is a test file.' > /mnt/a/test.txt
chown "$SUDO_USER:" /mnt/a
sync -f /mnt/a/test.txt
echo '/mnt/a 10.0.0.0/16(rw,sync,no_subtree_check,fsid=1)' > /etc/exports
systemctl enable --now nfs-server # has systemd read fstab and the exports, too: that takes seconds here
exportfs -ra
