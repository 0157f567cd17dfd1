"""What a survey says of one thing: a refusal, which a takeover would meet, or a warning."""

from typing import Iterable, Iterator, NamedTuple

from hooks.contract.spec import ServerSpec
from hooks.host.host import Host


class Remark(NamedTuple):
    """The text names the thing, what was found, what was expected; after the last semicolon the remedy."""

    refusal: bool
    text: str


def refusal(text: str, *values: object) -> Remark:
    return Remark(True, text.format(*values))


def warning(text: str, *values: object) -> Remark:
    return Remark(False, text.format(*values))


def refusals(texts: Iterable[str]) -> Iterator[Remark]:
    return (Remark(True, text) for text in texts)


def holds(host: Host, spec: ServerSpec) -> bool:
    """Whether any of the spec's volumes has its device here."""
    return any(host.real(volume.link) for volume in spec.volumes)
