"""Which files of a server's root disk move with the data: the usual ones of NFS, and those a site names."""

import re
from typing import Tuple

from hooks.contract.fields import Fields

SETTING = (
    re.compile(
        r"/etc(?!/(ssh|pam\.d|security|sudoers[^/]*|cron[^/]*|ld\.so[^/]*|(g?shadow|passwd|group)-?)(/|$))"
        r"(?!.*(\.key|\.pem|keytab)$)(/[A-Za-z0-9_+@][A-Za-z0-9._+@-]*){1,8}"
    ),
    "a path in /etc that has no secret and gives no rights",
)
STANDARD = (
    "/etc/nfs.conf",
    "/etc/nfs.conf.d",
    "/etc/sysconfig/nfs",
    "/etc/sysconfig/rpc-rquotad",
    "/etc/default/nfs-kernel-server",
    "/etc/default/quota",
    "/etc/idmapd.conf",
    "/etc/projects",
    "/etc/projid",
)


def parse(fields: Fields) -> Tuple[str, ...]:
    """The standard files and the site's own `files`. Raises SpecError."""
    files = fields.texts("files", *SETTING)
    fields.done()
    return tuple(dict.fromkeys(STANDARD + files))
