#!/bin/bash
# What EL8 and EL9 have in common: NetworkManager, firewalld on with what NFS needs. setup.sh ROOT
set -euo pipefail
root=$1
sed -i 's/renderers: .*/renderers: [network-manager]/' "$root/etc/cloud/cloud.cfg"
grep -q network-manager "$root/etc/cloud/cloud.cfg"
chroot "$root" systemctl --quiet disable systemd-networkd.service
chroot "$root" systemctl --quiet mask systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service
chroot "$root" systemctl --quiet enable NetworkManager.service NetworkManager-wait-online.service firewalld.service
for service in ssh nfs mountd rpc-bind; do
  chroot "$root" firewall-offline-cmd --quiet --zone=public --add-service="$service"
done
# /etc/nfs.conf.d/ports.conf
for port in 32803/tcp 32769/udp 662/tcp 662/udp; do
  chroot "$root" firewall-offline-cmd --quiet --zone=public --add-port="$port"
done
# cloud-init's hook looks where this policy lets NetworkManager not look, and no guest needs it
rm -f "$root"/etc/NetworkManager/dispatcher.d/hook-network-manager "$root"/usr/lib/NetworkManager/dispatcher.d/*cloud*
# LVM's own package has them on EL, and so they have their label before LVM writes there
mkdir -p "$root/etc/lvm/archive" "$root/etc/lvm/backup" "$root/etc/lvm/devices"
# the module is compiled into the image's policy; lay.sh labels all files by it afterwards
cp "${BASH_SOURCE[0]%/*}/policy.cil" "$root/root/nfs-failover-lab.cil"
chroot "$root" semodule --noreload --install=/root/nfs-failover-lab.cil
rm "$root/root/nfs-failover-lab.cil"
