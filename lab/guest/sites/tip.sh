#!/bin/bash
# nfs-srv-1 of the manual procedure: vg1/lv01 over all volumes, a line without _netdev and nofail, with tabs
# shellcheck disable=SC2154 # devices: by log-in.sh, which runs before, in the same shell
vgcreate -q vg1 "${devices[@]}"
lvcreate -q -y -n lv01 -L 4G vg1
mkfs.xfs -q /dev/vg1/lv01
mkdir -p /mnt/a
printf '/dev/vg1/lv01\t/mnt/a\txfs\tdefaults\t0\t0\n' >> /etc/fstab
systemctl daemon-reload
mount /mnt/a
echo 'This is a test file.' > /mnt/a/test.txt
chown "$SUDO_USER:" /mnt/a
printf '/mnt/a\t10.0.0.0/16(rw)\n' > /etc/exports
systemctl enable --now nfs-server
exportfs -ra
