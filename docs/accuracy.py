"""The table of correct digits in docs/accuracy.md: `python docs/accuracy.py` writes it anew.

Needs scikit-learn and statsmodels beside gdfast: where one is missing, its column stays empty.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gdfast

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from nist import REGRESSIONS, Regression  # noqa: E402

TABLE = re.compile(r"(<!-- digits: begin -->\n).*?(<!-- digits: end -->)", re.DOTALL)


def of_gdfast(regression: Regression) -> float | None:
    """None where the report says that there is no unique solution."""
    x, y = regression.samples()
    fit = gdfast.fit(x, y, optimizer="exact", fit_intercept=regression.fit_intercept)
    if any("collinear to working precision" in str(advice) for advice in fit.report.advice):
        return None
    return regression.digits(np.append(fit.b, fit.w) if regression.fit_intercept else fit.w)


def of_lstsq(regression: Regression) -> float:
    _, y = regression.samples()
    return regression.digits(np.linalg.lstsq(regression.design(), y, rcond=None)[0])


def of_sklearn(regression: Regression) -> float:
    from sklearn.linear_model import LinearRegression

    x, y = regression.samples()
    model = LinearRegression(fit_intercept=regression.fit_intercept).fit(x, y)
    return regression.digits(np.append(model.intercept_, model.coef_) if regression.fit_intercept else model.coef_)


def of_statsmodels(regression: Regression) -> float:
    from statsmodels.api import OLS

    _, y = regression.samples()
    return regression.digits(OLS(y, regression.design()).fit().params)


COLUMNS: dict[str, Callable[[Regression], Any]] = {
    'gdfast, `optimizer="exact"`': of_gdfast,
    "`numpy.linalg.lstsq`": of_lstsq,
    "scikit-learn `LinearRegression`": of_sklearn,
    "statsmodels `OLS`": of_statsmodels,
}


def cell(digits: Callable[[Regression], Any], regression: Regression) -> str:
    try:
        found = digits(regression)
    except ImportError:
        return ""
    return "says collinear" if found is None else f"{found:.1f}"


def table() -> str:
    rows = ["| data | " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * len(COLUMNS)]
    for regression in REGRESSIONS:
        cells = [cell(digits, regression) for digits in COLUMNS.values()]
        rows.append(f"| {regression.name} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    page = DOCS / "accuracy.md"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of what this table shows
        written = TABLE.sub(lambda found: found[1] + table() + found[2], page.read_text(encoding="utf-8"))
    page.write_text(written, encoding="utf-8")
