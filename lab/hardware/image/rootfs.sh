#!/bin/bash
# Makes the guest's root filesystem as a folder: rootfs.sh ROOT SUITE SOURCES APT_CONF PACKAGES OVERLAY
# Runs as root in its own mount and process namespaces, so that nothing is left mounted or running.
set -euo pipefail
root=$1 suite=$2 sources=$3 apt_conf=$4 packages=$5 overlay=$6

# the kernel package would build an initrd that no guest uses
export INITRD=No
mmdebstrap --quiet --variant=minbase --mode=root --format=directory --include="$packages" \
    --aptopt="$apt_conf" --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --essential-hook="mkdir -p \"\$1/etc/initramfs-tools\"" \
    --essential-hook="echo update_initramfs=no > \"\$1/etc/initramfs-tools/update-initramfs.conf\"" \
    --dpkgopt=force-confold \
    "$suite" "$root" "$sources"

cp -r --remove-destination "$overlay/." "$root/"
chmod 755 "$root/usr/local/sbin/initiator-name"

# no identity: cloud-init gives each machine its own
: > "$root/etc/machine-id"
: > "$root/etc/hostname"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/etc/iscsi/initiatorname.iscsi"
echo "InitiatorName=iqn.1988-12.com.oracle:none" > "$root/etc/iscsi/initiatorname.iscsi"

# as on an NFS host before it is one: initiator on, server installed and off
chroot "$root" systemctl --quiet enable systemd-networkd.service iscsid.service open-iscsi.service ssh.service
chroot "$root" systemctl --quiet disable nfs-server.service rpcbind.service nfs-blkmap.service firewalld.service autofs.service
chroot "$root" systemctl --quiet enable rpcbind.socket
chroot "$root" systemctl --quiet set-default multi-user.target

# what only costs time in an emulated guest
chroot "$root" systemctl --quiet mask \
    getty@tty1.service serial-getty@ttyS0.service console-getty.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer systemd-tmpfiles-clean.timer systemd-pstore.service systemd-update-utmp.service \
    systemd-update-utmp-runlevel.service nfs-blkmap.service systemd-hwdb-update.service \
    systemd-journal-catalog-update.service ldconfig.service systemd-binfmt.service systemd-sysusers.service \
    systemd-journal-flush.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount \
    modprobe@fuse.service modprobe@drm.service modprobe@efi_pstore.service modprobe@loop.service \
    cloud-config.service cloud-init-hotplugd.socket systemd-timesyncd.service lvm2-monitor.service \
    rpc-gssd.service rpc-svcgssd.service auth-rpcgss-module.service systemd-network-generator.service \
    systemd-initctl.socket

# every daemon-reload, and so every `systemctl enable`, runs all generators: emulated, that takes seconds
mkdir -p "$root/etc/systemd/system-generators"
for name in cryptsetup debug getty gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do
    ln -s /dev/null "$root/etc/systemd/system-generators/systemd-$name-generator"
done
# every login would start a systemd of its user
sed -i '/pam_systemd/d' "$root"/etc/pam.d/common-session*

# cloud-init loads these at each of its stages only to check what the operator's side has checked already
rm -rf "$root"/usr/lib/python3/dist-packages/jsonschema "$root"/usr/lib/python3/dist-packages/jsonschema-*
sed -i 's/^hosts:.*/hosts: files dns myhostname/' "$root/etc/nsswitch.conf"

# systemd compares these with /usr and would otherwise spend the first boot on updates
touch -d 2037-01-01 "$root/etc/.updated" "$root/var/.updated"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/usr/share/man
