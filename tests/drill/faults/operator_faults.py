"""Faults of the operator's own machine: how each is made, how the run ends, what it says (docs/faults.md)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.paths import ROOT

CODES = {"usage": 2, "unknown": 5}
Edit = Callable[[str, Path], str]
BEGIN, END = "<!-- operator: begin -->\n", "<!-- operator: end -->"


class Fault(NamedTuple):
    """`edit`: what it does to the site file. `told`: words of the message. `limit`: shell before the run."""

    ends: str
    edit: Edit
    told: str
    limit: str = ""


def unchanged(text: str, _: Path) -> str:
    """A site file that is right."""
    return text


def replaced(key: str, value: str) -> Edit:
    """The key of the [ssh] table has this value; FOLDER is the run's own folder."""

    def edit(text: str, folder: Path) -> str:
        line = f'{key} = "{value.replace("FOLDER", str(folder))}"'
        before, table, after = text.partition("[ssh]\n")
        ours, following, rest = after.partition("\n[")
        return before + table + line + "\n" + re.sub(rf"(?m)^{key} = .*\n", "", ours) + following + rest

    return edit


def with_file(name: str, content: str, edit: Edit) -> Edit:
    def made(text: str, folder: Path) -> str:
        (folder / name).write_text(content.replace("FOLDER", str(folder)))
        return edit(text, folder)

    return made


def with_key(text: str, folder: Path) -> str:
    """A key of the right kind that no host lets in; the ssh configuration names no other one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    (path,) = re.findall(r'(?m)^config_file = "([^"]*/ssh/config)"', text)
    config = re.sub(r"(?m)^\s*(IdentityFile|IdentitiesOnly) .*\n", "", Path(path).read_text())
    (folder / "config").write_text(config)
    keyed = replaced("identity_file", "FOLDER/key")(text, folder)
    return replaced("config_file", "FOLDER/config")(keyed, folder)


def with_region(region: str) -> Edit:
    """The profile of the OCI configuration names this region; the stack was made in another."""

    def made(text: str, folder: Path) -> str:
        (path,) = re.findall(r'\[oci\]\nconfig_file = "([^"]*)"', text)
        changed = re.sub(r"(?m)^region\s*=.*$", f"region={region}", Path(path).read_text())
        (folder / "oci-config").write_text(changed)
        return text.replace(path, str(folder / "oci-config"))

    return made


def with_profile(name: str) -> Edit:
    """The site names a profile that the OCI configuration lacks."""
    return lambda text, _: text.replace("[oci]\n", f'[oci]\nprofile = "{name}"\n')


NOWHERE = "Host *\n  ProxyCommand ip netns exec no-such-namespace nc %h %p\n"
DEAF = "Host *\n  ProxyCommand sleep 600\n"
FAULTS: dict[str, Fault] = {
    "a key file that is not there": Fault(
        "usage", replaced("identity_file", "FOLDER/no-such-key"), "no-such-key"
    ),
    "a key file that is no key": Fault(
        "usage",
        with_file("key", "not a key", replaced("identity_file", "FOLDER/key")),
        "is not a private key",
    ),
    "a key that no host lets in": Fault("unknown", with_key, "was refused"),
    "a wrong user": Fault("unknown", replaced("user", "nobody-here"), "was refused"),
    "a known_hosts file without the hosts": Fault(
        "unknown",
        with_file("known", "", replaced("known_hosts", "FOLDER/known")),
        "host key is not known",
    ),
    "a configuration that is not there": Fault("usage", replaced("config_file", "FOLDER/no-such"), "no-such"),
    "a configuration that ssh refuses": Fault(
        "usage",
        with_file("config", "NoSuchOption yes\n", replaced("config_file", "FOLDER/config")),
        "configuration option",
    ),
    "no way to the network": Fault(
        "unknown",
        with_file("config", NOWHERE, replaced("config_file", "FOLDER/config")),
        "no other host of the site answers",
    ),
    "a network that swallows everything": Fault(
        "unknown",
        with_file("config", DEAF, replaced("config_file", "FOLDER/config")),
        "no other host of the site answers",
    ),
    "another region than the stack's": Fault("usage", with_region("us-ashburn-1"), "us-ashburn-1"),
    "a profile that is not there": Fault("usage", with_profile("NIGHT"), "NIGHT"),
    "too few file descriptors": Fault("usage", unchanged, "ulimit", "ulimit -n 200; "),
}


def table() -> str:
    """The rows of the table in docs/faults.md."""
    head = "| fault | the run ends | it says |\n|---|---|---|\n"
    return head + "".join(f"| {name} | {f.ends} | “{f.told}” |\n" for name, f in FAULTS.items())


if __name__ == "__main__":
    page = ROOT / "docs" / "faults.md"
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
