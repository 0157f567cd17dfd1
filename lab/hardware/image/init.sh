#!/bin/busybox sh
# The guest's initrd: load virtio, mount the one disk, hand over. A distribution's initrd takes seconds longer.
export PATH=/bin
busybox mount -t devtmpfs dev /dev
busybox mount -t proc proc /proc
while read -r module; do busybox insmod "/modules/$module.ko"; done < /modules/order
tries=0
while [ ! -b /dev/vda ] && [ "$tries" -lt 200 ]; do
    busybox usleep 50000
    tries=$((tries + 1))
done
busybox mount -t ext4 -o rw,noatime /dev/vda /new || exec busybox sh
busybox umount /proc
busybox mount --move /dev /new/dev
exec busybox switch_root /new /sbin/init
