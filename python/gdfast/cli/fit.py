"""``gdfast fit``: from a table in a file to a model in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table as RichTable
from rich.text import Text

import gdfast
from gdfast.cli import tables
from gdfast.cli.console import fail, note, out, printable
from gdfast.cli.data import Chosen, Data, Samples, samples_of, split
from gdfast.cli.files import write_whole
from gdfast.cli.messages import as_options
from gdfast.cli.model import SUFFIXES as MODEL_SUFFIXES
from gdfast.cli.model import Model
from gdfast.cli.score import Score
from gdfast.plot import STOPPED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHART_SUFFIXES = (".png", ".svg", ".pdf")
SHOWN = 40  # coefficients that the table has room for
STILL_FALLING = 1e-6  # the share by which the last pass of a fit that is done lowers its loss at most


def run(
    data: Data,
    *,
    validation_share: float | None,
    seed: int,
    model_path: Path | None,
    chart_path: Path | None,
    options: dict[str, Any],
) -> None:
    """Train, print the model and how it came about, and write what was asked for.

    Parameters
    ----------
    data : Data
    validation_share : float or None
        Share of the rows to hold out.
    seed : int
        Chooses them, and the order of mini-batches.
    model_path, chart_path : Path or None
        What to write.
    options : dict
        Those of `gdfast.fit`.
    """
    _check_output(model_path, "--model", MODEL_SUFFIXES)
    _check_output(chart_path, "--chart", CHART_SUFFIXES)
    try:
        chosen = samples_of(data)
        train, held_out = chosen.samples, None
        if validation_share is not None:
            train, held_out = split(train, validation_share, seed)
    except tables.TableError as error:
        raise fail(str(error)) from None
    for message in chosen.notes:
        note(message)

    if options.get("batch_size") is not None:  # batches take rows here and there
        train = replace(train, x=np.ascontiguousarray(train.x))
    fit = _train(chosen.names, train, held_out, {**options, "rng": seed})

    trained = train.score(fit)
    tested = held_out.score(fit) if held_out else None
    training = _summary(fit, train, trained, tested, options)
    model = Model(tuple(chosen.names), np.atleast_1d(fit.w), fit.b, chosen.target, training)
    # Files come first: whoever reads what is printed may stop anywhere.
    written, not_written = _write(fit, model, model_path, chart_path)
    _print(data, chosen, train, held_out, fit, trained, tested, options)
    if written:
        out().print(Text(printable(f"\nWritten: {', '.join(written)}")))
    if not_written:
        raise fail(not_written, status=1)
    if fit.stop_reason == "interrupted":
        raise fail("interrupted: this is the model so far", status=130)


def _print(
    data: Data,
    chosen: Chosen,
    train: Samples,
    held_out: Samples | None,
    fit: gdfast.Fit,
    trained: Score,
    tested: Score | None,
    options: dict[str, Any],
) -> None:
    console = out()
    names, dropped = chosen.names, chosen.dropped
    rows = f"{len(train.y):,} rows" + (f" and {len(held_out.y):,} held out" if held_out else "")
    left = f", {dropped:,} left out for missing values" if dropped else ""
    kind = f"{len(names):,} column{'' if len(names) == 1 else 's'}, {train.x.dtype.name}"
    console.print(Text(printable(f"{data.path}: target {tables.listed([chosen.target])}, {rows}{left}, {kind}") + "\n"))
    console.print(_table(names, fit))
    zeros = int((np.atleast_1d(fit.w) == 0).sum())
    if zeros:
        console.print(f"{zeros:,} of {len(names):,} coefficients are 0")
    console.print(f"\nloss {trained.loss:.6g}, R² {trained.r2_text} on the training data")
    if tested:
        console.print(f"loss {tested.loss:.6g}, R² {tested.r2_text} on the rows held out")
    if options["l1"] or options["l2"]:
        console.print(f"objective {fit.loss:.6g}, with the penalties")
    passes = f"{fit.n_iters:,} pass{'' if fit.n_iters == 1 else 'es'}"
    console.print(f"{passes}, {STOPPED[fit.stop_reason]}, learning rate {fit.learning_rate:.6g}\n")
    console.print(Text(as_options(str(fit.report))))
    if _still_falling(fit, options):
        console.print("advice      the last pass still lowered the loss: more --n-iters, or --optimizer nesterov")


def _check_output(path: Path | None, option: str, suffixes: Sequence[str]) -> None:
    """Before anything is read: nobody wants to train for an hour first."""
    if path is None:
        return
    if path.suffix not in suffixes:
        raise fail(f"{option}: {str(path)!r} has to end in {', '.join(suffixes[:-1])} or {suffixes[-1]}")
    if not path.parent.is_dir():
        raise fail(f"{option}: there is no folder {str(path.parent)!r}")


def _train(names: list[str], train: Samples, held_out: Samples | None, options: dict[str, Any]) -> gdfast.Fit:
    validation: tuple[tables.Array, ...] | None = None
    if held_out is not None:
        s = held_out.sample_weight
        validation = (held_out.x, held_out.y) if s is None else (held_out.x, held_out.y, s)
    x = tables.Columns(train.x, names)
    try:
        return gdfast.fit(x, train.y, sample_weight=train.sample_weight, validation=validation, **options)
    except gdfast.DivergenceError as error:
        raise fail(as_options(str(error)), status=1) from None
    except KeyboardInterrupt as interrupt:
        fit = getattr(interrupt, "fit", None)
        if fit is None or fit.n_iters == 0:
            raise fail("interrupted before the first pass was done", status=130) from None
        assert isinstance(fit, gdfast.Fit)
        return fit
    except (ValueError, TypeError) as error:
        raise fail(as_options(str(error))) from None
    except ImportError as error:
        raise fail(str(error), status=1) from None


def _table(names: Sequence[str], fit: gdfast.Fit) -> RichTable:
    w = np.atleast_1d(fit.w)
    table = RichTable(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    *shown, intercept = aligned([*w[:SHOWN], 0.0 if fit.b is None else fit.b])
    for name, coefficient in zip(names, shown, strict=False):
        table.add_row(Text(printable(name)), coefficient)
    if len(w) > SHOWN:
        table.add_row(f"and {len(w) - SHOWN:,} more (--model writes all)", "")
    if fit.b is not None:
        table.add_row(Text("intercept", style="bold"), intercept)
    return table


def aligned(numbers: Sequence[float]) -> list[str]:
    """Numbers of six digits, their decimal points below one another.

    Examples
    --------
    >>> from gdfast.cli.fit import aligned
    >>> aligned([1.5, -20.0, 1e-9])
    ['  1.5', '-20', '  1e-09']
    """
    texts = [f"{number:.6g}" for number in numbers]
    before = [len(re.split("[.e]", text)[0]) for text in texts]
    return [" " * (max(before) - length) + text for text, length in zip(texts, before, strict=True)]


def _still_falling(fit: gdfast.Fit, options: dict[str, Any]) -> bool:
    if fit.stop_reason != "n_iters" or len(fit.losses) < 2 or options.get("batch_size"):
        return False
    before, last = fit.losses[-2:]
    return bool(before - last > STILL_FALLING * last)


def _summary(
    fit: gdfast.Fit, train: Samples, trained: Score, tested: Score | None, options: dict[str, Any]
) -> dict[str, Any]:
    """What the model file says about its origin."""
    kept = ("optimizer", "l2", "l1", "batch_size", "standardize", "reduction")
    summary = {
        "rows": len(train.y),
        "passes": fit.n_iters,
        "stop_reason": fit.stop_reason,
        "learning_rate": fit.learning_rate,
        **{name: options[name] for name in kept},
        "loss": trained.loss,
        "r2": trained.r2,
    }
    return summary if tested is None else summary | {"validation_loss": tested.loss, "validation_r2": tested.r2}


def _write(
    fit: gdfast.Fit, model: Model, model_path: Path | None, chart_path: Path | None
) -> tuple[list[str], str | None]:
    """Write what was asked for: what is written, and what to say of what isn't."""
    written, failed = [], []

    def save(option: str, path: Path | None, write: Callable[[Path], None]) -> None:
        if path is None:
            return
        try:
            write(path)
            written.append(str(path))
        except OSError as error:
            failed.append(f"{option}: {str(path)!r} is not written: {error.strerror or error}")

    save("--model", model_path, model.save)
    save("--chart", chart_path, lambda path: _save_chart(_chart(fit, model), path))
    return written, "; ".join(failed) or None


def _save_chart(figure: Figure, path: Path) -> None:
    write_whole(path, lambda file: figure.savefig(file, format=path.suffix[1:]))


def _chart(fit: gdfast.Fit, model: Model) -> Figure:
    figure = fit.plot()
    for panel in figure.axes[1:]:  # the one of data and line, where there is one column
        panel.set_xlabel(model.names[0])
        panel.set_ylabel(model.target)
    return figure
