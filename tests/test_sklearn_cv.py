"""`gdfast.sklearn.GDRegressorCV`: scikit-learn's own checks, and scikit-learn's own estimators beside it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast

pytest.importorskip("sklearn", minversion="1.6")

import sklearn
from sklearn.base import clone
from sklearn.linear_model import ElasticNetCV, LassoCV, RidgeCV
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gdfast.sklearn import GDRegressor, GDRegressorCV

rng = np.random.default_rng(0)
N, D = 300, 6
X = rng.standard_normal((N, D)) * [1, 2, 0.5, 1, 3, 1] + 1
Y = X @ [1.0, 2.0, -3.0, 0.0, 0.0, 0.1] + 4.0 + rng.standard_normal(N)
S = rng.uniform(0.5, 2.0, N)
GROUPS = rng.integers(0, 30, N)


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        GDRegressorCV(),
        GDRegressorCV(l1_ratio=[0.5, 1.0], standardize=True),
        GDRegressorCV(l1_ratio=0.0, rule="1se"),
        GDRegressorCV(alphas=[0.1, 1.0], fit_intercept=False),
    ]
)
def test_scikit_learns_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cv", [None, 4, KFold(5, shuffle=True, random_state=0)], ids=["default", "4", "shuffled"])
def test_lasso(cv: Any, weighted: bool) -> None:
    s = S if weighted else None
    theirs = LassoCV(cv=cv, alphas=30, tol=1e-12, max_iter=100_000).fit(X, Y, s)
    model = GDRegressorCV(cv=cv, alphas=theirs.alphas_[::-1]).fit(X, Y, s)
    np.testing.assert_allclose(model.alphas_, theirs.alphas_, rtol=1e-12)
    np.testing.assert_allclose(model.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert model.alpha_ == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-6)
    assert model.intercept_ == pytest.approx(theirs.intercept_, abs=1e-6)
    assert model.converged_
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), atol=1e-5)
    found = GDRegressorCV(cv=cv, alphas=30).fit(X, Y, s)
    np.testing.assert_allclose(found.alphas_, theirs.alphas_, rtol=1e-9)


def test_elastic_net() -> None:
    theirs = ElasticNetCV(l1_ratio=[0.3, 0.9], alphas=20, tol=1e-12, max_iter=100_000).fit(X, Y)
    model = GDRegressorCV(l1_ratio=[0.3, 0.9], alphas=20).fit(X, Y)
    np.testing.assert_allclose(model.alphas_, theirs.alphas_, rtol=1e-9)
    np.testing.assert_allclose(model.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert model.alpha_ == pytest.approx(theirs.alpha_)
    assert model.l1_ratio_ == theirs.l1_ratio_
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-6)


def test_ridge() -> None:
    alphas = [0.1, 1.0, 10.0]
    theirs = RidgeCV(np.multiply(alphas, 240), cv=5, scoring="neg_mean_squared_error").fit(X, Y)  # trained on 240 rows
    model = GDRegressorCV(l1_ratio=0.0, alphas=alphas).fit(X, Y)
    assert model.alpha_ == theirs.alpha_ / 240
    assert model.mse_path_.mean(axis=1).min() == pytest.approx(-theirs.best_score_)


@pytest.mark.parametrize("order", ["C", "F"])
def test_x_is_read_once_and_not_copied(order: Any, dtype: np.dtype[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[Any] = []
    path = gdfast.path

    def watched(x: Any, *rest: Any, **options: Any) -> gdfast.Path:
        came.append(x)
        return path(x, *rest, **options)

    monkeypatch.setattr(gdfast, "path", watched)
    x = np.asarray(X, dtype, order=order)
    model = GDRegressorCV().fit(x, Y)
    assert model.report_.passes == 1
    assert model.coef_.dtype == model.predict(x).dtype == dtype
    assert np.shares_memory(came[0], x)
    assert came[0].strides == x.strides


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables(library: str, dtype: np.dtype[Any]) -> None:
    table = pytest.importorskip(library).DataFrame({name: X[:, j].astype(dtype) for j, name in enumerate("abcdef")})
    model = GDRegressorCV().fit(table, Y)
    assert list(model.feature_names_in_) == list(model.path_.feature_names or ()) == list("abcdef")
    assert model.coef_.dtype == dtype
    np.testing.assert_allclose(model.coef_, GDRegressorCV().fit(X, Y).coef_, rtol=1e-5, atol=1e-6)


def test_the_rule_and_the_path() -> None:
    sparing, best = GDRegressorCV(rule="1se").fit(X, Y), GDRegressorCV().fit(X, Y)
    assert sparing.alpha_ > best.alpha_
    place = best.path_.best
    np.testing.assert_allclose(best.path_.coefs[place], best.coef_, atol=1e-9)
    assert best.path_.penalties[place] == 2 * best.alpha_


def test_groups_are_routed() -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        model = GDRegressorCV(cv=GroupKFold(4)).set_fit_request(sample_weight=True)
        alone = clone(model).fit(X, Y, sample_weight=S, groups=GROUPS)
        scaler = StandardScaler(with_mean=False, with_std=False).set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, model).fit(X, Y, sample_weight=S, groups=GROUPS)
    expected = gdfast.path(X, Y, folds=GroupKFold(4), groups=GROUPS, sample_weight=S, standardize=False)
    np.testing.assert_array_equal(alone.mse_path_, np.asarray(expected.cv_loss))
    np.testing.assert_allclose(routed[-1].mse_path_, np.asarray(expected.cv_loss))
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        GDRegressorCV(cv=GroupKFold(4)).fit(X, Y, groups=GROUPS)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_what_is_not_finite_is_told_from_the_result(bad: float, weight: float) -> None:
    x, s = X.copy(), np.ones(N)
    x[7, 2], s[7] = bad, weight
    with pytest.raises(ValueError, match=f"Input X contains {'NaN' if np.isnan(bad) else 'infinity'}"):
        GDRegressorCV().fit(x, Y, s)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alphas": 0}, "alphas is 0, accepted"),
        ({"alphas": [1.0, -0.5]}, "alphas is .*, accepted"),
        ({"alphas": []}, "alphas is .*, accepted"),
        ({"cv": 1}, "cv is 1, accepted"),
        ({"cv": N + 1}, f"cv=301 folds are more than n_samples=300: write cv={N}"),
        ({"cv": ShuffleSplit(3, random_state=0)}, r"^cv: row \d+ is held out by splits 0 and 1 of .*ShuffleSplit"),
        ({"l1_ratio": 1.5}, "l1_ratio is 1.5"),
        ({"rule": "max"}, "rule is 'max'"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GDRegressorCV(**options).fit(X, Y)


def test_alphas_that_are_no_numbers() -> None:
    with pytest.raises(TypeError, match="alphas is 'all', accepted"):
        GDRegressorCV(alphas="all").fit(X, Y)


def test_it_is_searched_cloned_and_pickled() -> None:
    search = GridSearchCV(make_pipeline(StandardScaler(), GDRegressorCV()), {"gdregressorcv__rule": ["min", "1se"]})
    assert search.fit(X, Y).best_params_ == {"gdregressorcv__rule": "min"}
    model = GDRegressorCV(l1_ratio=[0.5, 1.0]).fit(X, Y)
    assert "GDRegressorCV" in model._repr_html_()
    assert clone(model).get_params() == model.get_params()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.path_.cv_loss, model.mse_path_)


class Exporter:
    """Memory with DLPack alone, on some device."""

    def __init__(self, array: Any, device: tuple[int, int] = (1, 0)) -> None:
        self.array, self.device = array, device

    def __dlpack__(self, **options: Any) -> Any:
        if self.device[0] != 1:
            raise BufferError("it is on another device")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device


@pytest.mark.parametrize("estimator", [GDRegressor(), GDRegressorCV()])
def test_what_exports_its_memory(estimator: Any) -> None:
    expected = clone(estimator).fit(X, Y, S)
    model = clone(estimator).fit(Exporter(X), Exporter(Y), Exporter(S))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(model.predict(Exporter(X)), expected.predict(X))
    with pytest.raises(TypeError, match=r"X .* can't be read .*write it as an array .* in the memory of the CPU"):
        model.fit(Exporter(X, (2, 0)), Y)
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X)
    np.testing.assert_array_equal(clone(estimator).fit(tensor, torch.tensor(Y), torch.tensor(S)).coef_, expected.coef_)
    with pytest.raises(TypeError, match=r"X .* is on the device 'meta'"):
        model.fit(tensor.to("meta"), Y)
