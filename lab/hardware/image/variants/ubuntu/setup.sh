#!/bin/bash
# Ubuntu's ways in an image: netplan before networkd, the user ubuntu. setup.sh ROOT
set -euo pipefail
root=$1
sed -i 's/^    name: opc/    name: ubuntu/; s/^    gecos: .*/    gecos: Ubuntu/; s/^  distro: .*/  distro: ubuntu/; s/renderers: .*/renderers: [netplan]/' \
  "$root/etc/cloud/cloud.cfg"
grep -q 'name: ubuntu' "$root/etc/cloud/cloud.cfg"
# AppArmor's profiles are loaded at boot; the kernel has it on by default
chroot "$root" systemctl --quiet enable apparmor.service
