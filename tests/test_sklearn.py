"""`gdfast.sklearn`: scikit-learn's own checks, and what they don't look at."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.linear_model import ElasticNet, LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gdfast.sklearn import GDRegressor

rng = np.random.default_rng(0)
N, D = 300, 4
X = rng.standard_normal((N, D))
Y = X @ [1.0, 2.0, -3.0, 0.0] + 4.0 + 0.1 * rng.standard_normal(N)
S = rng.uniform(0.5, 2.0, N)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # plain descent, in 1,000 passes
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        GDRegressor(),
        GDRegressor(optimizer="exact", l2=0.1, l1=0.05, standardize=True),
        GDRegressor(optimizer="cg"),
        GDRegressor(optimizer="nesterov", l2=0.01, l1=0.01),
        GDRegressor(optimizer="gd", plan="stream"),
    ]
)
def test_scikit_learns_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimum(weighted: bool) -> None:
    s = S if weighted else None
    for ours, theirs in [
        (GDRegressor(), LinearRegression()),
        (GDRegressor(fit_intercept=False), LinearRegression(fit_intercept=False)),
        (GDRegressor(l2=0.3), Ridge(alpha=0.3 * (S.sum() if weighted else N))),
        (GDRegressor(l1=0.4, l2=0.2), ElasticNet(alpha=0.4, l1_ratio=0.5, tol=1e-12)),
    ]:
        model = ours.fit(X, Y, s)
        theirs.fit(X, Y, s)
        np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-9)
        assert model.intercept_ == pytest.approx(theirs.intercept_, abs=1e-9)
        assert model.converged_
        assert model.score(X, Y) == pytest.approx(theirs.score(X, Y), abs=1e-9)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The x of every `gdfast.fit` to come."""
    came: list[Any] = []
    train = gdfast.fit

    def fit(x: Any, *rest: Any, **options: Any) -> gdfast.Fit:
        came.append(x)
        return train(x, *rest, **options)

    monkeypatch.setattr(gdfast, "fit", fit)
    return came


