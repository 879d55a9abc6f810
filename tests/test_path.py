"""`gdfast.path`: scikit-learn's coefficients and losses at every penalty and fold, from one read; what it refuses."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gdfast
import glmnet_example

linear_model = pytest.importorskip("sklearn.linear_model")
model_selection = pytest.importorskip("sklearn.model_selection")

Array = NDArray[Any]

N, D, K = 203, 12, 5
rng = np.random.default_rng(0)
X = rng.standard_normal((N, D)) @ (np.eye(D) + 0.3 * rng.standard_normal((D, D))) + rng.standard_normal(D)
Y = X @ np.where(np.arange(D) % 3 == 0, 1.5, 0.0) + 2 * rng.standard_normal(N) + 3
S = rng.uniform(0.2, 3.0, N)
FOLDS = rng.integers(0, K, N)


def cv_loss(path: gdfast.Path) -> Array:
    assert path.cv_loss is not None
    return path.cv_loss


def splits(ids: Array) -> list[tuple[Array, Array]]:
    return [(np.flatnonzero(ids != i), np.flatnonzero(ids == i)) for i in range(ids.max() + 1)]


def their_cv(ratio: float, cv: Any, s: Array | None, fit_intercept: bool = True) -> Any:
    kind, options = linear_model.ElasticNetCV, {"l1_ratio": ratio}
    if ratio == 1:
        kind, options = linear_model.LassoCV, {}
    model = kind(cv=cv, tol=1e-13, max_iter=1_000_000, fit_intercept=fit_intercept, **options)
    return model.fit(X, Y, sample_weight=s)


@pytest.mark.parametrize("ratio", [1.0, 0.9, 0.5, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("contiguous", [False, True])
def test_equals_scikit_learn_at_every_penalty_and_fold(ratio: float, weighted: bool, contiguous: bool) -> None:
    s = S if weighted else None
    cv = K if contiguous else splits(FOLDS)
    want = their_cv(ratio, cv, s)
    path = gdfast.path(X, Y, folds=K if contiguous else FOLDS, l1_ratio=ratio, sample_weight=s, standardize=False)
    np.testing.assert_allclose(path.penalties, 2 * want.alphas_, rtol=1e-12)
    np.testing.assert_allclose(cv_loss(path), want.mse_path_, rtol=1e-6)
    for i in (0, 20, 50, 99):
        model = linear_model.ElasticNet(alpha=want.alphas_[i], l1_ratio=ratio, tol=1e-14, max_iter=1_000_000)
        model.fit(X, Y, sample_weight=s)
        np.testing.assert_allclose(path.coefs[i], model.coef_, atol=1e-6)
        assert path.intercepts[i] == pytest.approx(model.intercept_, abs=1e-6)
        assert path.df[i] == np.count_nonzero(model.coef_)
    assert path.report.passes == 1
    assert path.gaps.max() <= 1e-12


def test_equals_scikit_learn_without_an_intercept() -> None:
    want = their_cv(0.5, splits(FOLDS), None, fit_intercept=False)
    path = gdfast.path(X, Y, folds=FOLDS, l1_ratio=0.5, standardize=False, fit_intercept=False)
    np.testing.assert_allclose(cv_loss(path), want.mse_path_, rtol=1e-6)
    assert not path.intercepts.any()


@pytest.mark.parametrize("weighted", [False, True])
def test_equals_ridge_at_every_penalty_and_fold(weighted: bool) -> None:
    """Its alpha is of a sum of squares: λ·Σs/2 of the rows trained on."""
    s = S if weighted else np.ones(N)
    penalties = np.geomspace(100, 1e-5, 20)
    path = gdfast.path(X, Y, folds=FOLDS, l1_ratio=0, penalties=penalties, sample_weight=s, standardize=False)
    for i, penalty in enumerate(penalties):
        for fold, (train, test) in enumerate(splits(FOLDS)):
            model = linear_model.Ridge(alpha=penalty / 2 * s[train].sum()).fit(X[train], Y[train], s[train])
            loss = np.average((model.predict(X[test]) - Y[test]) ** 2, weights=s[test])
            assert cv_loss(path)[i, fold] == pytest.approx(loss, rel=1e-9)
        model = linear_model.Ridge(alpha=penalty / 2 * s.sum()).fit(X, Y, s)
        np.testing.assert_allclose(path.coefs[i], model.coef_, atol=1e-9)
        z = (X - np.average(X, axis=0, weights=s)) * np.sqrt(s / s.sum())[:, np.newaxis]
        values = np.linalg.eigvalsh(z.T @ z)
        assert path.df[i] == pytest.approx(np.sum(values / (values + penalty / 2)), rel=1e-8)


def test_equals_ridge_cv_at_every_penalty_and_fold() -> None:
    """A fold at a time: what it chooses by is the mean of all, and its alpha is of the rows trained on."""
    penalties = np.geomspace(100, 1e-4, 12)
    path = gdfast.path(X, Y, folds=FOLDS, l1_ratio=0, penalties=penalties, standardize=False)
    for i, penalty in enumerate(penalties):
        for fold, (train, test) in enumerate(splits(FOLDS)):
            model = linear_model.RidgeCV(
                alphas=[penalty / 2 * len(train)], cv=[(train, test)], scoring="neg_mean_squared_error"
            )
            assert cv_loss(path)[i, fold] == pytest.approx(-model.fit(X, Y).best_score_, rel=1e-9)


def test_ridge_cv_chooses_the_same_penalty() -> None:
    n, k = 200, 5  # training sets of one size, so that one alpha is one penalty
    alphas = np.geomspace(1, 1e4, 30)
    model = linear_model.RidgeCV(alphas=alphas, cv=k, scoring="neg_mean_squared_error").fit(X[:n], Y[:n])
    penalties = 2 * alphas / (n - n // k)
    path = gdfast.path(X[:n], Y[:n], folds=k, l1_ratio=0, penalties=penalties, standardize=False)
    assert path.cv_mean is not None
    assert path.table.best is not None
    assert alphas[path.table.best[1]] == model.alpha_
    assert path.cv_mean[path.table.best[1]] == pytest.approx(-model.best_score_, rel=1e-9)


@pytest.mark.parametrize("penalty", glmnet_example.COEFS)
def test_what_glmnet_prints(penalty: float) -> None:
    """Its descent stops at 1e-7 of the objective at 0, so its coefficients are off in their third digit."""
    x, y = np.array(glmnet_example.X), np.array(glmnet_example.HP)
    path = gdfast.path(x, y, penalties=[2 * penalty])
    intercept, *theirs = glmnet_example.COEFS[penalty]

    def objective(b: float, w: Any) -> float:
        return float(np.mean((x @ w + b - y) ** 2) + 2 * penalty * np.abs(w * x.std(axis=0)).sum())

    ours = objective(path.intercepts[0], path.coefs[0])
    assert 0 <= objective(intercept, theirs) - ours <= 3e-7 * y.var()
    np.testing.assert_allclose(path.coefs[0], theirs, rtol=5e-3)
    assert path.intercepts[0] == pytest.approx(intercept, rel=6e-4)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("intercept", [False, True])
def test_is_the_fit_of_each_penalty(ratio: float, intercept: bool) -> None:
    """Standardised by each training set's own rows; also with a penalty of 0, and columns of other scales."""
    x = X * np.geomspace(1e-3, 1e4, D) + (1e5 if intercept else 0)
    penalties = [2.0, 0.3, 0.01, 0.0]
    path = gdfast.path(x, Y, folds=FOLDS, penalties=penalties, l1_ratio=ratio, fit_intercept=intercept)
    options: dict[str, Any] = {"optimizer": "exact", "standardize": True, "fit_intercept": intercept}
    for i, penalty in enumerate(penalties):
        penalty_of: dict[str, Any] = {"l1": penalty * ratio, "l2": penalty * (1 - ratio) / 2}
        fit = gdfast.fit(x, Y, **options, **penalty_of)
        np.testing.assert_allclose(path.coefs[i] * x.std(axis=0), fit.w * x.std(axis=0), atol=1e-6)
        for fold, (train, test) in enumerate(splits(FOLDS)):
            part = gdfast.fit(x[train], Y[train], **options, **penalty_of)
            loss, _ = gdfast.loss_and_gradient(x[test], Y[test], part.w, part.b)
            assert cv_loss(path)[i, fold] == pytest.approx(loss, rel=1e-6)


