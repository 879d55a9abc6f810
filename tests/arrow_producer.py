"""Arrow's C interface by hand: schemas, arrays and streams, and what is done with them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

NULLABLE = 2


class Schema(ctypes.Structure):
    pass


class Array(ctypes.Structure):
    pass


class Stream(ctypes.Structure):
    pass


ReleaseSchema = ctypes.CFUNCTYPE(None, ctypes.POINTER(Schema))
ReleaseArray = ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))
ReleaseStream = ctypes.CFUNCTYPE(None, ctypes.POINTER(Stream))
GetSchema = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Schema))
GetNext = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Array))
GetError = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(Stream))

Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", ctypes.POINTER(Schema)),
    ("release", ReleaseSchema),
    ("private_data", ctypes.c_void_p),
]
Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)),
    ("release", ReleaseArray),
    ("private_data", ctypes.c_void_p),
]
Stream._fields_ = [
    ("get_schema", GetSchema),
    ("get_next", GetNext),
    ("get_last_error", GetError),
    ("release", ReleaseStream),
    ("private_data", ctypes.c_void_p),
]

_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


def capsule(struct: ctypes.Structure, name: bytes) -> Any:
    return _capsule(ctypes.addressof(struct), name, None)


class Producer:
    """Arrays written by hand, and how often each struct was released."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.released: list[str] = []

    def schema(self, form: bytes, name: bytes = b"", children: Sequence[Schema] = (), **fields: Any) -> Schema:
        def release(struct: Any) -> None:
            self.released.append(f"schema {name.decode()}")
            struct.contents.release = ReleaseSchema()

        pointers = (ctypes.POINTER(Schema) * len(children))(*map(ctypes.pointer, children))
        made = Schema(form, name, None, NULLABLE, len(children), pointers, None, ReleaseSchema(release), None)
        for field, value in fields.items():
            setattr(made, field, value)
        self.kept += [made, pointers, release, *children]
        return made

    def array(
        self, length: int, buffers: Sequence[Any], children: Sequence[Array] = (), offset: int = 0, nulls: int = 0
    ) -> Array:
        def release(struct: Any) -> None:
            self.released.append("array")
            struct.contents.release = ReleaseArray()

        addresses = [None if buffer is None else buffer.ctypes.data for buffer in buffers]
        held = (ctypes.c_void_p * len(buffers))(*addresses)
        pointers = (ctypes.POINTER(Array) * len(children))(*map(ctypes.pointer, children))
        made = Array(
            length, nulls, offset, len(buffers), len(children), held, pointers, None, ReleaseArray(release), None
        )
        self.kept += [made, held, pointers, release, *buffers, *children]
        return made

    def stream(self, schema: Schema, arrays: Sequence[Array], fails: str | None = None) -> Stream:
        """A stream of these; with `fails` it ends with that error."""
        left = list(arrays)
        words = ctypes.create_string_buffer(fails.encode() if fails else b"")

        def get_schema(_: Any, out: Any) -> int:
            ctypes.memmove(out, ctypes.addressof(schema), ctypes.sizeof(Schema))
            return 0

        def get_next(_: Any, out: Any) -> int:
            if left:
                ctypes.memmove(out, ctypes.addressof(left.pop(0)), ctypes.sizeof(Array))
            elif fails is not None:
                return 5
            return 0

        def release(struct: Any) -> None:
            self.released.append("stream")
            struct.contents.release = ReleaseStream()

        made = Stream(
            GetSchema(get_schema),
            GetNext(get_next),
            GetError(lambda _: ctypes.addressof(words) if fails else None),
            ReleaseStream(release),
            None,
        )
        self.kept += [made, words]
        return made


class Exported:
    """What exports a stream once, as a reader does."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> Any:
        return capsule(self.stream, b"arrow_array_stream")


def batch(producer: Producer, *columns: Array, length: int, offset: int = 0) -> Array:
    return producer.array(length, [None], columns, offset)


def bits(flags: Any, first: int = 0) -> Any:
    return np.packbits([False] * first + list(flags) + [True] * 16, bitorder="little")


def table(
    producer: Producer, arrays: Sequence[Array], names: Sequence[bytes] = (b"a", b"b"), form: bytes = b"g"
) -> Any:
    schema = producer.schema(b"+s", b"", [producer.schema(form, name) for name in names])
    return Exported(producer.stream(schema, arrays))


def floats(producer: Producer, values: Any, offset: int = 0, nulls: int = 0, validity: Any = None) -> Array:
    array = np.concatenate([np.full(offset, np.nan), values]).astype(np.float64)
    return producer.array(len(values), [validity, array], (), offset, nulls)
