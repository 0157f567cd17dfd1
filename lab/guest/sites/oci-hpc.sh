#!/bin/bash
# nfs-srv-1 of oci-hpc 3.1: XFS straight on the volume, no LVM; its exports in a file of their own
# The UUID is the lab's, so that a line with it can be foretold.
# shellcheck disable=SC2154 # devices: by log-in.sh, which runs before, in the same shell
device=$(readlink -f "${devices[0]}")
mkfs.xfs -q -m uuid=5f0c6a4e-0b1d-4c53-9a55-3a9d5d0f1c21 "$device"
mkdir -p /nfs/cluster
echo "$device /nfs/cluster xfs defaults,noatime,_netdev 0 0" >> /etc/fstab
systemctl daemon-reload
mount /nfs/cluster
echo 'This is a test file.' > /nfs/cluster/test.txt
mkdir -p /nfs/cluster/slurm/state
chown "$SUDO_USER:" /nfs/cluster /nfs/cluster/slurm/state
mkdir -p /etc/exports.d
echo '/nfs/cluster 10.0.0.0/16(rw,sync,no_root_squash)' > /etc/exports.d/cluster.exports
systemctl enable --now nfs-server
exportfs -ra
