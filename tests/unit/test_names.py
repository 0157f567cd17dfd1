"""Names say what they hold: the words below name data no more, and no class name has two meanings."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest

from failover.bundle.syntax import parse
from tests.paths import ROOT

# Such a word says how a value came about, and hides what the value is: the reader has to look for its type in
# other lines. The name is the field's term for the value: match, attachments, observation, actual.
VAGUE = {"found", "told", "said", "asked", "seen", "heard", "meant", "taken", "gone", "apart", "via"}
VAGUE |= {"nothing", "nobody"}
PLACES = ("failover", "hooks", "lab", "bench", "tasks.py")
# invoke(1) makes an option of a task's argument, so these are words of the command line: --via, --seen
OPTIONS = {"tasks.py": {"via", "seen"}}


def modules(*places: str) -> Iterator[tuple[str, ast.Module]]:
    """Each module's path below the repository, and its tree."""
    for place in places:
        files = sorted((ROOT / place).rglob("*.py")) if (ROOT / place).is_dir() else [ROOT / place]
        for file in files:
            yield str(file.relative_to(ROOT)), parse(file.read_text())


def bound(node: ast.AST) -> Iterator[str]:
    """The names that this node binds: variables, arguments, attributes, functions, classes, imports."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name):
            yield name
        case ast.alias(name=name, asname=alias):
            yield alias or name.rpartition(".")[2]
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            yield name


def vague(tree: ast.Module, options: frozenset[str] = frozenset()) -> list[str]:
    """`name (line N)` of each binding whose whole identifier is a vague word, in any case, leading
    underscores aside."""
    return [
        f"{name} (line {getattr(node, 'lineno', 0)})"
        for node in ast.walk(tree)
        for name in bound(node)
        if name.lstrip("_").lower() in VAGUE and not (isinstance(node, ast.arg) and name in options)
    ]


def test_data_is_named_by_what_it_holds() -> None:
    wrong = {
        path: names
        for path, tree in modules(*PLACES)
        if (names := vague(tree, frozenset(OPTIONS.get(path, ()))))
    }
    assert not wrong, f"name each by what it holds (CONTRIBUTING.md, How we write): {wrong}"


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "_told: str = ''",
        "_NOBODY = 65534",
        "class Gone: ...",
        "for seen in (): ...",
        "class A:\n    via: str = ''",
        "class A:\n    def f(self):\n        self._gone = 0",
        "def nothing(): ...",
        "async def f(*, asked): ...",
        "f = lambda found: found",
        "x = [taken for taken in ()]",
        "if (said := f()): ...",
        "with open(x) as apart: ...",
        "try: ...\nexcept OSError as heard: ...",
        "import a.nobody",
        "from a import b as meant",
        "match x:\n    case {'a': 1, **found}: ...",
        "match x:\n    case [1, *found]: ...",
        "match x:\n    case int() as found: ...",
        "a, (b, *found) = x",
    ],
)
def test_every_way_to_bind_a_name_is_seen(code: str) -> None:
    assert len(vague(parse(code))) == 1


@pytest.mark.parametrize(
    "code",
    ["found_seconds = 1", "not_found()", "x = {'found': 1}", "x['seen'] = '`told`'", "NOT_FOUND = 404"],
)
def test_words_inside_a_name_and_texts_are_free(code: str) -> None:
    assert not vague(parse(code))


def test_an_option_of_the_command_line_keeps_its_word_as_an_argument_alone() -> None:
    tree = parse("def clients(seen=False):\n    via = seen")
    assert vague(tree, frozenset({"via", "seen"})) == ["via (line 2)"]


def test_no_class_name_has_two_meanings() -> None:
    places = defaultdict(list)
    for path, tree in modules("failover", "hooks", "lab"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path)
    assert not {name: paths for name, paths in places.items() if len(paths) > 1}


def test_the_places_exist() -> None:
    assert all((ROOT / place).exists() for place in PLACES)
