#!/bin/bash
# One node of the pair, as its owner sets it up: corosync, LVM's system ID, the fence agent; nothing is started.
# usage: make-node.sh (fence_lab.sh and corosync.conf lie in the login's home folder)
set -eu
install -m 0755 fence_lab.sh /usr/sbin/fence_lab
install -m 0644 corosync.conf /etc/corosync/corosync.conf
# the volume group is one node's, by its name (lvmsystemid(7)): the other one does not activate it
sed -i 's/^[[:space:]]*#*[[:space:]]*system_id_source = .*/\tsystem_id_source = "uname"/' /etc/lvm/lvm.conf
lvmconfig global/system_id_source | grep -q uname
systemctl disable -q --now nfs-server 2> /dev/null || true
mkdir -p /mnt/a
