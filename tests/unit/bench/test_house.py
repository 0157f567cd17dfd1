"""Every public function that raises something says so in its docstring."""

from __future__ import annotations

import ast

import pytest

from bench import house


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
    tree = ast.parse(
        "def outer():\n    def inner():\n        raise ValueError\nclass A:\n    def method(self): ...\n"
    )
    assert [function.name for function in house.public(tree)] == ["outer", "method"]


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
