"""Reads a file of variables (*.tfvars): literals alone, as Terraform allows there."""

from __future__ import annotations

import re
from typing import Any, NoReturn

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<newline>\n)
  | (?P<heredoc><<-?[A-Za-z_][A-Za-z0-9_-]*\r?\n)
  | (?P<text>"(?:[^"\\\n]|\\.)*")
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d][\w-]*)
  | (?P<mark>[=:,{}\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\nrt]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(\$\$|%%)\{')
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_WORDS = {"true": True, "false": False, "null": None}


class NotLiteral(ValueError):
    """The text is no file of variables. Says the line, what was found and what was expected."""


def read(text: str) -> dict[str, Any]:
    """The variables by name: None, bool, int, float, str, list and dict. Raises NotLiteral."""
    return _HclReader(
        text.removeprefix("\ufeff")
    ).variables()  # a byte order mark, which Terraform passes over


class _HclReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind, self._word, self._start = "", "", 0
        self._next()

    def variables(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self._skip_newlines()
        while self._kind != "end":
            name = self._key()
            if name in values:
                self._wrong(f"{name} a second time", "each variable once")
            self._take("=")
            values[name] = self._value()
            if self._kind not in ("newline", "end"):
                self._wrong(self._shown(), "the end of the line")
            self._skip_newlines()
        return values

    def _next(self) -> None:
        while True:
            self._start = self._at
            if self._at >= len(self._text):
                self._kind, self._word = "end", ""
                return
            match = _TOKEN.match(self._text, self._at)
            if not match:
                self._wrong(repr(self._text[self._at : self._at + 20]), "a value written out")
            self._kind, self._word, self._at = str(match.lastgroup), match.group(), match.end()
            if self._kind != "space":
                return

    def _key(self) -> str:
        kind, word = self._kind, self._word
        if kind not in ("word", "text"):
            self._wrong(self._shown(), "a name")
        self._next()
        return self._unquoted(word) if kind == "text" else word

    def _value(self) -> Any:
        kind, word = self._kind, self._word
        if kind == "heredoc":
            return self._heredoc(word)
        if word == "[" and kind == "mark":
            return self._list()
        if word == "{" and kind == "mark":
            return self._object()
        if kind not in ("text", "number", "word") or (kind == "word" and word not in _WORDS):
            self._wrong(self._shown(), "a value written out")
        self._next()
        if kind == "text":
            return self._unquoted(word)
        if kind == "number":
            return int(word) if re.fullmatch(r"-?\d+", word) else float(word)
        return _WORDS[word]

    def _list(self) -> list[Any]:
        items: list[Any] = []
        self._next()
        self._skip_newlines()
        while self._word != "]" or self._kind != "mark":
            items.append(self._value())
            self._skip_newlines()
            if self._kind == "mark" and self._word == ",":
                self._next()
                self._skip_newlines()
            elif self._word != "]":
                self._wrong(self._shown(), "a comma or ]")
        self._next()
        return items

    def _object(self) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        self._next()
        self._skip_newlines()
        while self._word != "}" or self._kind != "mark":
            key = self._key()
            if self._kind != "mark" or self._word not in "=:":
                self._wrong(self._shown(), "= after a name")
            self._next()
            entries[key] = self._value()
            if self._kind == "mark" and self._word == ",":
                self._next()
            elif self._kind != "newline" and self._word != "}":
                self._wrong(self._shown(), "a comma, the end of the line, or }")
            self._skip_newlines()
        self._next()
        return entries

    def _heredoc(self, word: str) -> str:
        """Terraform ends it at a line with the word alone; with <<- the common indentation goes."""
        strip, ending = word.startswith("<<-"), word.strip("<- \r\n")
        lines: list[str] = []
        for line in self._text[self._at :].split("\n"):
            self._at += len(line) + 1
            if line.strip() == ending:
                self._at -= 1  # its newline ends the entry
                self._next()
                indents = [len(one) - len(one.lstrip(" ")) for one in lines if one.strip()]
                cut = min(indents, default=0) if strip else 0
                return self._escaped("".join(one[cut:] + "\n" for one in lines), quoted=False)
            lines.append(line.rstrip("\r"))
        self._at = len(self._text)
        return self._wrong(word.strip(), f"{ending} on a line of its own at its end")

    def _unquoted(self, word: str) -> str:
        return self._escaped(word[1:-1], quoted=True)

    def _escaped(self, text: str, quoted: bool) -> str:
        if re.search(r"(?<!\$)\$\{|(?<!%)%\{", text):
            self._wrong("a template", "a text without ${ }")

        def plain(match: re.Match[str]) -> str:
            code, template = match.group(1), match.group(2)
            if template:
                return template[0] + "{"
            if not quoted:
                return match.group()
            return _PLAIN[code] if code in _PLAIN else chr(int(code[1:], 16))

        return _ESCAPE.sub(plain, text)

    def _take(self, mark: str) -> None:
        if self._kind != "mark" or self._word != mark:
            self._wrong(self._shown(), mark)
        self._next()

    def _skip_newlines(self) -> None:
        while self._kind == "newline":
            self._next()

    def _shown(self) -> str:
        return {"end": "the end of the file", "newline": "the end of the line"}.get(
            self._kind, repr(self._word)
        )

    def _wrong(self, actual: str, expected: str) -> NoReturn:
        line = self._text.count("\n", 0, self._start) + 1
        raise NotLiteral(f"line {line}: found {actual}, expected {expected}")
