#!/bin/bash
# A cluster's programs are in the image and off: who measures them configures and starts them. setup.sh ROOT
set -euo pipefail
root=$1
chroot "$root" systemctl --quiet disable corosync.service pacemaker.service
