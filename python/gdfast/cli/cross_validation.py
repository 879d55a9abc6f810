"""``gdfast fit --folds 5``: the penalty that cross-validation chooses, and the model of all rows with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gdfast
from gdfast.cli.console import fail
from gdfast.cli.data import Chosen, Samples
from gdfast.cli.messages import Words
from gdfast.cli.printed import Trained, of_rows
from gdfast.cli.tables import Columns


def cross_validated(
    path: Path,
    chosen: Chosen,
    train: Samples,
    held_out: Samples | None,
    options: dict[str, Any],
    path_options: dict[str, Any],
) -> tuple[Trained, gdfast.Path]:
    """The model, with its penalties among the options, and the path it was chosen from."""
    rows_held_out = None if held_out is None else held_out.in_file
    words = Words(chosen.names, chosen.target, chosen.weights, train.in_file, rows_held_out)
    try:
        validated = gdfast.path(
            Columns(train.x, words.columns),
            train.y,
            sample_weight=train.sample_weight,
            fit_intercept=options["fit_intercept"],
            standardize=options["standardize"],
            rng=options["rng"],
            **path_options,
        )
        fit = validated.fit
    except (ValueError, TypeError) as error:
        raise fail(words.said(error)) from None
    penalties = {"optimizer": "exact", "l1": fit.basis.l1, "l2": fit.basis.l2}
    return of_rows(path, chosen, train, held_out, options | penalties, words, fit), validated


def chosen_by(validated: gdfast.Path) -> str:
    """Which penalty, and how it does on rows held out."""
    table = validated.table
    place = table.best if validated.rule == "min" else table.best_1se
    assert place is not None
    count, folds = table.cv_loss.shape[1:]
    rule = "the least" if validated.rule == "min" else "within one standard error of the least"
    return (
        f"penalty {table.penalties[place]:.6g} of {count:,} (l1 ratio {validated.l1_ratio[place[0]]:g}), chosen by "
        f"{folds:,} folds from {validated.report.passes:g} read: loss {table.cv_mean[place]:.6g} ± "
        f"{table.cv_se[place]:.2g} on rows held out, {rule}"
    )
