"""Whether this host's firewall would keep the clients out after a takeover."""

from typing import Iterator

from hooks.contract.spec import ServerSpec
from hooks.hints import firewalld
from hooks.host.host import HookError, Host
from hooks.survey.remark import Remark, holds, refusal, warning


def closed(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """Refused where firewalld lets no NFS in; a warning on a host that serves now, or has direct rules.

    Rules that firewalld does not list with its zones may let clients in (firewall-cmd(1), --direct). Also a
    warning: firewalld runs and gives no answer; in an outage, a takeover is not refused for that.
    """
    try:
        texts = firewalld.closed(host)
        remark = warning if texts and (holds(host, spec) or firewalld.has_direct_rules(host)) else refusal
    except HookError as error:
        text = "firewalld runs, and did not say whether it lets NFS in: {}; look at `firewall-cmd --list-all`"
        yield warning(text, error)
    else:
        yield from (remark("{}", text) for text in texts)