@pytest.mark.parametrize("order", ["C", "F"])
def test_x_is_read_once_and_not_copied(order: Any, dtype: np.dtype[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    came = watched(monkeypatch)
    x = np.asarray(X, dtype, order=order)
    model = GDRegressor().fit(x, Y)
    assert model.report_.passes == 1
    assert model.coef_.dtype == model.predict(x).dtype == dtype
    assert np.shares_memory(came[0], x)
    assert came[0].strides == x.strides


def test_tables_go_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    came = watched(monkeypatch)
    frame = pandas.DataFrame(X.astype(np.float32), columns=list("abcd"))
    model = GDRegressor().fit(frame, Y)
    assert came[0] is frame
    assert list(model.feature_names_in_) == list("abcd")
    assert model.coef_.dtype == np.float32
    with pytest.raises(ValueError, match="should match"):
        model.predict(frame[list("badc")])


def test_polars_and_arrow() -> None:
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    expected = GDRegressor().fit(X, Y).coef_
    for table in (
        polars.DataFrame({name: X[:, j] for j, name in enumerate("abcd")}),
        arrow.table({name: X[:, j] for j, name in enumerate("abcd")}),
    ):
        model = GDRegressor().fit(table, Y)
        np.testing.assert_allclose(model.coef_, expected, rtol=1e-12)
        np.testing.assert_allclose(model.predict(table), X @ expected + model.intercept_, rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["exact", "cg", "gd", "nesterov"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_told_from_the_result(bad: float, optimizer: str) -> None:
    x = X.copy()
    x[7, 2] = bad
    s = np.ones(N)
    s[7] = 0  # scikit-learn looks at rows that don't count as well
    model = GDRegressor(optimizer=optimizer)
    for weights in (None, s):
        with pytest.raises(ValueError, match=f"Input X contains {'NaN' if np.isnan(bad) else 'infinity'}"):
            model.fit(x, Y, weights)
    model.fit(X, Y)
    with pytest.raises(ValueError, match="Input X contains"):
        model.predict(x)
    with pytest.raises(ValueError, match="Input X contains"):
        clone(model).partial_fit(x, Y)


def test_numbers_too_large_to_square() -> None:
    with pytest.raises(gdfast.DivergenceError, match="scale columns to numbers nearer to 1"):
        GDRegressor().fit(X * 1e200, Y)
    with pytest.raises(ValueError, match="scale the largest columns down"):
        GDRegressor().partial_fit(X * 1e200, Y)


@pytest.mark.parametrize("options", [{}, {"l1": 0.3}, {"optimizer": "cg"}, {"fit_intercept": False, "l2": 0.1}])
def test_partial_fit_is_exact(options: dict[str, Any]) -> None:
    whole = GDRegressor(**options).fit(X, Y, S)
    parts = GDRegressor(**options)
    for rows in (slice(0, 3), slice(3, 100), slice(100, N)):
        assert parts.partial_fit(X[rows], Y[rows], S[rows]) is parts
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-9, atol=1e-12)
    assert parts.intercept_ == pytest.approx(whole.intercept_, rel=1e-9)
    assert parts.moments_.n == N
    again = pickle.loads(pickle.dumps(parts)).partial_fit(X, Y, S)
    np.testing.assert_allclose(again.coef_, whole.coef_, rtol=1e-9, atol=1e-12)


def test_partial_fit_keeps_what_it_has_when_nan_comes() -> None:
    model = GDRegressor().partial_fit(X, Y)
    before = model.coef_.copy()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.partial_fit(np.full((2, D), np.nan), [1.0, 2.0])
    assert model.moments_.n == N
    np.testing.assert_array_equal(model.coef_, before)


def test_partial_fit_and_fit() -> None:
    model = GDRegressor().partial_fit(X[:9], Y[:9]).fit(X, Y)
    assert not hasattr(model, "moments_")
    with pytest.warns(UserWarning, match="begins anew"):
        model.partial_fit(X[:50], Y[:50])
    np.testing.assert_allclose(model.coef_, GDRegressor().fit(X[:50], Y[:50]).coef_, rtol=1e-9)
    with pytest.raises(ValueError, match="batch_size=None"):
        GDRegressor(batch_size=4, learning_rate=0.1).partial_fit(X, Y)


def test_passes_that_were_too_few_are_told_in_our_words() -> None:
    with pytest.warns(ConvergenceWarning, match="max_iter=2 .*Write optimizer='cg'") as caught:
        model = GDRegressor(optimizer="gd", plan="stream", max_iter=2).fit(X, Y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert model.n_iter_ == 2
    with pytest.warns(ConvergenceWarning) as caught:  # of gdfast.fit's own defaults there is one as well
        GDRegressor(optimizer="gd", learning_rate=0.01, max_iter=100, tol=None).fit(X, Y)
    assert len(caught) == 1


def test_warm_start() -> None:
    first = GDRegressor(optimizer="gd", plan="stream", warm_start=True, tol=None, max_iter=5)
    with pytest.warns(ConvergenceWarning):
        first.fit(X, Y).fit(X, Y)
    with pytest.warns(ConvergenceWarning):
        twice = clone(first).set_params(max_iter=10).fit(X, Y)
    np.testing.assert_allclose(first.coef_, twice.coef_, rtol=1e-12)


def test_mini_batches_follow_the_random_state() -> None:
    def coef(random_state: Any) -> Any:
        model = GDRegressor(batch_size=32, learning_rate=0.05, tol=None, max_iter=3, random_state=random_state)
        with pytest.warns(ConvergenceWarning):
            return model.fit(X, Y).coef_

    fit = gdfast.fit(X, Y, batch_size=32, learning_rate=0.05, n_iters=3, rng=0, fit_intercept=True)
    np.testing.assert_array_equal(coef(0), fit.w)
    np.testing.assert_array_equal(coef(np.random.default_rng(0)), fit.w)
    np.testing.assert_array_equal(coef(np.random.RandomState(3)), coef(np.random.RandomState(3)))
    with pytest.raises(TypeError, match="write random_state=0"):
        GDRegressor(batch_size=32, learning_rate=0.05, random_state="zero").fit(X, Y)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iter": 0}, "max_iter is 0"),
        ({"max_iter": -3}, "max_iter is -3"),
        ({"optimizer": "sgd"}, "optimizer is 'sgd'"),
        ({"optimizer": "adam"}, "learning_rate='auto'.*write a number"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GDRegressor(**options).fit(X, Y)


def test_masks_and_columns_of_y() -> None:
    masked = np.ma.masked_array(X, X > 1)
    for arguments in ((masked, Y), (X, np.ma.masked_array(Y, Y > 1))):
        with pytest.raises(TypeError, match="mask would be ignored"):
            GDRegressor().fit(*arguments)
    with pytest.warns(DataConversionWarning):
        GDRegressor().fit(X, Y[:, None])


@pytest.mark.parametrize("dtype", ["float16", "int8", "longdouble", "bool"])
def test_other_dtypes(dtype: str) -> None:
    x = (4 * X).astype(dtype)
    expected = LinearRegression().fit(x.astype(float), Y)
    np.testing.assert_allclose(GDRegressor().fit(x, Y).coef_, expected.coef_, rtol=1e-8)


def test_pipelines_searches_and_routing() -> None:
    import sklearn

    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), GDRegressor())
    search = GridSearchCV(pipeline, {"gdregressor__l2": [10.0, 0.0, 1.0]}, cv=3).fit(frame, Y)
    assert search.best_params_ == {"gdregressor__l2": 0.0}
    assert list(search.best_estimator_[-1].feature_names_in_) == list("abcd")
    with sklearn.config_context(enable_metadata_routing=True):
        model = GDRegressor().set_fit_request(sample_weight=True)
        routed = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model).fit(X, Y, sample_weight=S)
    np.testing.assert_allclose(routed.predict(X), GDRegressor().fit(X, Y, S).predict(X), rtol=1e-9)


def test_it_is_shown_cloned_and_pickled() -> None:
    model = GDRegressor(l2=0.5).fit(X, Y)
    assert "GDRegressor" in model._repr_html_()
    assert clone(model).get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.report_ == model.report_


def test_gdfast_brings_no_scikit_learn(run_python: Callable[..., str]) -> None:
    assert run_python("import sys, gdfast; print('sklearn' in sys.modules)") == "False\n"
    code = """
import sys
sys.modules["sklearn"] = None
try:
    import gdfast.sklearn
except ImportError as error:
    print(error.name, "pip install" in str(error))
"""
    assert run_python(code) == "sklearn True\n"
