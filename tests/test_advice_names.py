"""What a message says to write works where y, weights and columns of x were given by name, with text beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import advice
import gdfast
from advice_cases import TABLES, Exporter, Y, check, fit, pa, pd, refused

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

NAMED: dict[str, Callable[[Any], Any]] = {
    **TABLES,
    "nullable": lambda columns: pd.DataFrame({name: pd.array(values) for name, values in columns.items()}),
    "stream": lambda columns: Exporter(pa.table(columns)),
}
GOOD: dict[str, Any] = {"a": [1.0, 2.0, 4.0], "f": [True, False, True], "t": ["p", "q", "p"], "y": [1.0, 2.0, 5.0]}
BY_NAME: dict[str, Callable[..., Any]] = {
    "fit": lambda x, **options: fit(x, "y", columns=["a", "f"], sample_weight="s", **options),
    "path": lambda x, **options: gdfast.path(x, "y", columns=["a", "f"], sample_weight="s", n_penalties=2, **options),
    "moments": lambda X, **options: gdfast.Moments(2).update(X, "y", "s", columns=["a", "f"], **options),
}


WITH_NULLS = [name for name in NAMED if name not in ("DataFrame", "stream")]  # as they are, that have none


def with_a_hole(table: str, column: str, hole: Any) -> Any:
    values = GOOD | {"s": [1.0, 2.0, 1.0]}
    return NAMED[table](values | {column: [values[column][0], hole, values[column][2]]})


def follow_rows(call: Callable[..., Any], name: str, x: Any) -> str:
    """The call works on the rows of x that it says to keep, the second not among them."""
    message = refused(call, {name: x})
    said = advice.kept(message)
    assert said is not None, message
    keep = advice.follow(said[0], {name: x})
    assert keep.tolist() == [True, False, True]
    (code,) = said[1]
    call(advice.follow(code, {name: x, "keep": keep}))
    return message


@pytest.mark.parametrize("column", ["a", "y", "s", "f"])
@pytest.mark.parametrize("table", WITH_NULLS)
@pytest.mark.parametrize("way", BY_NAME)
def test_nulls_of_data_by_name(way: str, table: str, column: str) -> None:
    """There is text beside it, and y and weights come along with x."""
    call, name, x = BY_NAME[way], "X" if way == "moments" else "x", with_a_hole(table, column, None)
    message = follow_rows(call, name, x)
    assert "write missing='drop'" in message
    call(x, missing="drop")
    for code in advice.written(message):
        call(advice.follow(code, {name: x}))


@pytest.mark.parametrize("column", ["a", "y"])
@pytest.mark.parametrize("table", TABLES)
def test_what_is_not_finite_in_data_by_name(table: str, column: str) -> None:
    follow_rows(BY_NAME["fit"], "x", with_a_hole(table, column, np.nan))


@pytest.mark.parametrize("table", WITH_NULLS)
def test_flags_that_are_missing(table: str) -> None:
    x = NAMED[table]({"a": [1.0, None, 4.0], "f": [True, None, False]})
    check(fit, {"x": x})
    check(fit, {"y": x["f"]})


@pytest.mark.parametrize("table", NAMED)
def test_text_for_y(table: str) -> None:
    x = NAMED[table](GOOD | {"y": ["1", "2", "5"]})
    message = refused(fit, {"x": x, "y": "y", "columns": ["a"]})
    assert "'y'" in message or table == "stream"
    for code in advice.written(message):
        fit(advice.follow(code, {"x": x}), "y", columns=["a"])


@pytest.mark.parametrize("table", [name for name in NAMED if name != "stream"])
def test_columns_that_a_prediction_needs_are_not_left_out(table: str) -> None:
    model = fit(NAMED[table]({"a": GOOD["a"], "f": GOOD["f"]}), Y)
    check(model.predict, {"x": NAMED[table](GOOD | {"a": ["1", "2", "4"]})})
    held_out = NAMED[table](GOOD | {"a": ["u", "v", "w"]})
    calls: list[Callable[[], Any]] = [
        lambda: model.predict(held_out),
        lambda: fit(NAMED[table](GOOD), "y", columns=["a"], validation=(held_out, "y")),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"'a' .*: convert what is meant as a number where the table is made$"):
            call()
    holes = NAMED[table](GOOD | {"a": [1.0, None, 4.0]})
    if table in WITH_NULLS:
        message = refused(model.predict, {"x": holes})
        assert "missing=" not in message
        for code in advice.written(message):
            model.predict(advice.follow(code, {"x": holes}))


def test_labels_that_are_no_text() -> None:
    frame = pd.DataFrame({0: [1.0, 2.0, 4.0], 1: [3.0, 1.0, 2.0], ("p", 2): [1.0, 2.0, 5.0], "s": 1.0})
    for label in (1, np.int64(1), ("p", 2)):
        for call in (
            lambda y: fit(frame, y),
            lambda s: fit(frame, "0", sample_weight=s),
            lambda y: gdfast.path(frame, y, n_penalties=2),
            lambda y: gdfast.Moments(3).update(frame, y),
            lambda y: gdfast.loss_and_gradient(frame, y, [1.0, 2.0, 3.0]),
        ):
            with pytest.raises(ValueError, match="accepted are arrays, and names of columns as text: write ") as raised:
                call(label)
            advice.followed(str(raised.value))
            call(str(label))
    with pytest.raises(ValueError, match=r"^y is 7, and x has no such column: it has '0', '1'"):
        fit(frame, 7)
