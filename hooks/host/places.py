"""Where our own files lie: on a host's disk, in its /run, and with the data."""

DISK = "/opt/nfs-failover"  # an image taken of this host brings them along
RUN = "/run/nfs-failover"
DATA = ".nfs-failover"  # root's own, in the root of each filesystem and of each exported folder
UNIT = "/etc/systemd/system/nfs-failover.service"
QUIESCED = "/etc/nfs-failover/quiesced"  # while a service is stopped for an image (hooks/guard/dead_man.py)
