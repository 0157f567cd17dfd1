#!/bin/bash
# What a server serves is given to the pair: the group gets this node's system ID, the state of NFS lies with
# the data, and nothing but Pacemaker brings any of it up. Runs on the node that serves now.
set -eu
folder=/mnt/a/.nfs-cluster
mkdir -p "$folder"
# with its owners: rpc.statd and nfsdcld write there under their own users
cp -a --one-file-system /var/lib/nfs/. "$folder/"
exportfs -ua
systemctl stop nfs-server nfsdcld nfs-mountd nfs-idmapd rpc-statd 2> /dev/null || true
umount /mnt/a
sed -i '\, /mnt/a ,d' /etc/fstab
: > /etc/exports
vgchange -q -an vg1 > /dev/null
vgchange -q --setautoactivation n vg1 > /dev/null
vgchange -q --yes --systemid "$(uname -n)" vg1 > /dev/null
systemctl daemon-reload
