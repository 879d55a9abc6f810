"""`Fit.summary` in words: what is printed, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pytest

import gdfast
from summaries import CLUSTERS, Array, D, N, S, X, Y, exact

pytest.importorskip("scipy")


# --- shown ------------------------------------------------------------------------------------------------------------


def test_names_of_a_table_and_what_is_printed() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["age", "<b>", "rooms", "area"])
    fit = exact(frame)
    summary = fit.summary()
    assert summary.names == ("age", "<b>", "rooms", "area", "intercept")
    text = str(summary)
    rows = [line.split() for line in text.splitlines()]
    assert next(row for row in rows if row and row[0] == "rooms")[1] == f"{fit.w[2]:.6g}"
    assert "R²" in text
    shown = summary._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert f"{summary.std_errors[0]:.6g}" in shown
    turned = fit.summary(frame[["area", "rooms", "age", "<b>"]], Y, vcov="HC0")
    np.testing.assert_array_equal(turned.std_errors, fit.summary(frame, Y, vcov="HC0").std_errors)
    assert repr(summary).startswith("<gdfast.Summary: 5 coefficients, vcov='iid', n=120")


def test_a_dictionary_of_it_is_json() -> None:
    content = json.loads(json.dumps(exact().summary(X, Y, vcov={"cluster": CLUSTERS}).to_dict()))
    assert content["vcov"] == "cluster"
    assert content["n_clusters"] == 17
    assert len(content["conf_int"]) == D + 1


def test_level_is_that_of_the_intervals() -> None:
    stats = pytest.importorskip("scipy.stats")
    summary = exact().summary(level=0.9)
    wide = stats.t.ppf(0.95, N - D - 1) * summary.std_errors
    np.testing.assert_allclose(
        summary.conf_int, np.column_stack([summary.coefs - wide, summary.coefs + wide]), rtol=1e-12
    )
    assert "[0.05" in str(summary)


# --- what it refuses --------------------------------------------------------------------------------------------------


def twice() -> Array:
    return np.column_stack([X, X[:, 0] - X[:, 2]])


REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: exact(l2=0.1).summary(), ValueError, "and this one has l2=0.1: fit again with l2=0"),
    (lambda: exact(l1=0.1).summary(X, Y), ValueError, "l1=0.1"),
    (
        lambda: gdfast.fit(X, Y, n_iters=3, learning_rate="auto", plan="moments").summary(),
        ValueError,
        "not at the optimum",
    ),
    (lambda: gdfast.fit(X, Y, n_iters=3, learning_rate="auto").summary(X, Y), ValueError, "optimizer='exact'"),
    (lambda: gdfast.fit(X, Y, optimizer="cg", plan="stream").summary(), ValueError, "write fit.summary(x, y)"),
    (lambda: exact().summary(vcov="HC0"), ValueError, "vcov='HC0' needs the residual of each row"),
    (lambda: exact().summary(vcov={"cluster": CLUSTERS}), ValueError, "write fit.summary(x, y, vcov=…)"),
    (lambda: exact().summary(y=Y), ValueError, "go with x"),
    (lambda: exact().summary(X[:50], Y[:50]), ValueError, "x has 50 rows, and the fit was of 120"),
    (lambda: exact().summary(X[:, :2], Y), ValueError, "accepted is x of shape (n, 4)"),
    (lambda: exact().summary(X, Y[:5]), ValueError, "y has shape (5,)"),
    (lambda: exact().summary(X, Y[::-1]), ValueError, "not those of the fit"),
    (lambda: exact().summary(X, Y, sample_weight=S), ValueError, "the fit had none"),
    (lambda: exact(sample_weight=S).summary(X, Y), ValueError, "hand it over as well"),
    (lambda: exact().summary(X, Y, vcov="HC3"), ValueError, "vcov is 'HC3', accepted are 'iid', 'HC0', 'HC1'"),
    (lambda: exact().summary(X, Y, vcov=3), TypeError, "vcov is of type int"),  # type: ignore[arg-type]
    (lambda: exact().summary(X, Y, vcov={"group": S}), ValueError, "has the keys ['group']"),
    (lambda: exact().summary(X, Y, vcov={"cluster": S[:9]}), ValueError, "vcov['cluster'] has shape (9,)"),
    (lambda: exact().summary(X, Y, vcov={"cluster": np.zeros(N)}), ValueError, "has one cluster"),
    (lambda: exact().summary(X, Y, vcov={"cluster": [np.nan, *S[1:]]}), ValueError, "vcov['cluster'][0] is missing"),
    (lambda: exact().summary(X, Y, vcov={"cluster": [None, *S[1:]]}), TypeError, "types that have no order"),
    (lambda: exact().summary(weights="sampling"), ValueError, "accepted are 'analytic', 'frequency'"),
    (lambda: exact().summary(level=95), ValueError, "level is 95"),
    (lambda: exact().summary(level=0), ValueError, "level is 0"),
    (lambda: exact(X[:5], Y[:5]).summary(), ValueError, "more rows than coefficients"),
    (lambda: exact(twice()).summary(), ValueError, "x[:, 0], x[:, 2], x[:, 4] depend on one another"),
    (lambda: exact(np.column_stack([X, np.ones(N)])).summary(), ValueError, "x[:, 4] is the same in all rows"),
    (lambda: exact(X * [1, 1, 0, 1], fit_intercept=False).summary(), ValueError, "x[:, 2] is 0 in all rows"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_what_it_refuses_and_why(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


WITHOUT = """
import sys
sys.modules["scipy"] = None
import gdfast
try:
    gdfast.fit([1.0, 2.0, 3.0], [1.0, 2.0, 2.0], optimizer="exact").summary()
except ImportError as error:
    print(error.name, error)
"""


def test_without_scipy(run_python: Callable[..., str]) -> None:
    assert run_python(WITHOUT) == "scipy p-values are SciPy's, which is not installed: pip install 'gdfast[stats]'\n"


def test_an_optimum_that_is_far_in_standard_errors_is_none() -> None:
    """The gap, a share of the objective at w = 0, is small; the residuals are smaller."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2)) @ [[1, 0.98], [0, 0.2]]
    y = x @ [100.0, -50.0] + 0.05 * rng.standard_normal(50)
    fit = gdfast.fit(
        x, y, fit_intercept=True, optimizer="gd", learning_rate="auto", n_iters=600, plan="moments", tol=None
    )
    exact = gdfast.fit(x, y, fit_intercept=True, optimizer="exact")
    table = exact.summary()
    assert fit.converged
    assert np.abs(fit.w - exact.w).max() > table.std_errors[:2].min()
    for data in ((), (x, y)):
        with pytest.raises(ValueError, match=re.escape("fit again with optimizer='exact'")):
            fit.summary(*data)
