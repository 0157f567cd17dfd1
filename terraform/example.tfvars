# A site in comments: copy to site.auto.tfvars, fill in your OCIDs, and plan.
# active_server stays in active.auto.tfvars, the one line that a failover changes.

region         = "ap-tokyo-1"
compartment_id = "ocid1.compartment.oc1..aaaaexamplecompartment"

# Who may log in as opc on launched servers: public keys, one a line.
ssh_authorized_keys = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPyZ8zVN0Y0d1s4lqGqTj2y3mQfT1oQb2mB0o8d5t1X admin@example"

servers = {
  # The server of today exists: it is adopted and never changed.
  "nfs-srv-1" = {
    instance_id = "ocid1.instance.oc1.ap-tokyo-1.aaaaexampleserver"
  }
  # Its replacement is launched from the custom image of the server when it is needed.
  "nfs-srv-2" = {
    image_id            = "ocid1.image.oc1.ap-tokyo-1.aaaaexampleimage"
    shape               = "BM.Optimized3.36"
    availability_domain = "Uocm:AP-TOKYO-1-AD-1" # the volumes' own
    subnet_id           = "ocid1.subnet.oc1.ap-tokyo-1.aaaaexamplesubnet"
    private_ip          = "10.0.0.12"
    # standby           = true # keep it running beforehand: no launch in the outage
    # fault_domain      = "FAULT-DOMAIN-2"
    # capacity_reservation_id = "ocid1.capacityreservation.oc1.ap-tokyo-1.aaaaexamplereservation"
    # tags              = { owner = "hpc" }
    # nsg_ids           = ["ocid1.networksecuritygroup.oc1.ap-tokyo-1.aaaaexamplegroup"]
  }
}

volumes = {
  "bv1" = { volume_id = "ocid1.volume.oc1.ap-tokyo-1.aaaaexamplevolume1" }
  "bv2" = { volume_id = "ocid1.volume.oc1.ap-tokyo-1.aaaaexamplevolume2" }
  # A new one would be made here:
  # "bv3" = { availability_domain = "Uocm:AP-TOKYO-1-AD-1", size_in_gbs = 1024, vpus_per_gb = 10 }
}

storage = {
  volume_groups = {
    "vg1" = { volumes = ["bv1", "bv2"] } # all of them: an incomplete group is never activated
  }
  filesystems = {
    "a" = { volume_group = "vg1", logical_volume = "lv01", mount = "/mnt/a" }
    # Without LVM, straight on a volume of its own or on a partition of it; `blkid` shows the UUID:
    # "b" = { volume = "bv3", mount = "/mnt/b", uuid = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10" }
  }
  exports = [
    { path = "/mnt/a", clients = ["10.0.0.0/16"], fsid = 1 },
  ]
}

# An address that clients mount from and that moves with the volumes:
# service_ip = "10.0.0.100"

# A name in a private DNS zone that moves likewise:
# dns_name = "nfs.hpc.example"
# dns_zone = "ocid1.dns-zone.oc1.ap-tokyo-1.aaaaexamplezone"
