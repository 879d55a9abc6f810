"""Commands on several files, or a pattern of names: read piece by piece, so that they needn't fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import gdfast
from gdfast._scan import sums
from gdfast._scan.finite import first_not_finite
from gdfast._scan.pieces import Piece
from gdfast._scan.sums import Passes
from gdfast.cli import moments as moments_command
from gdfast.cli import optimizer, shell
from gdfast.cli.console import fail, note
from gdfast.cli.data import Data
from gdfast.cli.fit import fitted
from gdfast.cli.hand_out import Outputs, check, check_output, hand_out
from gdfast.cli.printed import Trained
from gdfast.cli.scanned_data import Chosen, chosen
from gdfast.cli.score import Score
from gdfast.cli.training_options import Training
from gdfast.descent import Gram
from gdfast.objective import FromMoments


def moments(paths: Sequence[Path], data: Data, output: Path, *, json: bool = False) -> None:
    """Read the files once, and write their moments."""
    check_output(output, "--output", (moments_command.SUFFIX,))
    found = chosen(paths, data)
    try:
        summed = gdfast.Moments(len(found.names)).update(found.scan, found.target, found.weights)
    except (ValueError, TypeError) as error:
        raise fail(found.words.said(error)) from None
    if not np.isfinite(summed.gram).all():
        at = first_not_finite(Passes.over(found.scan, found.target, found.weights), lambda j: repr(found.names[j]))
        if at is not None:
            raise fail(at)
    moments_command.write_file(summed, output, json=json)


def fit(paths: Sequence[Path], data: Data, outputs: Outputs, training: Training) -> None:
    """Train on the files, write what was asked for, and print the model and how it came about."""
    options = training.options | {"rng": training.seed, "progress": False}
    check(outputs, options)
    found = chosen(paths, data)
    if training.held_out is not None:
        raise fail(_instead_of_validation(paths[0], [file.path for file in found.files]))
    validated: gdfast.Path | None = None
    if training.path is not None:
        validated, model = _cross_validated(found, options, training.path)
        options |= {"optimizer": "exact", "l1": model.basis.l1, "l2": model.basis.l2}
        gram: Gram | None = validated.all_rows.gram
    else:
        options |= {"optimizer": optimizer.chosen(options, len(found.names), found.file_bytes)}
        model = fitted(
            found.words, lambda: gdfast.fit(found.scan, found.target, sample_weight=found.weights, **options)
        )
        gram = model.basis.gram
    rows = model.basis.n
    trained = Trained(
        source=found.source,
        names=found.names,
        target=found.target,
        rows=rows,
        dtype=model.w.dtype.name,
        options=options,
        words=found.words,
        fit=model,
        score=fitted_score(found, model, gram),
        dropped=found.dropped(rows),
        data=found,
    )
    hand_out(trained, outputs, validated)


def _instead_of_validation(given: Path, files: Sequence[Path]) -> str:
    """What to do where no rows can be held out, for they aren't there at once."""
    if len(files) > 1:
        folds = min(5, len(files))  # each file is a piece at least
        return f"--validation is for one file: of several, fit some and `gdfast predict` the others, or --folds {folds}"
    (file,) = files
    if file != given:
        return f"--validation is for a file that is named, and {given} is a pattern: write {shell.quoted(str(file))}"
    return f"--validation is for CSV, Parquet and .npy files, and {file} is read in pieces: --folds 5 holds out rows"


def _cross_validated(
    found: Chosen, options: dict[str, Any], path_options: dict[str, Any]
) -> tuple[gdfast.Path, gdfast.Fit]:
    """Folds are of shuffled rows where the files say how many there are, else of pieces."""
    try:
        validated = gdfast.path(
            found.scan,
            found.target,
            sample_weight=found.weights,
            fit_intercept=options["fit_intercept"],
            standardize=options["standardize"],
            rng=None if Passes.over(found.scan, found.target).rows is None else options["rng"],
            **path_options,
        )
        return validated, validated.fit
    except (ValueError, TypeError) as error:
        raise fail(found.words.said(error)) from None


def fitted_score(found: Chosen, fit: gdfast.Fit, gram: Gram | None) -> Score:
    """Loss and R², from moments where the fit has kept them; else in a pass of its own."""
    if gram is None:
        note("one more read for the loss without penalties, and R²")
        passes = Passes.over(found.scan, found.target, found.weights)
        try:
            gram = sums.moments(_Predicted(passes, fit)).gram
        except (ValueError, TypeError) as error:
            raise fail(found.words.said(error)) from None
        w, b = np.ones(1), None
    else:
        w, b = np.atleast_1d(fit.w), fit.b
    loss = FromMoments(gram, "mean").evaluate(w, b)[0]
    variance = float(gdfast.optimum.centred(gram)[-1, -1] / gram.matrix[-2, -2])
    return Score(loss, 1 - loss / variance if variance > 0 else None)


class _Predicted:
    """The rows with the model's values as their only column."""

    def __init__(self, passes: Passes, fit: gdfast.Fit) -> None:
        self.passes, self.w, self.b = passes, np.atleast_1d(fit.w), fit.b

    def reduce(self, part: Any, add: Any) -> Any:
        """See `Passes.reduce`."""

        def of_values(piece: Piece) -> Any:
            return part(piece._replace(x=gdfast.forward(piece.x, self.w, self.b).reshape(-1, 1)))

        return self.passes.reduce(of_values, add)
