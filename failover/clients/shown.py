"""What a migration would change and what came of it, for a person: equal clients together, left ones last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from failover.clients.migration import MigrationResult, Prospect, canary
from failover.model import nodeset


def before(prospects: Sequence[Prospect], to: str) -> Iterator[str]:
    """The clients that are not touched, what is to know of the others, and each one's lines."""
    yield from _reasons("not reached", {one.client.name: one.trouble for one in prospects if one.trouble})
    refused = {one.client.name: "; ".join(one.refusals) for one in prospects if one.refusals}
    yield from _reasons("REFUSED, and not touched", refused)
    if done := [one.client.name for one in prospects if one.done]:
        yield f"{nodeset.folded(done)}: migrated already"
    ready = [one for one in prospects if one.ready]
    warned = {one.client.name: "; ".join(one.warnings) for one in ready if one.warnings}
    yield from _reasons("note", warned)
    held = {
        one.client.name: "; ".join(f"{point}: {why}" for point, why in sorted(one.waits.items()))
        for one in ready
        if one.waits
    }
    yield from _reasons("the lines change, the mounts wait until nothing holds them", held)
    for names, diff in nodeset.grouped((one.client.name, "\n".join(one.diff)) for one in ready):
        yield f"to {to}: {len(names)} clients: {nodeset.folded(names)}"
        yield from (
            f"  {line}" for line in diff.splitlines() or ["no line changes; its mounts are made anew"]
        )
    if ready:
        yield f"{canary(ready).name} goes first; the others follow when it is right"


def after(result: MigrationResult) -> Iterator[str]:
    """What each client came to, and in the end all of it in one line."""
    yield from _reasons("waits for a remount", result.waiting)
    yield from _reasons("not reached", result.silent)
    yield from _reasons("refused", result.refused)
    yield from _reasons("FAILED", result.failed)
    if result.not_begun:
        yield f"not begun, because {result.canary} failed: {nodeset.folded(result.not_begun)}"
    done = len(result.migrated) + len(result.already)
    text = f"{done} clients mount from {result.to}, {len(result.already)} of them before"
    yield f"{text}; {len(result.left) + len(result.not_begun)} are left: {result.outcome.value}"


def _reasons(word: str, reasons: Mapping[str, str]) -> Iterable[str]:
    """A line for each reason; many clients with the same one are one line."""
    if len(reasons) <= nodeset.FEW:
        return [f"{name}: {word}: {text}" for name, text in reasons.items()]
    alike = ((name, nodeset.impersonal(text, name)) for name, text in reasons.items())
    return [f"{nodeset.folded(names)}: {word}: {text}" for names, text in reversed(nodeset.grouped(alike))]
