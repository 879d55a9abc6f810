"""``gdfast predict`` on several files, or a pattern of names: piece by piece."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer

import gdfast
from gdfast._scan import prediction
from gdfast._scan.sources.files import FileSource
from gdfast._scan.sources.npy import NpySource
from gdfast.cli import as_json, model
from gdfast.cli.console import fail, note, printable, stdout_is_closed
from gdfast.cli.csv_table import CsvOptions
from gdfast.cli.hand_out import check_output
from gdfast.cli.model import Model
from gdfast.cli.pieces import Look
from gdfast.cli.predict import collapsed, no_numbers
from gdfast.cli.scanned_data import scan_of
from gdfast.cli.score import Score
from gdfast.cli.tables import Array, TableError, listed


def run(model_path: Path, paths: Sequence[Path], *, output: Path | None, csv: CsvOptions, json: bool = False) -> None:
    """As `gdfast.cli.predict.run`."""
    if output is None and stdout_is_closed():
        raise fail("stdout is closed, and the predictions would go there: name a file with --output", status=1)
    if output is None and json:
        raise fail("--json of several files goes with --output: name a file for the predictions")
    check_output(output, "--output", prediction.SUFFIXES)
    try:
        loaded = model.load(model_path)
    except model.ModelError as error:
        raise fail(str(error)) from None
    look = Look()
    look.collapsed, look.no_numbers = collapsed, partial(no_numbers, model_path)
    scan, source = scan_of(paths, csv, "nan", loaded.names, look)
    try:
        _refuse_other_columns(source, loaded, model_path)
    except TableError as error:
        raise fail(str(error)) from None
    look.used, look.widened = loaded.names, loaded.w.dtype == np.float64
    look.optional = _target(source, loaded, look)
    running = _Running(loaded, scan, look.optional)
    try:
        _write(running, output)
    except (ValueError, TypeError) as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"--output: {str(output)!r} is not written: {error.strerror or error}", status=1) from None
    said = getattr(source.files[0], "note", None)
    if said:
        note(said)
    if look.unread:
        running.known = 0
        note(f"no loss, since {look.unread}")
    _say(running, output, json=json)


def _refuse_other_columns(source: FileSource | NpySource, loaded: Model, model_path: Path) -> None:
    """Raise where what the model predicts from isn't there, or no number."""
    path = source.files[0].path
    missing = [name for name in loaded.names if name not in source.names]
    if missing:
        raise TableError(
            f"{path} lacks what {model_path} predicts from: {listed(missing)}; it has {listed(source.names)}"
        )
    files: Any = source.files if isinstance(source, FileSource) else ()
    for file in files:
        names = [name for name in loaded.names if name in file.names]
        file.refuse_text(names)
        bad = [name for name in names if isinstance(file.storage(name), str)]
        if bad:
            kind = file.storage(bad[0])
            raise TableError(
                f"column {listed(bad[:1])} of {file.path} is of type {kind}, and {model_path} predicts from numbers"
            )


def _target(source: FileSource | NpySource, loaded: Model, look: Look) -> str | None:
    """The column that predictions are compared with, if the files have it."""
    name = loaded.target
    if isinstance(source, NpySource):
        return name if name in source.names else None
    have = [file for file in source.files if name in file.names]
    if len(have) < len(source.files):
        if have:
            look.unread = f"only {len(have):,} of {len(source.files):,} files have column {listed([name])}"
        return None
    for file in source.files:
        kind = file.storage(name)
        if isinstance(kind, str) and file.path.suffix.lower() != ".csv":  # whose text may be of numbers
            look.unread = f"column {listed([name])} of {file.path} is of type {kind}, and no number"
            return None
    return name


class _Running:
    """Predictions as they are made, and what they come to."""

    def __init__(self, loaded: Model, scan: gdfast.Scan, target: str | None) -> None:
        self.model, self.scan, self.target = loaded, scan, target
        self.rows = self.missing = self.known = 0
        self.mean = self.spread = self.squares = 0.0

    def __iter__(self) -> Iterator[Array]:
        loaded, target = self.model, self.target
        found = prediction.predictions(self.scan, loaded.names, gdfast.forward, loaded.w, loaded.b, target)
        for piece, y_pred in found:
            self.rows += len(y_pred)
            bad = np.isnan(piece.x).any(axis=1)
            self.missing += int(bad.sum())
            if target is not None:
                known = np.isfinite(piece.y) & np.isfinite(piece.x).all(axis=1)
                self._add(piece.y[known].astype(np.float64), y_pred[known].astype(np.float64))
            yield y_pred
            del piece

    def _add(self, y: Array, y_pred: Array) -> None:
        """Chan, Golub and LeVeque (1983) for the spread of y."""
        if not len(y):
            return
        self.squares += float(((y_pred - y) ** 2).sum())
        mean, spread = float(y.mean()), float(((y - y.mean()) ** 2).sum())
        step, both = mean - self.mean, self.known + len(y)
        self.spread += spread + step**2 * self.known * len(y) / both
        self.mean += step * len(y) / both
        self.known = both

    @property
    def score(self) -> Score | None:
        if not self.known:
            return None
        return Score(self.squares / self.known, 1 - self.squares / self.spread if self.spread > 0 else None)


def _write(running: _Running, output: Path | None) -> None:
    if output is not None:
        prediction.write(output, running)
        return
    for y_pred in running:
        sys.stdout.writelines(f"{value}\n" for value in y_pred.tolist())


def _say(running: _Running, output: Path | None, *, json: bool) -> None:
    if running.missing:
        have = "1 row has" if running.missing == 1 else f"{running.missing:,} rows have"
        note(f"{have} missing values, and nan for a prediction")
    scored, target = running.score, running.model.target
    if json:
        found: dict[str, Any] = {
            "target": target, "rows": running.rows, "rows_with_missing_values": running.missing,
        }  # fmt: skip
        if scored is not None:
            found |= {"loss": scored.loss, "r2": scored.r2, "rows_with_target": running.known}
        as_json.show(found | {"written": [str(output)]})
        return
    if scored is not None:
        rows = f"{running.known:,} row{'' if running.known == 1 else 's'}"
        typer.echo(f"loss {scored.loss:.6g}, R² {scored.r2_text} on {rows}", err=output is None)
    if output is not None:
        typer.echo(printable(f"Written: {output} ({running.rows:,} predictions of {listed([target])})"))
