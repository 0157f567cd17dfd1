#!/bin/bash
# nfs-srv-1 of Oracle's tutorials: VG bv with an LV bv striped over all volumes, XFS with a label, the world exported
# shellcheck disable=SC2154 # devices: by log-in.sh, which runs before, in the same shell
vgcreate -q bv "${devices[@]}"
lvcreate -q -y -n bv -L 4G --stripes "${#devices[@]}" --stripesize 64K bv
mkfs.xfs -q -L blockvolume /dev/bv/bv
mkdir -p /mnt/bv
echo 'LABEL=blockvolume /mnt/bv/ xfs defaults,_netdev,noatime 0 0' >> /etc/fstab
udevadm settle
systemctl daemon-reload
mount /mnt/bv
echo 'This is a test file.' > /mnt/bv/test.txt
chown "$SUDO_USER:" /mnt/bv
echo '/mnt/bv *(rw,sync,no_root_squash)' > /etc/exports
mkdir -p /etc/nfs.conf.d
printf '[nfsd]\nthreads=64\n' > /etc/nfs.conf.d/tutorial.conf
systemctl enable --now rpcbind nfs-server
exportfs -ra
