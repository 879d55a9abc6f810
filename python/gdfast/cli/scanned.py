"""Commands on several files, or a pattern of names: read piece by piece, so that they needn't fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gdfast
from gdfast._scan import sums
from gdfast._scan.pieces import Piece
from gdfast._scan.sources.files import FileSource
from gdfast._scan.sums import Passes
from gdfast.cli import moments as moments_command
from gdfast.cli import names as columns_of
from gdfast.cli import optimizer, shell
from gdfast.cli.arrow import INDEX
from gdfast.cli.console import fail, note
from gdfast.cli.csv_table import PLAIN, CsvOptions
from gdfast.cli.data import Data, features_of, target_of
from gdfast.cli.fit import fitted
from gdfast.cli.hand_out import Outputs, check, check_output, hand_out
from gdfast.cli.messages import Words
from gdfast.cli.printed import Trained
from gdfast.cli.score import Score
from gdfast.cli.tables import TableError, listed
from gdfast.cli.training_options import Training
from gdfast.descent import Gram
from gdfast.objective import FromMoments


@dataclass(frozen=True)
class Named:
    """The columns of files that are one table."""

    path: Path
    names: tuple[str, ...]

    @property
    def index(self) -> str | None:
        return INDEX if INDEX in self.names else None


@dataclass(frozen=True)
class Chosen:
    """A scan, and what its columns are to be."""

    scan: gdfast.Scan
    source: str
    names: Sequence[str]
    target: str
    weights: str | None
    cluster: str | None
    file_bytes: int
    rows: int | None  # where the files say it

    @property
    def words(self) -> Words:
        return Words(self.names, self.target, self.weights, np.empty(0), None)

    def again(self, columns: Sequence[str], vcov: str) -> tuple[tuple[Any, ...], Any, Any]:
        """See `Samples.again`."""
        return (self.scan, self.target), self.weights, {"cluster": self.cluster} if vcov == "cluster" else vcov


def scan_of(paths: Sequence[Path], csv: CsvOptions, missing: str) -> gdfast.Scan:
    """The scan of these files; or fail with why there is none."""
    if csv != PLAIN:
        raise fail("options about CSV files are for one of them: several have to be UTF-8, with commas and a header")
    source = [str(path) for path in paths]
    try:
        scan = gdfast.scan(source, missing="error" if missing == "nan" else missing, progress=True)
    except (ValueError, TypeError) as error:
        raise fail(str(error)) from None
    if missing == "nan":
        scan._missing = "nan"
    scan._nan_is_missing = missing == "drop"
    return scan


def chosen(paths: Sequence[Path], data: Data) -> Chosen:
    """What `data` says of these files; or fail with why there is no such thing."""
    if data.dtype is not None:
        raise fail("--dtype is for one file: of several the columns say it, float32 where all are")
    scan = scan_of(paths, data.csv, "drop" if data.drop_missing else "error")
    source = scan._opened
    table: Any = Named(paths[0], source.names)
    notes: list[str] = []
    try:
        target = columns_of.one(table, target_of(table, data), "--target")
        weights = None if data.weights is None else columns_of.one(table, data.weights, "--weights")
        cluster = None if data.cluster is None else columns_of.one(table, data.cluster, "--cluster")
        names = features_of(table, data, [name for name in (target, weights, cluster) if name is not None], notes)
    except TableError as error:
        raise fail(str(error)) from None
    for message in notes:
        note(message)
    _refuse_no_numbers(table, source, target, names)
    files = source.files
    counts = [file.rows if isinstance(source, FileSource) else file.n for file in files]
    return Chosen(
        scan=scan.with_columns(names),
        source=str(files[0].path) if len(files) == 1 else f"{len(files):,} files, {files[0].path} to {files[-1].path}",
        names=names,
        target=target,
        weights=weights,
        cluster=cluster,
        file_bytes=sum(file.stamp.size for file in files),
        rows=None if None in counts else sum(counts),
    )


def _refuse_no_numbers(table: Named, source: Any, target: str, names: Sequence[str]) -> None:
    """Fail if columns of the first file hold no numbers, with the options that leave them out."""
    storage = getattr(source.files[0], "storage", None)  # matrices are of numbers, or of none
    if storage is None:
        return
    if isinstance(storage(target), str):
        raise fail(f"--target: column {listed([target])} of {table.path} is of type {storage(target)}, and no number")
    bad = [name for name in names if isinstance(storage(name), str)]
    if not bad:
        return
    what, it = ("column", "it") if len(bad) == 1 else ("columns", "them")
    message = f"{table.path} has no numbers in {what} {listed(bad)} (type {storage(bad[0])})"
    raise fail(message if len(bad) == len(names) else f"{message}: {shell.exclude(bad, table.names)} leaves {it} out")


def moments(paths: Sequence[Path], data: Data, output: Path, *, json: bool = False) -> None:
    """Read the files once, and write their moments."""
    check_output(output, "--output", (moments_command.SUFFIX,))
    found = chosen(paths, data)
    try:
        summed = gdfast.Moments(len(found.names)).update(found.scan, found.target, found.weights)
    except (ValueError, TypeError) as error:
        raise fail(found.words.said(error)) from None
    moments_command.write_file(summed, output, json=json)


def fit(paths: Sequence[Path], data: Data, outputs: Outputs, training: Training) -> None:
    """Train on the files, write what was asked for, and print the model and how it came about."""
    options = training.options | {"rng": training.seed, "progress": False}
    check(outputs, options)
    if training.held_out is not None:
        folds = min(5, len(paths))  # each file is a piece at least
        raise fail(
            f"--validation is for one file: of several, fit some and `gdfast predict` the others, or --folds {folds}"
        )
    found = chosen(paths, data)
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
        dropped=0 if found.rows is None else found.rows - rows,
        data=found,
    )
    hand_out(trained, outputs, validated)


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
