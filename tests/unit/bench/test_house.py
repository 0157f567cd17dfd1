"""Every public function that raises says so in its docstring."""

from __future__ import annotations

import ast

import pytest

from bench import house
from lab.api.core import errors


def functions(code: str) -> list[house.Function]:
    return list(house.public(ast.parse(code)))


@pytest.mark.parametrize("package", ["failover", "hooks", "lab"])
def test_public_functions_say_what_they_raise(package: str) -> None:
    silent = [
        f"{file.relative_to(house.ROOT)}: {function.name}"
        for file in sorted((house.ROOT / package).rglob("*.py"))
        for function in house.public(ast.parse(file.read_text()))
        if house.raises(function) and not house.says(function)
    ]
    assert silent == []


def test_a_function_inside_of_another_one_is_not_public() -> None:
    outer, method = functions(
        "def outer():\n    def inner():\n        raise ValueError\nclass A:\n    def method(self): ...\n"
    )
    assert (outer.name, method.name) == ("outer", "method")
    assert not house.raises(outer)


RAISING = {
    "class": "raise Refused('')",
    "class in a module": "raise outcome.Refused('') from error",
    "one that was made by a function": "raise _refused('')",
    "bare": "raise",
    "status": "raise not_found('')",
    "two": "raise conflict('')\n    raise errors.not_modelled('')",
}


@pytest.mark.parametrize(
    ("kind", "docstring", "enough"),
    [
        ("class", "", False),
        ("class", "An error: refuses an empty one.", False),
        ("class", "HookRefused for an empty one.", False),
        ("class", "Refused for an empty one.", True),
        ("class", "Raises all that can be.", True),
        ("class in a module", "A diagnostic of Refused, for an empty one.", True),
        ("class in a module", "Never none.", False),
        ("one that was made by a function", "The other, or an error.", False),
        ("one that was made by a function", "Raises Refused.", True),
        ("bare", "Refuses what it likes: an error.", False),
        ("bare", "What it caught is raised again.", True),
        ("status", "Raises what it must.", False),
        ("status", "Refuses an unknown one (404).", True),
        ("two", "Refuses a second one (409).", False),
        ("two", "Refuses a second one (409); 501 for the rest.", True),
    ],
)
def test_a_docstring_names_what_is_raised(kind: str, docstring: str, enough: bool) -> None:
    (function,) = functions(f'def f():\n    """{docstring}"""\n    {RAISING[kind]}\n')
    assert house.raises(function)
    assert house.says(function) is enough


def test_statuses_are_those_of_the_api() -> None:
    made = {name: str(getattr(errors, name)("").status) for name in house.STATUSES}
    assert made == house.STATUSES
    factories = {name for name, value in vars(errors).items() if callable(value) and name.islower()}
    assert factories == set(house.STATUSES)


def test_the_figures_of_a_package() -> None:
    cells = house.row(house.ROOT, "hooks").strip("| ").split(" | ")
    assert cells[0] == "hooks"
    files, folders, fullest = map(int, cells[1:4])
    assert files > folders > 1
    assert files > fullest
    raising, saying = map(int, cells[5].split(": "))
    assert raising == saying > 0


def test_the_floors_of_each_package() -> None:
    built = house.floors(house.ROOT)
    assert [package in built for package in ("failover", "hooks", "lab", "lab.api")] == [True] * 4
    assert len(house.contracts(house.ROOT)) > len(built.split(", "))
