"""What a message about arrays and options says to write works when it is written: it is followed to the letter."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import advice
import gdfast
from advice_cases import (
    DAYS,
    MATRICES,
    VECTORS,
    Arguments,
    W,
    X,
    Y,
    check,
    evaluate,
    fit,
    named,
    pa,
    pd,
    pl,
    refused,
    sparse,
    torch,
)

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

# --- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", MATRICES)
@pytest.mark.parametrize("call", [fit, evaluate])
def test_a_target_of_two_dimensions(call: Callable[..., Any], container: str) -> None:
    build = MATRICES[container]
    check(call, {"y": build(Y[:, None])})
    check(call, {"y": build(np.stack([Y, Y], axis=1))})
    check(call, {"y": build(Y[None])})
    check(call, {"sample_weight": build(Y[:, None])})


@pytest.mark.parametrize("container", MATRICES)
def test_coefficients_of_two_dimensions(container: str) -> None:
    build = MATRICES[container]
    check(evaluate, {"w": build(W[None])})
    check(evaluate, {"w": build(np.ones((3, 2)))})
    check(evaluate, {"w": W[:, None], "b": 1.0}, "b")
    check(evaluate, {"w": W[:, None], "y": build(np.stack([Y], axis=0))}, "y")
    check(fit, {"w0": build(W[:, None])})
    check(evaluate, {"w": build(W[:1, None]), "x": X[:, 0]})
    check(evaluate, {"b": build(W[:1, None])})
    moments = gdfast.Moments(2).update(X, Y)
    check(moments.loss_and_gradient, {"w": build(W[:, None])})


@pytest.mark.parametrize("container", VECTORS)
def test_numbers_in_arrays_of_one(container: str) -> None:
    build = VECTORS[container]
    check(evaluate, {"b": build(W[:1])})
    check(evaluate, {"w": build(W[:1]), "x": X[:, 0]})
    check(fit, {"b0": build(W[:1]), "fit_intercept": True})


@pytest.mark.parametrize("number", [2.0, np.float32(2), np.array(2.0), torch.tensor(2.0)], ids=repr)
def test_numbers_where_arrays_are_wanted(number: Any) -> None:
    check(evaluate, {"y": number})
    check(evaluate, {"w": number})
    check(gdfast.Moments(2).update(X, Y).loss_and_gradient, {"w": number})
    check(gdfast.forward, {"x": number, "w": 1.0})
    check(gdfast.loss, {"y": number, "y_pred": [1.0]})


@pytest.mark.parametrize("build", [np.array, np.ndarray.tolist, torch.tensor, lambda x: x.data])
def test_data_of_three_dimensions(build: Callable[[Any], Any]) -> None:
    check(evaluate, {"x": build(X[:, None])})
    check(evaluate, {"y": build(Y[:, None, None])})


@pytest.mark.parametrize("container", MATRICES)
def test_a_target_of_a_loss(container: str) -> None:
    check(gdfast.loss, {"y": MATRICES[container](Y[:, None]), "y_pred": Y})
    check(gdfast.loss, {"y_pred": MATRICES[container](Y[:, None]), "y": Y})


@pytest.mark.parametrize("container", MATRICES)
def test_prediction_for_another_shape(container: str) -> None:
    check(gdfast.fit(X[:, 0], Y).predict, {"x": MATRICES[container](X[:, :1])})


@pytest.mark.parametrize("container", VECTORS)
def test_prediction_for_a_vector(container: str) -> None:
    check(fit().predict, {"x": VECTORS[container](X[0])})
    check(gdfast.fit(X[:, :1], Y).predict, {"x": VECTORS[container](Y)})


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("out", [[0.0, 0.0], np.zeros(3), np.zeros(2, np.float32), np.zeros(4)[::2]], ids=repr)
def test_out(kind: int, out: Any) -> None:
    x: Any = (X, X.tolist(), pd.DataFrame(X), torch.tensor(X), pl.DataFrame(X))[kind]

    def call(out: Any) -> Any:
        return gdfast.loss_and_gradient(x, Y, W, out=out)

    check(call, {"out": out})


def test_moments_of_another_number_of_columns() -> None:
    message = refused(gdfast.Moments(3).update, {"X": X, "y": Y})
    (code,) = advice.written(message)
    assert advice.follow(code, {}).update(X, Y).n == 3


# --- dtypes -----------------------------------------------------------------------------------------------------------

SPANS = [datetime.timedelta(days=day) for day in (1, 2, 5)]

ODD: dict[str, tuple[Any, int]] = {  # and how many pieces of advice there are
    "complex": (X * 1j, 3),
    "complex list": ((X * 1j).tolist(), 3),
    "complex tensor": (torch.tensor(X * 1j), 3),
    "conjugated tensor": (torch.tensor(X * 1j).conj(), 3),
    "float8 tensor": (torch.tensor(X).to(torch.float8_e5m2), 1),
    "recorded tensor": (torch.tensor(X, requires_grad=True), 1),
    "recorded bfloat16 tensor": (torch.tensor(X, dtype=torch.bfloat16, requires_grad=True), 1),
    "list of recorded tensors": ([torch.tensor(row, requires_grad=True) for row in X], 1),
    "sparse tensor": (torch.tensor(X).to_sparse(), 1),
    "longdouble": (X.astype(np.longdouble), 1),
    "swapped": (X.astype(X.dtype.newbyteorder()), 1),
    "swapped complex": (X.astype(np.dtype(complex).newbyteorder()), 2),
    "structured": (np.array([(1.0, 2), (3.0, 5), (5.0, 7)], [("a", float), ("b", np.int8)]), 1),
    "structured with text": (np.array([(1.0, 2, "t")] * 3, [("a", float), ("b", np.int8), ("c", "U3")]), 1),
    "text": (X.astype(str), 1),
    "bytes": (X.astype("S5"), 1),
    "list of text": (X.astype(str).tolist(), 1),
    "objects": (X.astype(object), 1),
    "list of decimals": ([[decimal.Decimal(1), 2], [3, 5], [5, 7]], 1),
    "list of huge integers": ([[10**30, 1], [3, 5], [5, 7]], 1),
    "datetimes": (np.array([[day, day] for day in DAYS], "M8[s]"), 1),
    "list of datetimes": ([[day, day] for day in DAYS], 1),
    "list of dates": ([[day.date(), day.date()] for day in DAYS], 1),
    "list of Timestamps": ([[pd.Timestamp(day)] * 2 for day in DAYS], 1),
    "timedeltas": (np.array([[span, span] for span in SPANS], "m8[s]"), 1),
    "list of timedeltas": ([[span, span] for span in SPANS], 1),
    "sparse": (sparse.csr_matrix(X), 1),
    "sparse array": (sparse.coo_array(X), 1),
    "a dict": ({"a": X[:, 0], "b": X[:, 1].tolist()}, 1),
    "values": (dict(enumerate(X.tolist())).values(), 1),
    "a generator": ((row for row in X.tolist()), 1),
    "lazy": (pl.LazyFrame(named(X)), 1),
    "masked": (np.ma.masked_equal(X, 5.0), 1),
    "masked list": ([np.ma.masked_equal(row, 5.0) for row in X], 1),
    "masked numbers": ([[1.0, np.ma.masked], [3.0, 4.0], [5.0, 7.0]], 1),
}


@pytest.mark.filterwarnings("ignore:Warning. converting a masked element")
@pytest.mark.parametrize("case", ODD)
def test_odd_x(case: str) -> None:
    x, pieces = ODD[case]
    large = any(word in case for word in ("huge", "date", "Timestamp", "timedelta"))
    call = evaluate if large else fit
    check(call, {"x": x}, pieces=pieces)


VECTORS_ODD: dict[str, tuple[Any, int]] = {
    "complex": (Y * 1j, 3),
    "complex number list": ([1j, 2j, 3j], 3),
    "complex Series": (pd.Series(Y * 1j), 3),
    "text": (["1", "2", "3.5"], 1),
    "text array": (np.array(["1", "2", "3.5"]), 1),
    "text Series": (pd.Series(["1", "2", "3.5"]), 1),
    "object Series": (pd.Series([1, 2.5, decimal.Decimal(3)], dtype=object), 1),
    "categories": (pd.Series([1, 2, 1], dtype="category"), 1),
    "text of polars": (pl.Series(["1", "2", "3.5"]), 1),
    "text of Arrow": (pa.array(["1", "2", "3.5"]), 1),
    "text chunks": (pa.chunked_array([["1", "2"], ["3.5"]]), 1),
    "datetimes": (np.array(DAYS, "M8[D]"), 1),
    "list of datetimes": (DAYS, 1),
    "datetime Series": (pd.Series(DAYS), 1),
    "datetime Series with a zone": (pd.Series(DAYS).dt.tz_localize("UTC"), 1),
    "datetime Index": (pd.DatetimeIndex(DAYS), 1),
    "datetimes of polars": (pl.Series(DAYS), 1),
    "dates of polars": (pl.Series([day.date() for day in DAYS]), 1),
    "datetimes of Arrow": (pa.array(DAYS), 1),
    "dates of Arrow": (pa.array([day.date() for day in DAYS]), 1),
    "timedelta Series": (pd.Series(SPANS), 1),
    "durations of polars": (pl.Series(SPANS), 1),
    "durations of Arrow": (pa.array(SPANS), 1),
    "sparse column": (sparse.csr_matrix(Y[:, None]), 1),
    "sparse row": (sparse.csr_matrix(Y[None]), 1),
    "masked": (np.ma.masked_equal(Y, 2.0), 1),
    "recorded": (torch.tensor(Y, requires_grad=True), 1),
    "set": ({1.0, 2.0, 3.0}, 1),
}


@pytest.mark.parametrize("case", VECTORS_ODD)
@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_odd_vectors(name: str, case: str) -> None:
    value, pieces = VECTORS_ODD[case]
    if name == "sample_weight" and "complex" in case:
        check(fit, {"y": value}, pieces=pieces)
    else:
        check(fit, {name: value}, pieces=pieces)


def test_text_for_a_number() -> None:
    check(evaluate, {"b": "1.5"})


# --- options ----------------------------------------------------------------------------------------------------------

OPTIONS: tuple[Arguments, ...] = (
    {"b0": 1.0},
    {"learning_rate": "auto", "batch_size": 2},
    {"learning_rate": "auto", "optimizer": "adam"},
    {"plan": "moments", "batch_size": 2},
    {"l1": 0.1, "optimizer": "momentum"},
    {"l1": 0.1, "optimizer": "adam"},
    {"l1": 0.1, "optimizer": "nesterov", "batch_size": 2},
    {"learning_rate": 1e9},
    {"learning_rate": 1e9, "optimizer": "nesterov"},
)


@pytest.mark.parametrize("chosen", OPTIONS, ids=str)
def test_options(chosen: Arguments) -> None:
    def call(**options: Any) -> Any:
        return gdfast.fit(X, Y, **{"n_iters": 20, **options})

    changes = advice.options(refused(call, chosen))
    assert changes
    for change in changes:
        call(**{**chosen, **change})


def test_the_order_of_rows() -> None:
    message = refused(fit, {"rng": "seed"})
    assert "rng=np.random.default_rng(0)" in message
    advice.followed(message)
    fit(rng=np.random.default_rng(0))
