#!/bin/bash
# the NFS server as its owner built it, by hand: vg1 over all volumes, lv01, XFS, /mnt/a, exported to 10.0.0.0/16
# usage: make-server.sh [SERVICE_ADDRESS/PREFIX] IQN=ADDRESS:PORT ...
set -eu
case ${1-} in
*=* | "") ;;
*)
  ip address add "$1" dev eth0
  shift
  ;;
esac
devices=()
for volume in "$@"; do
  iqn=${volume%%=*} portal=${volume#*=}
  iscsiadm -m node -o new -T "$iqn" -p "$portal" > /dev/null
  iscsiadm -m node -o update -T "$iqn" -p "$portal" -n node.startup -v automatic
  iscsiadm -m node -T "$iqn" -p "$portal" -l > /dev/null
  devices+=("/dev/disk/by-path/ip-$portal-iscsi-$iqn-lun-1")
done
udevadm settle
for device in "${devices[@]}"; do
  for _ in $(seq 100); do [ -b "$device" ] && break; sleep 0.1; done
done
vgcreate -q vg1 "${devices[@]}"
lvcreate -q -y -n lv01 -L 4G --type striped -i "${#devices[@]}" vg1
mkfs.xfs -q /dev/vg1/lv01
mkdir -p /mnt/a
echo '/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0' >> /etc/fstab
systemctl daemon-reload
mount /mnt/a
echo 'This is a test file.' > /mnt/a/test.txt
chown "$SUDO_USER:" /mnt/a
sync -f /mnt/a/test.txt
echo '/mnt/a 10.0.0.0/16(rw,sync,no_subtree_check,fsid=1)' > /etc/exports
systemctl enable --now nfs-server
exportfs -ra
