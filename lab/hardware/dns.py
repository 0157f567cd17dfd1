"""The VCN's DHCP and resolver: dnsmasq inside the namespace, told of each guest by one file each."""

from dataclasses import dataclass

from lab.hardware import network
from lab.hardware.machine import Machine
from lab.system.command import run
from lab.system.file_lock import held
from lab.system.paths import RunDirectory, short_name
from lab.system.processes import kill, pid_of

# link-local addresses are on the link (metadata, block storage), everything else is behind the router;
# a DHCP client that gets option 121 ignores option 3, so the default route is in both
CONFIGURATION = """\
interface={bridge}
except-interface=lo
bind-interfaces
user=root
group=root
pid-file={folder}/pid
dhcp-leasefile={folder}/leases
dhcp-hostsdir={folder}/leases.d
hostsdir={folder}/hosts.d
log-facility={folder}/log
log-dhcp
no-resolv
no-hosts
no-ping
local=/#/
dhcp-authoritative
dhcp-range=10.0.0.0,static,255.255.255.0,infinite
dhcp-option=option:router,{router}
dhcp-option=option:dns-server,{resolver}
dhcp-option=option:classless-static-route,169.254.0.0/16,0.0.0.0,0.0.0.0/0,{router}
"""


@dataclass(frozen=True)
class NameService:
    """One lab's dnsmasq."""

    lab: RunDirectory

    def up(self) -> None:
        """Start it unless it runs."""
        if self._pid():
            return
        folder = self.lab.dns
        for name in ("leases.d", "hosts.d"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "leases").unlink(
            missing_ok=True
        )  # every lease is static: what was handed out does not matter
        text = CONFIGURATION.format(
            bridge=network.BRIDGE, folder=folder, router=network.ROUTER, resolver=network.METADATA
        )
        (folder / "dnsmasq.conf").write_text(text)
        run([*network.inside(self.lab), "dnsmasq", f"--conf-file={folder / 'dnsmasq.conf'}"])

    def add(self, machine: Machine) -> None:
        """Give the machine its address by DHCP and its hostname in DNS."""
        name = short_name(machine.instance_id)
        lease = f"{machine.mac},{machine.address},{machine.hostname},infinite\n"
        self._write("leases.d", name, lease)
        self._write("hosts.d", name, f"{machine.address} {machine.hostname}\n")

    def remove(self, instance_id: str) -> None:
        """Forget the machine. A restart is how dnsmasq forgets a lease, so that the address is free again."""
        files = [self.lab.dns / folder / short_name(instance_id) for folder in ("leases.d", "hosts.d")]
        if not any(file.exists() for file in files):
            return
        with held(self.lab.dns / "lock"):
            for file in files:
                file.unlink(missing_ok=True)
            self.down()
            self.up()

    def down(self) -> None:
        """Stop it if it runs."""
        kill(self._pid())

    def _write(self, folder: str, name: str, text: str) -> None:
        # dnsmasq reads a file of these folders as soon as it is closed
        path = self.lab.dns / folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    def _pid(self) -> int | None:
        return pid_of(self.lab.dns / "pid", str(self.lab.dns / "dnsmasq.conf"))
