"""Lines of a host's own files of exports that would overrule the spec's (exports(5))."""

import re
from typing import Dict, Iterator, List, Tuple

from hooks.contract.spec import ServerSpec
from hooks.hints.export_options import contradictions
from hooks.host.host import Host
from hooks.layers import exports, nfs
from hooks.layers.fstab import restore
from hooks.layers.served import NETWORK, addresses
from hooks.survey.nfs import DEFAULTS, key_of
from hooks.survey.remark import Remark, holds, refusal


def overruled(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """Of two lines for a path and client exportfs(8) takes the first, and our file comes after /etc/exports.

    Lines that a release has put off count: they come back. Where the volumes are, survey_nfs compares.
    """
    for name in [] if holds(host, spec) else nfs.files(host):
        for (path, client), options in written(restore(host.read(name) or "")).items():
            given = ",".join({key_of(option): option for option in [*DEFAULTS, *options]}.values())
            for wanted in [pair[1] for pair in exports.wanted(spec) if pair[0] == path]:
                line = "{} {}({})".format(path, wanted, given) if _same(host, wanted, client) else ""
                for text in contradictions(spec, line):
                    yield refusal("{}: {} by its line; correct that line, or take it out", name, text)


def _same(host: Host, one: str, other: str) -> bool:
    """Whether exportfs(8) may take these for one client: a host goes by its full name there."""
    if exports.canonical(one) == exports.canonical(other):
        return True
    if NETWORK.search(one) or NETWORK.search(other):
        return False
    return bool(addresses(host, one) & addresses(host, other))


def written(text: str) -> Dict[Tuple[str, str], List[str]]:
    """Options by path and client, as a file of exports(5) has them; the first of two counts."""
    options_by_export: Dict[Tuple[str, str], List[str]] = {}
    for line in re.sub(r"\\\r?\n", " ", text).split("\n"):
        common: List[str] = []
        for path in {pair[0] for pair in exports.parse(line)}:
            words = [word for word in exports.words(line) if word.startswith("-") or exports.is_client(word)]
            for word in words if any(not item.startswith("-") for item in words) else [*words, "*"]:
                if word.startswith("-"):
                    common = word[1:].split(",")
                    continue
                client, _, own = word.rstrip(")").partition("(")
                options_by_export.setdefault(
                    (path, client or "*"), common + [item for item in own.split(",") if item]
                )
    return options_by_export
