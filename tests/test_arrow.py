"""Arrow's C interface: whatever a producer hands over is read where it lies, and released once."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

import gdfast
from arrow_producer import Exported, Producer, Schema, batch, bits, floats, table
from gdfast import _core


def rows_of(value: Any) -> Any:
    """The numbers that gdfast reads: those of a prediction, a column at a time."""
    from gdfast import tables

    return np.asarray(tables.data("x", value))


A, B = np.arange(10.0), np.arange(10.0) ** 2


def test_offsets_of_columns_and_of_batches() -> None:
    producer = Producer()
    first = batch(producer, floats(producer, A[:6], offset=3), floats(producer, B[:6]), length=4, offset=2)
    second = batch(producer, floats(producer, A[6:]), floats(producer, B[6:], offset=9), length=4)
    got = rows_of(table(producer, [first, second]))
    np.testing.assert_array_equal(got, np.stack([[*A[2:]], [*B[2:]]], axis=1))


def test_chunks_without_rows() -> None:
    producer = Producer()
    nothing = [batch(producer, floats(producer, []), floats(producer, []), length=0) for _ in range(2)]
    rest = batch(producer, floats(producer, A), floats(producer, B), length=10)
    got = rows_of(table(producer, [nothing[0], rest, nothing[1]]))
    np.testing.assert_array_equal(got, np.stack([A, B], axis=1))


def test_a_column_without_rows_may_lack_its_buffers() -> None:
    producer = Producer()
    nothing = batch(producer, *(producer.array(0, [None, None]) for _ in "ab"), length=0)
    with pytest.raises(ValueError, match="no samples"):
        gdfast.loss_and_gradient(table(producer, [nothing]), [], [0.0, 0.0])


@pytest.mark.parametrize("first", [0, 1, 7, 8, 13, 63, 64, 65, 130])
@pytest.mark.parametrize("known", [True, False])
def test_nulls_are_counted_at_any_bit(first: int, known: bool) -> None:
    rng = np.random.default_rng(first)
    flags = rng.random(200) > 0.3
    producer = Producer()
    count = int((~flags).sum())
    column = floats(producer, np.arange(200.0), first, count if known else -1, bits(flags, first))
    read = _core.arrow_stream(table(producer, [batch(producer, column, length=200)], [b"a"]).__arrow_c_stream__())
    assert read.nulls == (count,)
    part = floats(producer, np.arange(200.0), first, count if known else -1, bits(flags, first))
    read = _core.arrow_stream(
        table(producer, [batch(producer, part, length=90, offset=50)], [b"a"]).__arrow_c_stream__()
    )
    assert read.nulls == (int((~flags[50:140]).sum()),)


def test_a_bitmap_of_which_nothing_is_unset() -> None:
    producer = Producer()
    column = floats(producer, A, 5, -1, bits([True] * 10, 5))
    np.testing.assert_array_equal(rows_of(table(producer, [batch(producer, column, length=10)], [b"a"]))[:, 0], A)


@pytest.mark.parametrize("first", [0, 3, 8, 21])
def test_booleans_are_bits(first: int) -> None:
    flags = np.random.default_rng(first).random(70) > 0.5
    producer = Producer()
    column = producer.array(70, [None, bits(flags, first)], (), first)
    got = rows_of(table(producer, [batch(producer, column, length=70)], [b"a"], b"b"))
    np.testing.assert_array_equal(got[:, 0], flags)


def test_all_is_released_once() -> None:
    producer = Producer()
    arrays = [batch(producer, floats(producer, A), floats(producer, B), length=10) for _ in range(3)]
    read = _core.arrow_stream(table(producer, arrays).__arrow_c_stream__())
    assert sorted(producer.released) == ["schema ", "stream"]
    columns = _core.Columns([(read, 0)], 30, False)
    del read
    assert "array" not in producer.released
    assert columns._array(None).shape == (30, 1)
    del columns
    assert sorted(producer.released) == ["array", "array", "array", "schema ", "stream"]


def test_a_stream_that_fails_midway_is_released() -> None:
    producer = Producer()
    schema = producer.schema(b"+s", b"", [producer.schema(b"g", b"a")])
    stream = producer.stream(schema, [batch(producer, floats(producer, A), length=10)], "the disk is full")
    with pytest.raises(ValueError, match=r"^x \(.*Exported\) can't be read \(the disk is full\): .*a fresh one"):
        gdfast.fit(Exported(stream), A)
    assert sorted(producer.released) == ["array", "schema ", "stream"]


def test_a_stream_can_be_read_once() -> None:
    producer = Producer()
    once = table(producer, [batch(producer, floats(producer, A), floats(producer, B), length=10)])
    assert gdfast.fit(once, "b", optimizer="exact").feature_names == ("a",)
    with pytest.raises(ValueError, match=r"^x \(.*\) can't be read \(it was read already\): .*hand in a fresh one"):
        gdfast.fit(once, "b")
    assert producer.released.count("stream") == 1


MALFORMED = {
    "a batch lacks columns": lambda p: batch(p, floats(p, A), length=10),
    "is shorter than its batch": lambda p: batch(p, floats(p, A), floats(p, B[:9]), length=10),
    "has no buffer of numbers": lambda p: batch(p, floats(p, A), p.array(10, [None, None]), length=10),
    "negative length": lambda p: batch(p, floats(p, A), p.array(-1, [None, A]), length=10),
}


@pytest.mark.parametrize("words", MALFORMED)
def test_what_breaks_the_specification_is_refused(words: str) -> None:
    producer = Producer()
    with pytest.raises(ValueError, match=f"malformed: .*{words}"):
        gdfast.fit(table(producer, [MALFORMED[words](producer)]), A)
    assert sorted(producer.released) == ["array", "schema ", "stream"]


def test_rows_that_are_null_are_refused() -> None:
    producer = Producer()
    masked = producer.array(10, [bits([False] * 10)], [floats(producer, A), floats(producer, B)], 0, -1)
    with pytest.raises(ValueError, match="whole rows of it are null"):
        gdfast.fit(table(producer, [masked]), A)


@pytest.mark.parametrize(
    ("form", "word"),
    [(b"u", "string"), (b"vu", "string"), (b"d:9,2", "decimal"), (b"tdD", "date"), (b"tsu:UTC", "timestamp"),
     (b"tDs", "duration"), (b"ttm", "time"), (b"w:8", "binary"), (b"+l", "list"), (b"+w:3", "list"),
     (b"tin", "interval"), (b"+ud:0,1", "union"), (b"+r", "run-end encoded"), (b"q", "unknown type q")],
)  # fmt: skip
def test_what_holds_no_numbers_is_named(form: bytes, word: str) -> None:
    producer = Producer()
    schema = producer.schema(b"+s", b"", [producer.schema(b"g", b"a"), producer.schema(form, b"z")])

    def made() -> Any:
        other = producer.array(10, [None, A, A])
        return Exported(producer.stream(schema, [batch(producer, floats(producer, A), other, length=10)]))

    with pytest.raises(TypeError, match=rf"^x holds no numbers in the column 'z' \({word}\), .*columns=\['a'\]"):
        gdfast.fit(made(), A)
    assert gdfast.fit(made(), A, columns=["a"], optimizer="exact").w.round(9) == [1.0]


def test_extensions_mean_more_than_their_numbers() -> None:
    def metadata(name: bytes) -> Any:
        key = b"ARROW:extension:name"
        parts = (1).to_bytes(4, "little"), len(key).to_bytes(4, "little"), key, len(name).to_bytes(4, "little"), name
        return b"".join(parts)

    producer = Producer()
    for name, form in ((b"arrow.bool8", b"c"), (b"somebody.money", b"g")):
        text = ctypes.create_string_buffer(metadata(name))
        producer.kept.append(text)
        column = producer.schema(form, b"a")
        ctypes.c_void_p.from_address(ctypes.addressof(column) + Schema.metadata.offset).value = ctypes.addressof(text)
        schema = producer.schema(b"+s", b"", [column])
        values = np.array([0, 1, 7, 0], np.int8) if form == b"c" else np.arange(4.0)
        stream = producer.stream(schema, [batch(producer, producer.array(4, [None, values]), length=4)])
        if form == b"c":
            np.testing.assert_array_equal(rows_of(Exported(stream))[:, 0], [0, 1, 1, 0])
        else:
            with pytest.raises(TypeError, match=r"'a' \(somebody.money\)"):
                rows_of(Exported(stream))


def test_capsules_of_another_name() -> None:
    class Wrong:
        def __arrow_c_stream__(self, requested_schema: object | None = None) -> Any:
            return object()

    with pytest.raises(ValueError, match=r"^x \(.*Wrong\) can't be read"):
        gdfast.fit(Wrong(), A)
