#!/bin/bash
# nfs-srv-1 of oci-nfs: two groups, one striped, quotas on both filesystems, a folder of each exported twice on a line
# shellcheck disable=SC2154 # devices: by log-in.sh, which runs before, in the same shell
serve() { # NAME GROUP DEVICE...
  name=$1 group=$2
  shift 2
  vgcreate -q "$group" "$@"
  lvcreate -q -y -n disk -L 2G --stripes $# --stripesize 1M "$group"
  mkfs.xfs -q "/dev/$group/disk"
  mkdir -p "/mnt/$name"
  echo "/dev/$group/disk /mnt/$name xfs defaults,_netdev,nofail,noatime,inode64,uquota,prjquota 0 2" >> /etc/fstab
  systemctl daemon-reload
  mount "/mnt/$name"
  mkdir "/mnt/$name/exports"
  chown "$SUDO_USER:" "/mnt/$name/exports"
  options=rw,sync,no_root_squash,no_all_squash,no_subtree_check,insecure_locks
  echo "/mnt/$name/exports 10.0.0.0/255.255.255.0($options) 10.0.2.0/255.255.255.0($options)" >> /etc/exports
}
serve nfsshare vg_nfs_disk "${devices[0]}" "${devices[1]}"
serve nfsshare2 vg_nfs_disk2 "${devices[2]}"
echo 'This is a test file.' > /mnt/nfsshare/exports/test.txt
echo '1:/mnt/nfsshare/exports' > /etc/projects
echo 'share:1' > /etc/projid
xfs_quota -x -c 'project -s share' -c 'limit -p bhard=10g share' /mnt/nfsshare > /dev/null
sed -i 's/^RPCNFSDCOUNT=.*/RPCNFSDCOUNT=32/' /etc/default/nfs-kernel-server 2> /dev/null || true
printf '[nfsd]\nthreads=32\n' >> /etc/nfs.conf
systemctl enable --now rpcbind nfs-server
exportfs -ra
