"""Columns of text where numbers are wanted: where the text is, and what would make numbers of it."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from gdfast.cli.console import printable
from gdfast.cli.tables import BadColumn

# What CSV readers take for a number, with the decimal mark in its place.
_NUMBER = (
    r"^\s*[+-]?(\d+(\{mark}\d*)?|\{mark}\d+)([eE][+-]?\d+)?\s*$"
    r"|^\s*[+-]?([nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)\s*$"
)

# A number with the other decimal mark.
_OTHER_MARK = {
    ".": re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*"),
    ",": re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*"),
}

# What may be such a number, or a whole one with a mark at its thousands.
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}[.,]\d{3}\s*")

# Words that stand for a missing value; signs without a letter or digit, such as ? or -, do so as well.
_MISSING = r"""
na n/a n.a. n.a #n/a nan null none nil nul missing unknown unk undefined void empty blank (null) <na> \n
#value! #ref! #div/0! #null! #num! #name?
"""
_WORDS_FOR_MISSING = frozenset(_MISSING.split())

FEW = 8  # words for missing values that a column may have: more of them are text
SHOWN = 40  # characters of a value that a message shows


def describe(name: str, column: pa.ChunkedArray, decimal: str | None, before: int = 0) -> BadColumn:
    """What is wrong with a column of text.

    Parameters
    ----------
    name : str
    column : ChunkedArray
        Of strings, or of binary where the text isn't UTF-8.
    decimal : str or None
        The decimal mark that the text was read with; None where no option says how to read text.
    before : int
        Rows before these.
    """
    first, others, numbers = no_numbers(column, decimal or ".")
    if first is None:
        return BadColumn(name, "text")
    row, value = first
    what = f"text ('{printable(value[:SHOWN])}' in row {before + row:,})"
    if decimal is None:
        return BadColumn(name, what)
    marked = [word for word in others if _OTHER_MARK[decimal].fullmatch(word)]
    words = [word for word in others if word not in marked]
    if len(words) > FEW or not all(map(_stands_for_missing, words)) or not (marked or numbers):
        return BadColumn(name, what)
    if not marked:
        return BadColumn(name, what, tuple(words))
    mark = {".": ",", ",": "."}[decimal]
    number = marked[0].strip()
    example = f"'{number}' as {float(number.replace(mark, '.')):g}"
    thousands = all(map(_THOUSANDS.fullmatch, marked))
    return BadColumn(name, what, tuple(words), mark, example, thousands)


def no_numbers(column: pa.ChunkedArray, decimal: str) -> tuple[tuple[int, str] | None, list[str], bool]:
    """The first value that is no number with its row from 1, all such values once, and whether there are numbers."""
    pattern = _NUMBER.replace("{mark}", decimal)
    first: tuple[int, str] | None = None
    found: dict[str, None] = {}
    numbers = False
    start = 1
    for chunk in column.chunks:
        text = chunk if not _is_binary(chunk.type) else pa.array(_decoded(chunk), pa.string())
        is_number = pc.match_substring_regex(text, pattern)
        numbers = numbers or bool(pc.any(is_number).as_py())
        rest = pc.filter(text, pc.invert(is_number))  # drops what is null, too
        if first is None and len(rest):
            first = start + pc.index(is_number, False).as_py(), rest[0].as_py()
        found |= dict.fromkeys(pc.unique(rest).to_pylist())
        start += len(chunk)
    return first, list(found), numbers


def _stands_for_missing(word: str) -> bool:
    stripped = word.strip()
    can_be_typed = "," not in word and printable(word) == word
    return can_be_typed and (stripped.casefold() in _WORDS_FOR_MISSING or not any(map(str.isalnum, stripped)))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _decoded(chunk: pa.Array) -> list[str | None]:
    return [None if value is None else value.decode("utf-8", "backslashreplace") for value in chunk.to_pylist()]
