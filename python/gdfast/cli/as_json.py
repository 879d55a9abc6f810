"""What the commands print with ``--json``: one object, numbers with all digits, null where there is none."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import typer

import gdfast
from gdfast.cli.printed import Trained


def show(found: dict[str, Any]) -> None:
    """Print it."""
    typer.echo(json.dumps(plain(found), indent=2, allow_nan=False))


def plain(value: Any) -> Any:
    """`value` in what JSON has; NaN and infinity, which it hasn't, as None.

    Examples
    --------
    >>> import numpy as np
    >>> from gdfast.cli.as_json import plain
    >>> plain({"gap": np.float64("nan"), "w": np.array([1.0, 2.0])})
    {'gap': None, 'w': [1.0, 2.0]}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def of_fit(trained: Trained, origin: dict[str, Any], validated: gdfast.Path | None) -> dict[str, Any]:
    """A model, and how it came about; `origin` is what model files say of that."""
    fit = trained.fit
    report = dataclasses.asdict(fit.report) | {"advice": list(map(trained.words.said, fit.report.advice))}
    found = {
        "source": trained.source,
        "target": trained.target,
        "coefficients": dict(zip(trained.names, np.atleast_1d(fit.w).tolist(), strict=True)),
        "intercept": fit.b,
        "converged": fit.converged,
        **origin,
        "rows_held_out": trained.rows_held_out,
        "rows_left_out": trained.dropped,
        "report": report,
    }
    return found if validated is None else found | {"path": _of_path(validated)}


def _of_path(validated: gdfast.Path) -> dict[str, Any]:
    table = validated.table
    return {
        "l1_ratio": validated.l1_ratio,
        "penalties": validated.penalties,
        "cv_mean": validated.cv_mean,
        "cv_se": validated.cv_se,
        "best": table.best,
        "best_1se": table.best_1se,
        "rule": validated.rule,
    }


def of_file(path: Path) -> dict[str, Any]:
    """The object that a command has written to a file."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
