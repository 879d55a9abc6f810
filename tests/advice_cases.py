"""What the tests of advice share: data in each container, and following what a message says to the letter."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import advice
import gdfast

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
torch = pytest.importorskip("torch")
sparse = pytest.importorskip("scipy.sparse")

X = np.array([[1.0, 2.0], [3.0, 5.0], [5.0, 7.0]])
Y = np.array([1.0, 2.0, 3.0])
W = np.array([0.5, -1.0])

DAYS = [datetime.datetime(2020, 1, day) for day in (1, 2, 5)]

Arguments = dict[str, Any]


def named(values: Any) -> dict[str, Any]:
    """The columns of a matrix, with the names of a table."""
    return dict(zip(("a b", "c", "d", "e", "f"), np.atleast_2d(np.asarray(values).T), strict=False))


def arrow(values: Any) -> Any:
    return pa.table({name: pa.array(column) for name, column in named(values).items()})


# A matrix in each container that has two dimensions, and a vector in each that has one.
MATRICES: dict[str, Callable[[Any], Any]] = {
    "array": np.array,
    "list": lambda values: np.asarray(values).tolist(),
    "tuple": lambda values: tuple(map(tuple, np.asarray(values).tolist())),
    "matrix": lambda values: np.asarray(values).view(np.matrix),
    "memoryview": lambda values: np.ascontiguousarray(values).data,
    "tensor": lambda values: torch.tensor(np.asarray(values)),
    "DataFrame": lambda values: pd.DataFrame(named(values)),
    "DataFrame of numbers": lambda values: pd.DataFrame(np.asarray(values)),
    "polars": lambda values: pl.DataFrame(named(values)),
    "Arrow": arrow,
    "Arrow batch": lambda values: arrow(values).to_batches()[0],
}
VECTORS: dict[str, Callable[[Any], Any]] = {
    "array": np.array,
    "list": lambda values: np.asarray(values).tolist(),
    "tensor": lambda values: torch.tensor(np.asarray(values)),
    "Series": lambda values: pd.Series(np.asarray(values), index=[7, 8, 9][: len(values)]),
    "Index": lambda values: pd.Index(np.asarray(values)),
    "pandas array": lambda values: pd.array(np.asarray(values)),
    "polars": lambda values: pl.Series(np.asarray(values)),
    "Arrow": lambda values: pa.array(np.asarray(values)),
    "Arrow chunks": lambda values: pa.chunked_array([np.asarray(values)[:1], np.asarray(values)[1:]]),
}


TABLES: dict[str, Callable[[Any], Any]] = {
    "DataFrame": pd.DataFrame,
    "polars": pl.DataFrame,
    "Arrow": pa.table,
    "Arrow batch": lambda columns: pa.RecordBatch.from_pydict(columns),
}


class Exporter:
    """A stream that can be read as often as it is asked for, or once."""

    def __init__(self, table: Any, times: int = 99) -> None:
        self.table, self.times = table, times

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        self.times -= 1
        if self.times < 0:
            raise RuntimeError("it is over")
        return self.table.__arrow_c_stream__()


def fit(x: Any = X, y: Any = Y, **options: Any) -> Any:
    return gdfast.fit(x, y, n_iters=2, learning_rate=1e-3, **options)


def evaluate(x: Any = X, y: Any = Y, w: Any = W, b: Any = None, sample_weight: Any = None) -> Any:
    return gdfast.loss_and_gradient(x, y, w, b, sample_weight=sample_weight)


def refused(call: Callable[..., Any], arguments: Arguments) -> str:
    with pytest.raises((ValueError, TypeError, gdfast.DivergenceError)) as raised:
        call(**arguments)
    return str(raised.value)


def check(call: Callable[..., Any], arguments: Arguments, name: str | None = None, pieces: int = 1) -> None:
    """The call is refused; and works with each of the `pieces` of advice that come with the refusal."""
    message = refused(call, arguments)
    name = name or next(iter(arguments))
    codes = advice.written(message)
    assert len(codes) >= pieces, message
    for code in codes:
        call(**{**arguments, name: advice.follow(code, arguments)})


def check_rows(call: Callable[..., Any], arguments: Arguments, left: int) -> None:
    """The call is refused; and works on the rows that its message says to keep, of which there are `left`."""
    message = refused(call, arguments)
    said = advice.kept(message)
    assert said is not None, message
    keep = advice.follow(said[0], arguments)
    assert isinstance(keep, np.ndarray), message
    assert keep.dtype == np.bool_
    assert keep.sum() == left
    rows = {name: np.asarray(value)[keep] for name, value in arguments.items()}
    for code in said[1]:
        name = next(name for name in arguments if code.startswith((f"{name}[", f"{name}.", f"np.asarray({name})")))
        rows[name] = advice.follow(code, arguments | {"keep": keep})
        assert len(rows[name]) == left
    call(**rows)


# --- other calls ------------------------------------------------------------------------------------------------------

rng = np.random.default_rng(0)
MANY = rng.standard_normal((40, 3))
TARGET = MANY @ [1.0, 2.0, 3.0] + rng.standard_normal(40)


Call = Callable[[], Any]


class Case(NamedTuple):
    """A call that is refused, what it says, and what to do then."""

    refused: Call
    says: str
    ways: tuple[Call, ...]


def follow(case: Case) -> None:
    with pytest.raises((ValueError, TypeError, gdfast.DivergenceError, NotImplementedError)) as raised:
        case.refused()
    message = str(raised.value)
    assert case.says in message
    advice.followed(message)
    for way in case.ways:
        way()


def exact(x: Any = MANY, **options: Any) -> gdfast.Fit:
    return gdfast.fit(x, TARGET, optimizer="exact", fit_intercept=True, **options)


def beside(x: Any, value: Any) -> Any:
    return np.column_stack([x, np.broadcast_to(value, len(x))])
