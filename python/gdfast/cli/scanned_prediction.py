"""``gdfast predict`` on several files, or a pattern of names: piece by piece."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

import gdfast
from gdfast._scan import prediction
from gdfast.cli import as_json, model
from gdfast.cli.console import fail, note, printable, stdout_is_closed
from gdfast.cli.csv_table import CsvOptions
from gdfast.cli.hand_out import check_output
from gdfast.cli.model import Model
from gdfast.cli.scanned import scan_of
from gdfast.cli.score import Score
from gdfast.cli.tables import Array, listed


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
    scan = scan_of(paths, csv, "nan")
    missing = [name for name in loaded.names if name not in scan._opened.names]
    if missing:
        raise fail(
            f"{paths[0]} lacks what {model_path} predicts from: {listed(missing)}; it has {listed(scan._opened.names)}"
        )
    running = _Running(loaded, scan)
    try:
        _write(running, output)
    except (ValueError, TypeError) as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"--output: {str(output)!r} is not written: {error.strerror or error}", status=1) from None
    _say(running, output, json=json)


class _Running:
    """Predictions as they are made, and what they come to."""

    def __init__(self, loaded: Model, scan: gdfast.Scan) -> None:
        self.model, self.scan = loaded, scan
        self.rows = self.missing = self.known = 0
        self.mean = self.spread = self.squares = 0.0

    def __iter__(self) -> Iterator[Array]:
        loaded = self.model
        target = loaded.target if loaded.target in self.scan._opened.names else None
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
