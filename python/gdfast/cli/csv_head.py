"""How a CSV file begins: its encoding, its delimiter, and the line with the names of its columns."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from gdfast.cli.shell import option
from gdfast.cli.tables import TableError

DELIMITERS = (",", ";", "\t", "|")

SAMPLE = 2**16  # bytes from which the delimiter is found
LONGEST = 2**26  # bytes that the first line may have
ROWS = 50  # rows that the delimiter is found from

_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_MARKED = {  # by a byte order mark; UTF-32's begins as UTF-16's does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_BLANK = re.compile("\ufeff?(?:[ \t]*(?:\r\n|\r|\n))*")
_NUMBER = re.compile(r"\s*[+-]?\d*[.,]?\d+([eE][+-]?\d+)?\s*")


class Head(NamedTuple):
    """What the beginning of a file says about it."""

    encoding: str
    delimiter: str
    first: tuple[str, ...]  # the values of the first line that isn't blank
    before: int  # bytes of UTF-8 before that line
    after: int  # bytes of UTF-8 up to its end


class _Record(NamedTuple):
    values: list[str]
    end: int  # characters up to its end


def head(path: Path, encoding: str | None, delimiter: str | None) -> Head:
    """The head of a CSV file; encoding and delimiter are found where they are None.

    Raises
    ------
    TableError
        When there is nothing in the file, or no text in that encoding.
    """
    encoding = _marked(path) if encoding is None else encoding
    size = SAMPLE
    raw = _beginning(path, encoding, size)
    while len(raw) == size < LONGEST and not _records(_text(raw), ",", whole=False):
        size *= 32
        raw = _beginning(path, encoding, size)
    text = _text(raw)
    start = len(_leading(text))
    whole = len(raw) < size
    if delimiter is None:
        delimiter = _delimiter(text[start:], whole)
    records = _records(text[start:], delimiter, whole)
    if not records:
        raise TableError(f"{path} can't be read as CSV: there is no line in it that has names or values")
    first = records[0]
    if any("\udc80" <= c <= "\udcff" for value in first.values for c in value):
        raise TableError(wrong_encoding(path, encoding))
    if any("\0" in value for value in first.values):
        order = "le" if raw.find(b"\0") % 2 else "be"
        raise TableError(f"{path} has zero bytes as UTF-16 has: {option('--encoding', f'utf-16-{order}')} reads that")
    return Head(encoding, delimiter, tuple(first.values), _size(text[:start]), _size(text[: start + first.end]))


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[pa.NativeFile]:
    """The text of a file, as bytes of UTF-8; unpacked if it is compressed, whatever its name says."""
    with path.open("rb") as file, pa.input_stream(file, compression=_compression(path)) as stream:
        yield stream if encoding == "utf-8" else pa.transcoding_input_stream(stream, encoding, "utf-8")


def known_encoding(name: str) -> str | None:
    """The name of an encoding as Python writes it; None if there is no such one for text."""
    try:
        found = codecs.lookup(name)
        codecs.getincrementaldecoder(name)().decode(b"", final=True)
    except (LookupError, ValueError, TypeError):
        return None
    if not getattr(found, "_is_text_encoding", True):
        return None
    return "utf-8" if found.name in ("utf-8", "utf-8-sig") else found.name


def wrong_encoding(path: Path, encoding: str) -> str:
    """What to say of a file that isn't in that encoding."""
    if encoding == "utf-8":
        return f"{path} isn't UTF-8: say what it is, such as --encoding latin-1 for Western Europe"
    return f"{path} isn't text in {encoding}: say with --encoding what it is, or leave that out for UTF-8"


def _marked(path: Path) -> str:
    with opened(path, "utf-8") as file:
        begin = file.read(4)
    return next((name for mark, name in _MARKED.items() if begin.startswith(mark)), "utf-8")


def _compression(path: Path) -> str | None:
    with path.open("rb") as file:
        begin = file.read(4)
    return next((name for magic, name in _COMPRESSED.items() if begin.startswith(magic)), None)


def _beginning(path: Path, encoding: str, size: int) -> bytes:
    with opened(path, encoding) as file:
        return bytes(file.read(size))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")  # later lines may hold anything


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _leading(text: str) -> str:
    found = _BLANK.match(text)
    return found[0] if found else ""


def _records(text: str, delimiter: str, whole: bool) -> list[_Record]:
    """The first records of a text; the last one only if the text isn't cut off there."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in io.StringIO(text, newline=""):
            end += len(line)
            yield line

    records: list[_Record] = []
    limit = csv.field_size_limit(LONGEST)  # with the wrong delimiter a line is one long value
    try:
        for values in csv.reader(lines(), delimiter=delimiter):
            if end == len(text) and not whole:
                break
            if values:
                records.append(_Record(values, end))
            if len(records) == ROWS:
                break
    finally:
        csv.field_size_limit(limit)
    return records


def _delimiter(text: str, whole: bool) -> str:
    """The one with which all rows are as long as the first, most values are numbers, and rows are long."""

    def suits(delimiter: str) -> tuple[bool, float, int]:
        first, *others = [record.values for record in _records(text, delimiter, whole)] or [[]]
        values = [value for row in others for value in row]
        numbers = sum(bool(_NUMBER.fullmatch(value)) for value in values)
        width = len(first)
        return all(len(row) == width for row in others), numbers / max(len(values), 1), width

    candidates = [delimiter for delimiter in DELIMITERS if suits(delimiter)[2] > 1]
    return max(candidates, key=suits, default=DELIMITERS[0])
