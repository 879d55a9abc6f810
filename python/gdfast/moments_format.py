"""Moments as bytes, for files and messages: with a version, a checksum, and nothing that would be run when read.

All numbers are little-endian. In this order:

======  =====================================================================================================
bytes   what
======  =====================================================================================================
8       ``MAGIC``, which no text begins with, and which doesn't survive being sent as text
4, 4    version of the format, length of the head (unsigned)
8       length of the body (unsigned)
…       the head, JSON in UTF-8: d, groups, names, target, by part n, weighted and above_0, and who wrote it
…       the body, float64: by part the sum of the weights' logarithms, the d + 1 numbers of the origin, and of the
        symmetric matrix the rows of the lower triangle
16      BLAKE2b of all before
======  =====================================================================================================

A part is the moments of all rows, and after that of each group.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import _core
from gdfast._inference.basis import Counted
from gdfast.descent import Gram
from gdfast.wording import type_name

MAGIC = b"\x93gdm\r\n\x1a\n"
VERSION = 1

_LENGTHS = struct.Struct("<IIQ")
_DIGEST_BYTES = 16
_NUMBER = np.dtype("<f8")

# What files begin with that are likely to be taken for moments.
_OTHERS = {
    b"PAR1": "a Parquet file, which has rows: write `gdfast moments` for its moments",
    b"\x93NUM": "a .npy file, which has rows: write `gdfast moments` for its moments",
    b"PK\x03\x04": "a zip file, as .npz files are",
    b"\x80": "a pickle: write pickle.loads(data) if you trust where it comes from",
    MAGIC[:4]: "moments that were sent as text, which changes line ends: send them as bytes",
}


class Part(NamedTuple):
    """The moments of some rows."""

    sums: Gram
    rows: Counted


class Content(NamedTuple):
    """All that moments are."""

    d: int
    parts: Sequence[Part]  # of all rows; then of each group, where there are groups
    grouped: bool
    names: tuple[str, ...] | None
    target: str | None


def dumped(content: Content) -> bytes:
    """The bytes of `content`: the same for equal content."""
    rows = [part.rows for part in content.parts]
    head = {
        "d": content.d,
        "groups": len(content.parts) - 1 if content.grouped else None,
        "names": content.names,
        "target": content.target,
        "n": [counted.n for counted in rows],
        "weighted": [counted.weighted for counted in rows],
        "above_0": [counted.above_0 for counted in rows],
        "gdfast": _core.config()["version"],
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    triangle = np.tril_indices(content.d + 2)
    body = b"".join(
        np.concatenate([[part.rows.logarithms], part.sums.origin, part.sums.matrix[triangle]]).astype(_NUMBER).tobytes()
        for part in content.parts
    )
    whole = MAGIC + _LENGTHS.pack(VERSION, len(text), len(body)) + text + body
    return whole + _digest(whole)


def loaded(data: Any) -> Content:
    """The content of bytes that `dumped` made.

    Raises
    ------
    TypeError
        When `data` isn't bytes.
    ValueError
        When it is something else, damaged, incomplete, or of a later version.
    """
    try:
        view = memoryview(data).cast("B")
    except TypeError:
        raise TypeError(
            f"data is of type {type_name(data)}, accepted are bytes: write Path(name).read_bytes() for a file"
        ) from None
    text, body = _checked(view)
    try:
        return _read(json.loads(bytes(text)), np.frombuffer(body, _NUMBER))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"data is no moments that gdfast wrote, although its checksum is right: {error}") from None


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _checked(view: memoryview) -> tuple[memoryview, memoryview]:
    """Head and body of what is whole, undamaged and of this version."""
    if bytes(view[: len(MAGIC)]) != MAGIC[: len(view)]:
        start = bytes(view[: len(MAGIC)])
        known = next((f", {what}" for beginning, what in _OTHERS.items() if start.startswith(beginning)), "")
        raise ValueError(f"data begins with {start!r}{known}: accepted is what Moments.to_bytes returned")
    start_of_head = len(MAGIC) + _LENGTHS.size
    if len(view) < start_of_head:
        raise ValueError(f"data ends after {len(view):,} bytes, before its own length is told: it is incomplete")
    version, head, body = _LENGTHS.unpack(view[len(MAGIC) : start_of_head])
    if version > VERSION:
        raise ValueError(
            f"data has version {version} of the format, and gdfast {_core.config()['version']} reads up to {VERSION}: "
            "install a later gdfast"
        )
    end = start_of_head + head + body
    if len(view) < end + _DIGEST_BYTES:
        raise ValueError(f"data ends after {len(view):,} of {end + _DIGEST_BYTES:,} bytes: it is incomplete")
    if len(view) > end + _DIGEST_BYTES:
        raise ValueError(f"data goes on for {len(view) - end - _DIGEST_BYTES:,} bytes after the end of the moments")
    if _digest(view[:end]) != view[end:]:
        raise ValueError("data is damaged: its checksum is another one than that of what is in it")
    return view[start_of_head : start_of_head + head], view[start_of_head + head : end]


def _read(head: dict[str, Any], numbers: NDArray[np.float64]) -> Content:
    d, groups, names, target = head["d"], head["groups"], head["names"], head["target"]
    if type(d) is not int or d < 1 or not (groups is None or (type(groups) is int and groups >= 1)):
        raise ValueError(f"d is {d!r} and groups is {groups!r}")
    if names is not None and not (len(names) == d and all(isinstance(name, str) for name in names)):
        raise ValueError(f"names are not those of {d} columns")
    count = 1 if groups is None else groups + 1
    width = 1 + (d + 1) + (d + 2) * (d + 3) // 2
    if len(numbers) != count * width:
        raise ValueError(f"there are {len(numbers):,} numbers, and {count * width:,} belong to it")
    rows = list(zip(head["n"], head["weighted"], head["above_0"], strict=True))
    if len(rows) != count or any(type(n) is not int or not 0 <= above <= n for n, _, above in rows):
        raise ValueError("its numbers of rows can't be")
    parts = [_part(d, part, *counts) for part, counts in zip(numbers.reshape(count, width), rows, strict=True)]
    return Content(d, parts, groups is not None, None if names is None else tuple(names), target)


def _part(d: int, numbers: NDArray[np.float64], n: int, weighted: bool, above_0: int) -> Part:
    numbers = numbers.astype(np.float64)  # of this machine's order of bytes, and no longer a view of what came
    matrix = np.empty((d + 2, d + 2))
    rows, columns = np.tril_indices(d + 2)
    matrix[rows, columns] = matrix[columns, rows] = numbers[d + 2 :]
    return Part(Gram(matrix, numbers[1 : d + 2].copy()), Counted(n, weighted, above_0, float(numbers[0])))
