"""What all but arrays and tables says to write works: summaries, paths, moments, scans, estimators, operators."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import gdfast
from advice_cases import MANY as X
from advice_cases import TARGET as Y
from advice_cases import Case, beside, exact, follow

pa = pytest.importorskip("pyarrow")
torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("sklearn")
from pyarrow import parquet  # noqa: E402
from sklearn.model_selection import KFold  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore::gdfast.ConvergenceWarning", "ignore::UserWarning", "ignore::DeprecationWarning"
)

rng = np.random.default_rng(1)
S = rng.uniform(1, 2, 40)
IDS = np.arange(40) % 7
GD: dict[str, Any] = {"learning_rate": 0.1, "n_iters": 3}

MIXED = np.array([1, "a"] * 20, dtype=object)
streamed = gdfast.fit(X, Y, optimizer="cg", plan="stream", fit_intercept=True)
weighted = exact(sample_weight=S)

SUMMARIES = {
    "weights that the fit had not": Case(
        lambda: exact().summary(X, Y, sample_weight=S), "leave it out", (lambda: exact().summary(X, Y),)
    ),
    "a constant column": Case(lambda: exact(beside(X, 2.0)).summary(), "leave it out", (lambda: exact(X).summary(),)),
    "collinear columns": Case(
        lambda: exact(beside(X, X[:, 0])).summary(), "leave one out", (lambda: exact(X).summary(),)
    ),
    "clusters of two types": Case(
        lambda: exact().summary(X, Y, vcov={"cluster": MIXED}),
        "write names or numbers alone",
        (
            lambda: exact().summary(X, Y, vcov={"cluster": IDS.astype(str)}),
            lambda: exact().summary(X, Y, vcov={"cluster": IDS}),
        ),
    ),
    "y without x": Case(lambda: exact().summary(y=Y), "write fit.summary(x, y)", (lambda: exact().summary(X, Y),)),
    "residuals without rows": Case(
        lambda: exact().summary(vcov="HC1"),
        "write fit.summary(x, y, vcov=…)",
        (lambda: exact().summary(X, Y, vcov="HC1"),),
    ),
    "no moments": Case(streamed.summary, "write fit.summary(x, y)", (lambda: streamed.summary(X, Y),)),
    "other rows": Case(
        lambda: exact().summary(X[1:], Y[1:]), "write the x that it was fitted to", (lambda: exact().summary(X, Y),)
    ),
    "a scan of other columns": Case(
        lambda: scanned().summary(gdfast.scan([(X[:, :2], Y)]), None),
        "write the scan of the fit",
        (lambda: scanned().summary(gdfast.scan([(X, Y)]), None),),
    ),
    "a scan of other rows": Case(
        lambda: scanned().summary(gdfast.scan(once([(X[1:], Y[1:])])), None, vcov="HC1"),
        "write the scan that it was fitted to",
        (lambda: scanned().summary(gdfast.scan(once([(X, Y)])), None, vcov="HC1"),),
    ),
}


def scanned() -> gdfast.Fit:
    return gdfast.fit(gdfast.scan([(X, Y)]), optimizer="exact", fit_intercept=True)


def once(pieces: list[Any]) -> Callable[[], Iterator[Any]]:
    return lambda: iter(pieces)


path = gdfast.path
halves = [(X[:20], Y[:20]), (X[20:], Y[20:])]
PATHS = {
    "drawn folds that are given": Case(
        lambda: path(X, Y, folds=IDS, rng=0),
        "leave it out",
        (lambda: path(X, Y, folds=IDS), lambda: path(X, Y, folds=5, rng=0)),
    ),
    "folds of two types": Case(
        lambda: path(X, Y, folds=MIXED),
        "write names or numbers alone",
        (lambda: path(X, Y, folds=IDS), lambda: path(X, Y, folds=IDS.astype(str))),
    ),
    "groups without folds": Case(
        lambda: path(X, Y, groups=IDS), "write folds=5 as well", (lambda: path(X, Y, groups=IDS, folds=5),)
    ),
    "no folds": Case(lambda: path(X, Y).fit, "write gdfast.path(x, y, folds=5)", (lambda: path(X, Y, folds=5).fit,)),
    "a streamed scan": Case(
        lambda: path(gdfast.scan(halves), plan="stream"),
        "write plan='auto'",
        (lambda: path(gdfast.scan(halves), plan="auto"),),
    ),
    "a splitter of unknown rows": Case(
        lambda: path(gdfast.scan(once(halves)), folds=KFold(2)),
        "write folds as a number",
        (
            lambda: path(gdfast.scan(once(halves)), folds=2),
            lambda: path(gdfast.scan(once(halves)), folds=np.arange(40) % 4),
        ),
    ),
}

moments = gdfast.Moments(3).update(X, Y)
later = bytearray(moments.to_bytes())
later[8] = 99
MOMENTS = {
    "groups": Case(
        lambda: moments[0],
        "write gdfast.Moments(3, groups=…)",
        (lambda: gdfast.Moments(3, groups=7).update(X, Y, group=IDS)[0],),
    ),
    "options of single samples": Case(
        lambda: moments.fit(batch_size=4), "write gdfast.fit(x, y, …)", (lambda: gdfast.fit(X, Y, batch_size=4, **GD),)
    ),
    "a file's name": Case(lambda: gdfast.Moments.from_bytes(cast(Any, "a.gdm")), "write Path(name).read_bytes()", ()),
    "a pickle": Case(
        lambda: gdfast.Moments.from_bytes(pickle.dumps(moments)),
        "write pickle.loads(data)",
        (lambda: pickle.loads(pickle.dumps(moments)),),
    ),
}


def tables(*kinds: Any) -> list[Any]:
    return [pa.table({"a": pa.array(X[:20, 0]).cast(kind), "y": Y[:20]}) for kind in kinds]


SCANS = {
    "no y": Case(
        lambda: gdfast.fit(gdfast.scan(tables("double")), **GD),
        "write the name of the column to predict",
        (lambda: gdfast.fit(gdfast.scan(tables("double")), "y", **GD),),
    ),
    "y among the columns": Case(
        lambda: gdfast.fit(gdfast.scan(tables("double"), columns=["a", "y"]), "y", **GD),
        "leave it out",
        (lambda: gdfast.fit(gdfast.scan(tables("double"), columns=["a"]), "y", **GD),),
    ),
    "a name for names": Case(
        lambda: gdfast.scan(tables("double"), columns=cast(Any, "a")),
        "write columns=['a']",
        (lambda: gdfast.scan(tables("double"), columns=["a"]),),
    ),
    "no function": Case(
        lambda: gdfast.fit(gdfast.scan(lambda: 3), **GD),
        "write a function with yield, or lambda: iter([…])",
        (lambda: gdfast.fit(gdfast.scan(lambda: iter([(X, Y)])), **GD),),
    ),
    "what was read already": Case(
        lambda: gdfast.fit(gdfast.scan(iter(halves)), plan="stream", **GD),
        "or write plan='moments'",
        (
            lambda: gdfast.fit(gdfast.scan(lambda: iter(halves)), plan="stream", **GD),
            lambda: gdfast.fit(gdfast.scan(iter(halves)), plan="moments", **GD),
        ),
    ),
    "names of arrays' columns": Case(
        lambda: gdfast.fit(gdfast.scan(halves), "y", **GD),
        "write y=None",
        (lambda: gdfast.fit(gdfast.scan(halves), None, **GD),),
    ),
    "two columns of one name": Case(
        lambda: gdfast.fit(gdfast.scan([pa.Table.from_arrays([pa.array(Y)] * 2, ["a", "a"])]), "a", **GD),
        "give each a name of its own",
        (lambda: gdfast.fit(gdfast.scan([pa.Table.from_arrays([pa.array(Y)] * 2, ["a", "b"])]), "a", **GD),),
    ),
    "a number that isn't finite": Case(
        lambda: gdfast.fit(gdfast.scan([(X, np.where(IDS == 3, np.nan, Y))]), **GD),
        "leave such rows out where the data is written",
        (lambda: gdfast.fit(gdfast.scan([(X[IDS != 3], Y[IDS != 3])]), **GD),),
    ),
    "predictions to a file, of an array": Case(
        lambda: exact().predict_to("y.npy", cast(Any, X)),
        "or fit.predict(x)",
        (lambda: exact().predict(X),),
    ),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_summaries(name: str) -> None:
    follow(SUMMARIES[name])


@pytest.mark.parametrize("name", PATHS)
def test_paths(name: str) -> None:
    follow(PATHS[name])


@pytest.mark.parametrize("name", MOMENTS)
def test_moments(name: str) -> None:
    follow(MOMENTS[name])


@pytest.mark.parametrize("name", SCANS)
def test_scans(name: str) -> None:
    follow(SCANS[name])


def test_scans_of_files(tmp_path: Path) -> None:
    a, b, c = tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "c.parquet"
    wide, narrow = tables("double", "float")
    parquet.write_table(wide, a)
    parquet.write_table(narrow, b)
    parquet.write_table(pa.table({"a": [1.0, None, 3.0], "y": [1.0, 2.0, 4.0]}), c)

    def fit(source: Any, **options: Any) -> Any:
        return gdfast.fit(gdfast.scan(source, **options), "y", **GD)

    def whole() -> Any:
        parquet.write_table(wide, b)
        c.unlink()
        return fit(str(tmp_path / "*.parquet"))

    follow(Case(lambda: fit(str(c)), "write missing='drop'", (lambda: fit(str(c), missing="drop"),)))
    follow(Case(lambda: fit(str(tmp_path)), f"write {str(tmp_path / '*.parquet')!r} for the files in it", ()))
    follow(Case(lambda: fit([a, b]), "write it as one type in all files", (whole,)))

    scan = gdfast.scan(a)
    gdfast.fit(scan, "y", **GD)
    parquet.write_table(pa.concat_tables([wide, wide]), a)
    follow(Case(lambda: gdfast.fit(scan, "y", **GD), "Write gdfast.scan(…) anew", (lambda: fit(a),)))


def test_files_taken_for_moments(tmp_path: Path) -> None:
    from commands import done

    table = tmp_path / "t.parquet"
    parquet.write_table(tables("double")[0], table)
    np.save(tmp_path / "t.npy", np.column_stack([X, Y]))
    for file, options in ((table, ["--target", "y"]), (tmp_path / "t.npy", ["--target", "3"])):
        content = file.read_bytes()
        follow(Case(partial(gdfast.Moments.from_bytes, content), "write `gdfast moments`", ()))
        done("moments", file, *options, "-o", tmp_path / "t.gdm")
        gdfast.Moments.from_bytes((tmp_path / "t.gdm").read_bytes())
