#!/bin/bash
# what every server built by hand begins with: the console's iSCSI commands; leaves the disks in `devices`
# usage: log-in.sh [SERVICE_ADDRESS/PREFIX] IQN=ADDRESS:PORT ...
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
