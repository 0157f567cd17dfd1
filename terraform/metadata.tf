# What a launched server gets at its first boot: keys, the cloud-init document, and the site's spec.

locals {
  spec = {
    version = 1
    role    = "server"
    volumes = [for name in keys(local.site.volumes) : { name = name, volume_id = local.volumes[name].volume_id }]
    volume_groups = [
      for name, g in local.site.volume_groups : { name = name, volumes = g.volumes }
    ]
    # In the order of their paths: /mnt/a is mounted before /mnt/a/b.
    filesystems = values({
      for _, f in local.site.filesystems : f.mount => {
        volume_group   = f.volume_group
        logical_volume = f.logical_volume
        volume         = f.volume
        mount          = f.mount
        type           = f.type
        options        = f.options
        uuid           = f.uuid
      }
    })
    exports = [
      for e in local.site.exports : { path = e.path, clients = e.clients, options = e.options, fsid = e.fsid }
    ]
    # Of the root disk: what moves with the data, beside the usual files of NFS.
    settings = { files = var.settings_files }
    # What nfsd knows of its clients lies with the data: their locks outlive a takeover.
    locks = var.keep_locks ? {
      lease_seconds = var.nfs_lease_seconds
      grace_seconds = var.nfs_grace_seconds
    } : null
    # Where each server carries an address beside its primary one.
    networks = compact(local._networks)
    # The server puts it on its own interface; Terraform moves it to the server's VNIC.
    service_address = one([
      for id, subnet in data.oci_core_subnet.service : {
        address = local.site.service_ip
        prefix  = tonumber(split("/", subnet.cidr_block)[1])
      } if id == local._service_subnet_id
    ])
  }

  # The subnets of further VNICs that launched servers get, and of the service address.
  _networks = distinct(concat(
    [
      for id in flatten(values(local._asked_subnets)) : try(data.oci_core_subnet.service[id].cidr_block, null)
    ],
    [
      for id, subnet in data.oci_core_subnet.service : subnet.cidr_block
      if id == local._service_subnet_id && !local._service_is_primary
    ],
  ))

  # base64 of a gzipped cloud-init document, the same for every site; made by `invoke render`.
  _user_data = (
    fileexists("${path.module}/rendered/user_data") ?
    trimspace(file("${path.module}/rendered/user_data")) :
    ""
  )

  # Without an address the map has no sensitive part.
  _hooks_url = nonsensitive(var.hooks_url != "") ? { nfs_failover_hooks_url = var.hooks_url } : {}

  metadata = merge({
    ssh_authorized_keys = trimspace(var.ssh_authorized_keys)
    user_data           = local._user_data
    # Gzipped: 32 volumes with their OCIDs fit beside user_data.
    nfs_failover = base64gzip(jsonencode(local.spec))
  }, local._hooks_url)

  _metadata_limit = 32000
  # length() counts characters; base64 has 4 for every 3 bytes begun. nonsensitive() refuses what is not sensitive.
  _metadata_bytes = nonsensitive(sensitive(length(base64encode(jsonencode(local.metadata))) / 4 * 3))
}
