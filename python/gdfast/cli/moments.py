"""``gdfast moments``: a table's moments in a file; and ``gdfast fit`` of such files, whose moments are added up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

import gdfast
from gdfast.cli import as_json, optimizer
from gdfast.cli.console import fail, note, printable
from gdfast.cli.data import Data, samples_of
from gdfast.cli.files import refuse_what_is_no_file
from gdfast.cli.fit import fitted
from gdfast.cli.hand_out import Outputs, check, check_output, hand_out
from gdfast.cli.messages import Words
from gdfast.cli.printed import Trained
from gdfast.cli.score import Score
from gdfast.cli.tables import Columns, TableError, listed
from gdfast.cli.training_options import Training
from gdfast.whole_files import write_whole

SUFFIX = ".gdm"

# Of `gdfast.fit`, what needs single rows.
_OF_ROWS = ("batch_size", "plan", "rng")


def write(data: Data, output: Path, *, json: bool = False) -> None:
    """Read a table once, and write its moments."""
    check_output(output, "--output", (SUFFIX,))
    try:
        chosen = samples_of(data)
    except TableError as error:
        raise fail(str(error)) from None
    for message in chosen.notes:
        note(message)
    train = chosen.samples
    words = Words(chosen.names, chosen.target, chosen.weights, train.in_file, None)
    try:
        moments = gdfast.Moments(len(chosen.names)).update(
            Columns(train.x, words.columns), train.y, train.sample_weight
        )
    except (ValueError, TypeError) as error:
        raise fail(words.said(error)) from None
    moments.target = chosen.target
    write_file(moments, output, json=json)


def write_file(moments: gdfast.Moments, output: Path, *, json: bool = False) -> None:
    """Write moments, and say so; or fail where they are none that a fit could come of."""
    if not np.isfinite(moments.gram).all():  # of data that is finite
        raise fail("the squares of some columns are beyond the range of float64: scale columns to numbers nearer to 1")
    try:
        write_whole(output, lambda file: file.write(moments.to_bytes()))
    except OSError as error:
        raise fail(f"--output: {str(output)!r} is not written: {error.strerror or error}", status=1) from None
    if json:
        names = moments.feature_names or tuple(f"x{j}" for j in range(moments.d))
        as_json.show({"target": moments.target, "columns": names, "rows": moments.n, "written": [str(output)]})
        return
    columns = f"{moments.d:,} column{'' if moments.d == 1 else 's'}"
    target = f"target {listed([moments.target or 'y'])}"
    typer.echo(printable(f"Written: {output} ({moments.n:,} rows, {columns}, {target})"))


def are_moments(paths: Sequence[Path]) -> bool:
    """Whether these files are said to be moments.

    Raises
    ------
    typer.Exit
        Where some are, and some aren't.
    """
    found = [path for path in paths if path.suffix == SUFFIX]
    if found and len(found) < len(paths):
        other = next(path for path in paths if path.suffix != SUFFIX)
        raise fail(f"{found[0]} is a file of moments and {other} is none: write `gdfast moments {other}` first")
    return bool(found)


def fit(paths: Sequence[Path], data: Data, training: Training, outputs: Outputs) -> None:
    """Add up the moments in these files, and train on them as `gdfast.cli.fit` does on a table."""
    options, target = training.options, data.target
    refused = {
        "--columns": data.columns,
        "--exclude": data.exclude,
        "--weights": data.weights,
        "--cluster": data.cluster,
        "--drop-missing": data.drop_missing,
        "--dtype": data.dtype,
        "--batch-size": options["batch_size"],
        "--folds": training.path,
        "--validation": training.held_out,
        "--plan stream": options["plan"] == "stream",
    }
    given = [name for name, value in refused.items() if value]
    if given:
        raise fail(f"{', '.join(given)}: files of moments hold no rows; `gdfast moments` takes rows and columns")
    if outputs.vcov not in (None, "iid"):
        raise fail(f"--vcov {outputs.vcov} needs the residual of each row, and files of moments hold no rows")
    check(outputs, options)
    moments = added(paths)
    if target is not None and moments.target is not None and target != moments.target:
        raise fail(f"--target is {target!r}, and the moments in {paths[0]} predict {listed([moments.target])}")
    hand_out(trained(moments, _source(paths), target or moments.target or "y", options), outputs)


def _source(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{len(paths):,} files from {paths[0]} to {paths[-1]}"


def added(paths: Sequence[Path]) -> gdfast.Moments:
    """The moments in these files, added up in their order."""
    moments: gdfast.Moments | None = None
    for path in paths:
        try:
            refuse_what_is_no_file(path, ValueError)
        except ValueError as error:
            raise fail(str(error)) from None
        try:
            found = gdfast.Moments.from_bytes(path.read_bytes())
            moments = found if moments is None else moments + found
        except (ValueError, TypeError) as error:
            raise fail(f"{path}: {error}") from None
    assert moments is not None
    return moments


def trained(moments: gdfast.Moments, source: str, target: str, options: dict[str, Any]) -> Trained:
    """A fit of moments, and how well it does on the rows that they are of."""
    names = moments.feature_names or tuple(f"x{j}" for j in range(moments.d))
    words = Words(names, target, None, np.empty(0), None)
    options = options | {"optimizer": optimizer.chosen(options | {"plan": "moments"}, moments.d, 0)}
    fit = fitted(words, lambda: moments.fit(**{k: v for k, v in options.items() if k not in _OF_ROWS}))
    return Trained(
        source=source,
        names=names,
        target=target,
        rows=moments.n,
        dtype="moments",
        options=options,
        words=words,
        fit=fit,
        score=score(moments, fit),
    )


def score(moments: gdfast.Moments, fit: gdfast.Fit) -> Score:
    """As `gdfast.cli.score` has it of rows."""
    loss, _ = moments.loss_and_gradient(fit.w, fit.b)
    variance = float(moments.cov[-1, -1])
    return Score(loss, 1 - loss / variance if variance > 0 else None)
