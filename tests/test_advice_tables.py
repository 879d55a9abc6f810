"""What a message about columns and missing numbers says to write works when it is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import advice
import gdfast
from advice_cases import (
    DAYS,
    MATRICES,
    TABLES,
    VECTORS,
    Case,
    Exporter,
    X,
    Y,
    check,
    check_rows,
    evaluate,
    fit,
    follow,
    pa,
    pd,
    pl,
    refused,
    torch,
)

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

# --- columns ----------------------------------------------------------------------------------------------------------

MIXED = {"size": [1.0, 2.0, 3.0], "city": ["x", "y", "x"], "when": DAYS}


@pytest.mark.parametrize("table", TABLES)
def test_columns_that_are_no_numbers(table: str) -> None:
    build = TABLES[table]
    check(fit, {"x": build(MIXED)})
    check(fit, {"x": build({"size": [1.0, 2.0, 3.0], "city": ["x", "y", "x"]})})
    check(fit, {"x": build({"size": [1.0, 2.0, 3.0], "number": ["1", "2", "3.5"]})}, pieces=2)
    message = refused(fit, {"x": build(MIXED)})
    assert "'city'" in message
    assert "'when'" in message


def test_columns_of_pandas_that_are_no_numbers() -> None:
    check(fit, {"x": pd.DataFrame({0: [1.0, 2.0, 3.0], 1: ["x", "y", "x"]})}, pieces=2)
    check(fit, {"x": pd.DataFrame({"a": pd.Series(["x", "y", "x"], dtype="category"), "b": Y})}, pieces=2)
    check(fit, {"x": pd.DataFrame({"a": ["x", "y", "x"]})})
    check(evaluate, {"x": pd.DataFrame({"a": DAYS, "b": DAYS})})


FRAME = pl.DataFrame({"a": X[:, 0], "y": Y})
STRUCTS = pl.Series([{"p": 1.0, "q": 2.0}, {"p": 2.0, "q": 1.0}, {"p": 5.0, "q": 3.0}])


def test_structs() -> None:
    column = STRUCTS.to_arrow()
    for one in (STRUCTS, column, pa.chunked_array([column]), pd.Series(column, dtype=pd.ArrowDtype(column.type))):
        check(fit, {"y": one})
    for table in (pl.DataFrame, pa.table):
        check(fit, {"x": table({"a": Y, "s": STRUCTS if table is pl.DataFrame else column})}, pieces=2)


@pytest.mark.parametrize("table", ["DataFrame", "Arrow"])
def test_columns_of_one_name(table: str) -> None:
    twice = {
        "DataFrame": pd.DataFrame(X, columns=["a", "a"]),
        "Arrow": pa.Table.from_arrays([pa.array(Y), pa.array(Y)], names=["a", "a"]),
    }[table]
    check(fit, {"x": twice})


# --- numbers that are missing -----------------------------------------------------------------------------------------

HOLES = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, np.inf]])
MISSING: dict[str, Any] = {
    **{name: build(HOLES) for name, build in MATRICES.items()},
    "nullable": pd.DataFrame({"a": pd.array([1, None, 3], "Int64"), "b": [1.0, 2.0, np.inf]}),
    "nullable flags": pd.DataFrame({"a": pd.array([True, None, False], "boolean"), "b": [1.0, 2.0, np.inf]}),
    "Arrow-backed": pd.DataFrame({"a": pd.array([1, None, 3], pd.ArrowDtype(pa.int64())), "b": [1.0, 2.0, np.inf]}),
}


@pytest.mark.parametrize("container", MISSING)
@pytest.mark.parametrize("others", VECTORS)
def test_rows_that_are_not_finite(container: str, others: str) -> None:
    check_rows(fit, {"x": MISSING[container], "y": VECTORS[others](Y), "sample_weight": VECTORS[others](Y)}, left=1)


@pytest.mark.parametrize("container", VECTORS)
def test_vectors_that_are_not_finite(container: str) -> None:
    hole = np.array([1.0, np.nan, 3.0])
    for x in (X, X[:, 0], pd.DataFrame(X, index=[3, 4, 5]), pl.DataFrame(X), torch.tensor(X), X.tolist()):
        check_rows(fit, {"x": x, "y": VECTORS[container](hole)}, left=2)
    check_rows(fit, {"x": VECTORS[container](hole), "y": Y}, left=2)


def test_validation_that_is_not_finite() -> None:
    message = refused(fit, {"validation": (pd.DataFrame(HOLES), Y.tolist())})
    said = advice.kept(message)
    assert said is not None
    names = {"validation": (pd.DataFrame(HOLES), Y.tolist())}
    names |= {"keep": advice.follow(said[0], names)}
    fit(validation=tuple(advice.follow(code, names) for code in said[1]))


NULLS: dict[str, tuple[Any, Any]] = {  # x, y
    "polars": (pl.DataFrame({"a": [1.0, None, 3.0], "b": [1, 2, None]}), Y),
    "Arrow": (pa.table({"a": [1.0, None, 3.0], "b": [1, 2, None]}), Y),
    "Arrow batch": (pa.RecordBatch.from_pydict({"a": [1.0, None, 3.0], "b": [1, 2, None]}), Y),
    "a column of polars": (X[:, 0], pl.Series([1.0, None, None])),
    "a column of Arrow": (X, pa.array([1, None, None])),
    "chunks of Arrow": (X, pa.chunked_array([[1.0], [None, None]])),
}


@pytest.mark.parametrize("case", NULLS)
def test_nulls(case: str) -> None:
    x, y = NULLS[case]
    name = "x" if y is Y else "y"
    check(fit, {"x": x, "y": y}, name)
    check_rows(fit, {"x": x, "y": y}, left=1)


@pytest.mark.parametrize("x", [np.ma.masked_equal(X, 5.0), np.ma.masked_equal(X[:, 0], 5.0)], ids=["2-D", "1-D"])
def test_masked_rows(x: Any) -> None:
    message = refused(fit, {"x": x})
    said = advice.kept(message)
    assert said is not None
    keep = advice.follow(said[0], {"x": x})
    (code,) = said[1]
    fit(advice.follow(code, {"x": x, "keep": keep}), Y[keep])


# --- what is yet to be computed ---


def test_lazy_frames() -> None:
    lazy, table = FRAME.lazy(), FRAME
    model = fit(table, "y")
    calls: dict[str, Any] = {
        "fit": lambda x: fit(x, "y"),
        "array for y": lambda x: fit(x, Y),
        "validation": lambda x: fit(table, "y", validation=(x, "y")),
        "predict": model.predict,
        "loss": lambda x: gdfast.loss_and_gradient(x, "y", [1.0]),
        "forward": lambda x: gdfast.forward(x, [1.0, 2.0]),
        "moments": lambda x: gdfast.Moments(1).update(x, "y"),
        "path": lambda x: gdfast.path(x, "y", n_penalties=2),
        "explain": lambda x: gdfast.explain(x, "y"),
        "pieces": lambda x: gdfast.fit(gdfast.scan(lambda: iter([x])), "y"),
    }
    for call in calls.values():
        with pytest.raises(TypeError, match=r"write (x|X|validation\[0\])\.collect\(\)") as raised:
            call(lazy)
        (code,) = advice.written(str(raised.value))
        call(advice.follow(code, {"x": lazy, "X": lazy, "validation": (lazy, "y")}))


# --- what exports Arrow and is no package's that is known ---


FEW = pa.table({"a": [1.0, 2.0, 4.0], "y": [1.0, 2.0, 3.0]})


def test_streams_that_were_read() -> None:
    spent = Exporter(FEW, 0)

    def again() -> Any:
        return gdfast.fit(pa.table(Exporter(FEW)), "y")

    follow(Case(lambda: gdfast.fit(spent, "y"), "it is over", (lambda: gdfast.fit(Exporter(FEW), "y"), again)))


def test_nulls_of_other_tables() -> None:
    holes = pa.table({"a": [1.0, None, 4.0], "y": [1.0, 2.0, 3.0]})
    filled = pa.table({"a": holes["a"].fill_null(0), "y": holes["y"]})
    follow(
        Case(
            lambda: gdfast.fit(Exporter(holes), "y"),
            "the column 'a' of x has 1 null",
            (lambda: gdfast.fit(Exporter(holes.drop_null()), "y"), lambda: gdfast.fit(Exporter(filled), "y")),
        )
    )


def test_nulls_of_a_scan_are_dropped_by_the_scan() -> None:
    scan = gdfast.scan(lambda: iter([FEW]))
    dropping = gdfast.scan(lambda: iter([FEW]), missing="drop")
    follow(Case(lambda: gdfast.fit(scan, "y", missing="drop"), "for a scan", (lambda: gdfast.fit(dropping, "y"),)))


def test_nulls_of_pieces() -> None:
    holes = [pa.table({"a": [1.0, None, 4.0], "y": [1.0, 2.0, 3.0]})]
    dropping = gdfast.scan(holes, missing="drop")
    follow(
        Case(lambda: gdfast.fit(gdfast.scan(holes), "y"), "piece 0: column 'a'", (lambda: gdfast.fit(dropping, "y"),))
    )