def test_the_rules_and_the_fit() -> None:
    """As glmnet has them: means by the folds' weights, and the largest penalty within one standard error."""
    path = gdfast.path(X, Y, folds=FOLDS, l1_ratio=[0.2, 1.0])
    loss, sizes = cv_loss(path), np.bincount(FOLDS)
    assert path.cv_mean is not None
    assert path.cv_se is not None
    mean = np.average(loss, axis=-1, weights=sizes)
    se = np.sqrt(np.average((loss - mean[..., np.newaxis]) ** 2, axis=-1, weights=sizes) / (K - 1))
    np.testing.assert_allclose(path.cv_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(path.cv_se, se, rtol=1e-10)
    best = path.table.best
    assert path.best == best == tuple(map(int, np.unravel_index(np.argmin(mean), mean.shape)))
    assert path.table.best_1se is not None
    ratio, sparing = path.table.best_1se
    assert ratio == best[0]
    limit = mean[best] + se[best]
    assert mean[ratio, sparing] <= limit < mean[ratio, sparing - 1]
    np.testing.assert_allclose(path.fit.w, path.coefs[best], atol=1e-7)
    again = gdfast.path(X, Y, folds=FOLDS, l1_ratio=[0.2, 1.0], rule="1se")
    np.testing.assert_allclose(again.fit.w, again.coefs[ratio, sparing], atol=1e-7)
    assert again.fit.converged
    assert "chosen" in repr(path)


def test_equal_bits_for_any_number_of_threads() -> None:
    found = []
    for k in (1, 2, 7):
        gdfast.set_num_threads(k)
        for ratio in (0.0, 0.5, 1.0):
            path = gdfast.path(X, Y, folds=FOLDS, l1_ratio=ratio)
            found.append((ratio, path.coefs.tobytes(), cv_loss(path).tobytes()))
    assert len(set(found)) == 3


def test_columns_constant_or_alike_within_a_training_set() -> None:
    """Column 0 varies in fold 2 alone, and column 2 differs from column 1 there alone."""
    x = X.copy()
    x[FOLDS != 2, 0] = 7.0
    x[FOLDS != 2, 2] = x[FOLDS != 2, 1]
    for ratio in (0.0, 0.5, 1.0):
        path = gdfast.path(x, Y, folds=FOLDS, l1_ratio=ratio, penalties=[1.0, 0.1, 0.01])
        train, test = splits(FOLDS)[2]
        for i, penalty in enumerate(path.penalties):
            fit = gdfast.fit(
                x[train], Y[train], optimizer="exact", standardize=True, fit_intercept=True,
                l1=penalty * ratio, l2=penalty * (1 - ratio) / 2,
            )  # fmt: skip
            assert fit.w[0] == 0
            if ratio < 1:  # else any share of the two will do, and rows of fold 2 tell them apart
                loss, _ = gdfast.loss_and_gradient(x[test], Y[test], fit.w, fit.b)
                assert cv_loss(path)[i, 2] == pytest.approx(loss, rel=1e-6)
            assert np.isfinite(cv_loss(path)).all()


def test_offsets_cost_nothing() -> None:
    far = gdfast.path(X + 2.0**30, Y, folds=FOLDS)
    near = gdfast.path((X + 2.0**30) - 2.0**30, Y, folds=FOLDS)
    np.testing.assert_allclose(far.coefs, near.coefs, atol=1e-7)
    # An intercept of 10¹⁰ has six digits behind its point.
    np.testing.assert_allclose(cv_loss(far), cv_loss(near), rtol=1e-6)


def test_more_columns_than_rows_and_wide_steps() -> None:
    x = np.random.default_rng(3).standard_normal((40, 90))
    y = x[:, :5].sum(axis=1) + 0.1 * x[:, 6]
    want = linear_model.LassoCV(cv=4, tol=1e-12, max_iter=1_000_000, alphas=12).fit(x, y)
    path = gdfast.path(x, y, folds=4, n_penalties=12, standardize=False)
    np.testing.assert_allclose(cv_loss(path), want.mse_path_, rtol=1e-5, atol=1e-9)


def test_many_columns_at_work_that_come_in_and_leave() -> None:
    """Several blocks of columns, a stride of 4 KiB at 512, and coefficients that come to 0 again."""
    rng = np.random.default_rng(5)
    for n, d in ((300, 70), (700, 512)):
        common = rng.standard_normal((n, 5)) @ rng.standard_normal((5, d))
        x = common + rng.standard_normal((n, d))
        y = x[:, ::7].sum(axis=1) + 3 * rng.standard_normal(n)
        path = gdfast.path(x, y, l1_ratio=0.9, n_penalties=25, eps=0.01, standardize=False)
        left = (path.coefs[:-1] != 0) & (path.coefs[1:] == 0)
        assert left.any()
        assert path.gaps.max() <= 1e-12
        for i in (8, 24):
            model = linear_model.ElasticNet(alpha=path.penalties[i] / 2, l1_ratio=0.9, tol=1e-13, max_iter=1_000_000)
            np.testing.assert_allclose(path.coefs[i], model.fit(x, y).coef_, atol=1e-6)


def test_columns_nearly_alike_and_more_than_rows() -> None:
    """Sweeps alone take for ever: linear systems, singular ones among them, show the way."""
    rng = np.random.default_rng(0)
    alike = rng.standard_normal((300, 1)) + 0.01 * rng.standard_normal((300, 80))
    wide = rng.standard_normal((60, 300))
    for x in (alike, wide):
        y = rng.standard_normal(len(x))
        path = gdfast.path(x, y, folds=5, standardize=False)
        assert path.gaps.max() <= 1e-9
        for fold in (0, 3):
            train = np.arange(len(x)) * 5 // len(x) != fold
            alone = gdfast.path(x[train], y[train], penalties=path.penalties, standardize=False)
            assert alone.gaps.max() <= 1e-9
            loss = np.mean((x[~train] @ alone.coefs.T + alone.intercepts - y[~train, np.newaxis]) ** 2, axis=0)
            np.testing.assert_allclose(cv_loss(path)[:, fold], loss, rtol=1e-4)


def test_penalties_in_any_order_and_nearly_alike() -> None:
    penalties = [0.5, 0.02, 3.0, 3.0, 3.0 * (1 + 1e-15), 0.02, 1e-4, 9.0, 0.5]
    path = gdfast.path(X, Y, penalties=penalties, l1_ratio=0.8)
    for i, penalty in enumerate(penalties):
        alone = gdfast.path(X, Y, penalties=[penalty], l1_ratio=0.8)
        np.testing.assert_allclose(path.coefs[i], alone.coefs[0], atol=1e-7)


def test_kinds_of_data(dtype: np.dtype[Any]) -> None:
    pd = pytest.importorskip("pandas")
    x, y = X.astype(dtype), Y.astype(dtype)
    want = gdfast.path(x, y, folds=FOLDS)
    frame = pd.DataFrame(x, columns=[f"c{j}" for j in range(D)])
    for data in (np.asfortranarray(x), x[:, ::-1][:, ::-1], frame):
        got = gdfast.path(data, y, folds=FOLDS)
        np.testing.assert_allclose(got.coefs, want.coefs, atol=1e-9)
    assert got.names[:2] == ("c0", "c1")
    np.testing.assert_allclose(got.fit.predict(frame[frame.columns[::-1]]), want.fit.predict(x), rtol=1e-4)
    one = gdfast.path(x[:, 0], y, folds=FOLDS)
    assert one.coefs.shape == (100, 1)
    assert pickle.loads(pickle.dumps(one.table)).best == one.table.best


def test_a_path_alone_chooses_nothing() -> None:
    path = gdfast.path(X, Y)
    assert [path.cv_loss, path.cv_mean, path.cv_se, path.best, path.best_1se] == [None] * 5
    np.testing.assert_allclose(path.coefs, gdfast.path(X, Y, folds=FOLDS).coefs, atol=1e-10)
    with pytest.raises(ValueError, match=re.escape("write gdfast.path(x, y, folds=5)")):
        path.fit  # noqa: B018  # a property that says why there is none


def test_constant_targets_have_a_path_of_nothing() -> None:
    path = gdfast.path(X, np.full(N, 4.0), folds=3)
    assert not path.coefs.any()
    np.testing.assert_allclose(path.intercepts, 4)
    np.testing.assert_allclose(cv_loss(path), 0, atol=1e-20)


def test_plot() -> None:
    pytest.importorskip("matplotlib")
    path = gdfast.path(X, Y, folds=FOLDS, l1_ratio=[0.5, 1.0])
    figure = path.plot()
    coefficients, losses = figure.axes
    assert len(coefficients.lines) >= D
    assert {line.get_label() for line in losses.lines} >= {"least loss"}
    assert len(gdfast.path(X, Y).plot().axes) == 1
    with pytest.raises(ValueError, match=re.escape("accepted are 0.5, 1.0")):
        path.plot(0.7)
