"""Every place of the package that gives advice: the strings in its source that say what to write, do or leave out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gdfast
from gdfast.errors import Argument

PACKAGE = Path(gdfast.__file__).parent

# What advice says. "Accepted is …" says what would do, and is no advice.
SAYS = re.compile(
    r"\b[Ww]rite\b|\binstall\b|\b[Ll]eaves?\b.*\bout\b|\b(subtract|[Mm]ultiply|[Ss]cale) .*(columns?|numbers?)\b"
    r"|\bgive (it|each)\b|\bsay (what|with)\b|\bname a (file|column)\b|\bask for one\b|--\S+ (reads|takes it for)\b"
    r"|another --seed|\bfit some\b|--folds {}|--\S+ as well\b|\btogether with --"
)
HELP = {"help", "rich_help_panel", "epilog", "metavar"}  # of options, which nobody is shown by mistake


class _Unknown:
    def __repr__(self) -> str:
        return "{}"


class Source(NamedTuple):
    """A string, with {} for what is filled in."""

    place: str  # module:line
    text: str

    def pattern(self) -> re.Pattern[str]:
        """Of messages that hold it."""
        return re.compile("[^\\0]*?".join(map(re.escape, self.text.split("{}"))))


def sources() -> Iterator[Source]:
    """All of them, but those of `gdfast bench`, which advises nobody."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "bench" not in path.relative_to(PACKAGE).parts:
            module = path.relative_to(PACKAGE).with_suffix("").as_posix()
            for node in _said(ast.parse(path.read_text(encoding="utf-8"))):
                text = _text(node)
                if SAYS.search(text):
                    yield Source(f"{module}:{node.lineno}", text)


def _text(node: ast.expr) -> str:
    """What is said, {} for what isn't known before."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if _called(node) == "Message":
        return "".join(map(_text, node.args))  # type: ignore[attr-defined]
    if _called(node) == "Argument":
        name, *value = map(_literal, node.args)  # type: ignore[attr-defined]
        return str(Argument(str(name), *value))
    return "{}"


def _called(node: ast.AST) -> str | None:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _literal(node: ast.expr) -> Any:
    """Its value; where that isn't known before, what is printed as {}."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return _Unknown()


def _said(node: ast.AST) -> Iterator[ast.expr]:
    """What is said: strings without docstrings, help and names of options; f-strings and messages as a whole."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
        return
    if isinstance(node, ast.Call) and _called(node) == "Message":
        yield node
        for argument in node.args:  # what is inside of one that is chosen
            if not isinstance(argument, ast.Constant | ast.JoinedStr) and _called(argument) != "Argument":
                yield from _said(argument)
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.keyword) and child.arg in HELP:
            continue
        yield from _said(child)
