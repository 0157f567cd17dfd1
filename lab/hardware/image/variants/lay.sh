#!/bin/bash
# Makes a variant's root filesystem of the base image's: lay.sh ROOT BASE_TAR APT_CONF PACKAGES LAYER...
# Runs as root in its own mount and process namespaces, so that nothing is left mounted or running.
set -euo pipefail
root=$1 base=$2 apt_conf=$3 packages=$4
shift 4

mkdir "$root"
tar --extract --numeric-owner --xattrs --xattrs-include='*' --file "$base" --directory "$root"

if [ -n "$packages" ]; then
  # apt of this machine downloads, as for the base image; dpkg runs in the image
  config=$(mktemp)
  trap 'rm -f "$config"' EXIT
  cat "$apt_conf" - > "$config" <<CONFIG
Dir "$root";
Dir::State::Status "$root/var/lib/dpkg/status";
Dir::Bin::dpkg "env";
DPkg::Options { "--unset=TMPDIR"; "dpkg"; "--force-confold"; "--force-unsafe-io"; };
DPkg::Chroot-Directory "$root";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONFIG
  mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"
  export APT_CONFIG=$config DEBIAN_FRONTEND=noninteractive INITRD=No
  apt-get -q update
  # shellcheck disable=SC2086 # a list
  apt-get -q -y --no-install-recommends install $packages
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
fi

for layer in "$@"; do
  if [ -d "$layer/root" ]; then cp -r --remove-destination "$layer/root/." "$root/"; fi
  if [ -f "$layer/setup.sh" ]; then bash "$layer/setup.sh" "$root"; fi
done
rm -rf "$root"/var/log/*.log "$root"/usr/share/man
touch -d 2037-01-01 "$root/etc/.updated" "$root/var/.updated"
# last of all: every file gets the label that the policy has for it, as an installer's relabelling does
if [ -f "$root/etc/selinux/config" ]; then
  (
    # shellcheck disable=SC1091 # the image's own
    . "$root/etc/selinux/config"
    mount -t proc proc "$root/proc" # setfiles goes by /proc/self/fd
    chroot "$root" setfiles -F "/etc/selinux/$SELINUXTYPE/contexts/files/file_contexts" /
  )
fi
