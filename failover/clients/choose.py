"""The clients of the site that a list of hosts means, and what of the list is not one of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from failover.clients.lists import Named
from failover.model import nodeset
from failover.model.outcome import Usage
from failover.model.site import Client
from hooks.client.site_names import is_address, plain


@dataclass(frozen=True)
class Choice:
    """`clients`: of the site, in its order. `strangers`: hosts that are none of them.

    `twice`: names that mean a client which the list has already. `left`: clients that the list does not have.
    """

    clients: tuple[Client, ...]
    strangers: tuple[Named, ...]
    twice: tuple[Named, ...]
    left: tuple[Client, ...]

    @property
    def notes(self) -> list[str]:
        """What a person should know of the list, a line each."""
        lines = []
        if self.twice:
            names = nodeset.folded(one.name for one in self.twice)
            lines.append(f"named twice, and taken once: {names} ({self.twice[0].where})")
        if self.left:
            lines.append(f"clients of the site that the list does not have: {_folded(self.left)}")
        return lines


def choose(clients: Sequence[Client], named: Iterable[Named]) -> Choice:
    """By address, name, or the first part of a full name, in this order; an address counts before a name."""
    by_key: dict[str, Client] = {}
    for client in clients:
        for key in (plain(client.address), plain(client.name)):
            by_key.setdefault(key, client)
    for client in clients:
        if not is_address(client.name):
            by_key.setdefault(plain(client.name).partition(".")[0], client)
    chosen_by_name: dict[str, Client] = {}
    strangers: dict[str, Named] = {}
    twice: list[Named] = []
    for one in named:
        known = next((by_key[key] for key in _keys(one) if key in by_key), None)
        if known is None:
            strangers.setdefault(plain(one.name), one)
        elif known.name in chosen_by_name:
            twice.append(one)
        else:
            chosen_by_name[known.name] = known
    chosen = tuple(client for client in clients if client.name in chosen_by_name)
    left = tuple(client for client in clients if client.name not in chosen_by_name)
    return Choice(chosen, tuple(strangers.values()), tuple(twice), left)


def _keys(one: Named) -> Iterable[str]:
    if one.address:
        yield plain(one.address)
    yield plain(one.name)
    if not is_address(one.name):
        yield plain(one.name).partition(".")[0]


def refuse_strangers(choice: Choice) -> None:
    """Raise Usage for hosts that are no client of the site: nothing is known of their mounts."""
    if not choice.strangers:
        return
    names = nodeset.folded(one.name for one in choice.strangers)
    raise Usage(
        f"{len(choice.strangers)} hosts are no clients of this site: {names} ({choice.strangers[0].where})",
        "correct the list, or add them to site.toml (`./inv adopt --clients FILE` finds their mounts)",
    )


def refuse_none(choice: Choice) -> None:
    """Raise Usage for a list without any client."""
    if not choice.clients:
        raise Usage("no client was chosen", "look at [[clients]] in site.toml, and at the list")


def _folded(clients: Iterable[Client]) -> str:
    return nodeset.folded(client.name for client in clients)
