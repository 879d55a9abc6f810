"""``gdfast fit``: from a table in a file to a model in a file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

import gdfast
from gdfast.cli import inference, optimizer, tables
from gdfast.cli.console import fail, note, out, printable
from gdfast.cli.cross_validation import chosen_by, cross_validated
from gdfast.cli.data import Chosen, Data, Samples, samples_of, split
from gdfast.cli.files import write_whole
from gdfast.cli.messages import Words
from gdfast.cli.model import SUFFIXES as MODEL_SUFFIXES
from gdfast.cli.model import Model
from gdfast.cli.printed import Trained, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHART_SUFFIXES = (".png", ".svg", ".pdf")


def run(
    data: Data,
    *,
    validation_share: float | None,
    seed: int,
    model_path: Path | None,
    chart_path: Path | None,
    vcov: str | None,
    path_options: dict[str, Any] | None,
    options: dict[str, Any],
) -> None:
    """Train, write what was asked for, and print the model and how it came about.

    Parameters
    ----------
    data : Data
    validation_share : float or None
        Share of the rows to hold out.
    seed : int
        Chooses them, and the order of mini-batches.
    model_path, chart_path : Path or None
        What to write.
    vcov : str or None
        That of the summary to print, if one is to be printed.
    path_options : dict or None
        Those of `gdfast.path` where cross-validation chooses the penalty.
    options : dict
        Those of `gdfast.fit`.
    """
    _check_output(model_path, "--model", MODEL_SUFFIXES)
    _check_output(chart_path, "--chart", CHART_SUFFIXES)
    if vcov is not None:
        inference.check(options)
    try:
        chosen = samples_of(data)
        train, held_out = chosen.samples, None
        if validation_share is not None:
            train, held_out = split(train, validation_share, seed)
    except tables.TableError as error:
        raise fail(str(error)) from None
    for message in chosen.notes:
        note(message)

    validated: gdfast.Path | None = None
    if path_options is None:
        trained = _trained(data.path, chosen, train, held_out, {**options, "rng": seed})
    else:
        trained, validated = cross_validated(data.path, chosen, train, held_out, {**options, "rng": seed}, path_options)
    model = Model(tuple(chosen.names), np.atleast_1d(trained.fit.w), trained.fit.b, chosen.target, _summary(trained))
    # Files come first: whoever reads what is printed may stop anywhere.
    written, not_written = _write(trained.fit, model, model_path, chart_path, validated)
    show(trained)
    if validated is not None:
        out().print(Text(f"{chosen_by(validated)}\n"))
    if vcov is not None and trained.fit.stop_reason != "interrupted":
        inference.show(trained, vcov)
    if written:
        out().print(Text(printable(f"Written: {', '.join(written)}")))
    if not_written:
        raise fail(not_written, status=1)
    if trained.fit.stop_reason == "interrupted":
        raise fail("interrupted: this is the model so far", status=130)


def _check_output(path: Path | None, option: str, suffixes: Sequence[str]) -> None:
    """Before anything is read: nobody wants to train for an hour first."""
    if path is None:
        return
    if path.suffix not in suffixes:
        raise fail(f"{option}: {str(path)!r} has to end in {', '.join(suffixes[:-1])} or {suffixes[-1]}")
    if not path.parent.is_dir():
        raise fail(f"{option}: there is no folder {str(path.parent)!r}")


def _trained(path: Path, chosen: Chosen, train: Samples, held_out: Samples | None, options: dict[str, Any]) -> Trained:
    rows_held_out = None if held_out is None else held_out.in_file
    words = Words(chosen.names, chosen.target, chosen.weights, train.in_file, rows_held_out)
    if options.get("batch_size") is not None:  # batches take rows here and there
        train = replace(train, x=np.ascontiguousarray(train.x))
    options = options | {"optimizer": optimizer.chosen(options, len(chosen.names), train.x.nbytes)}
    fit = _fit(words, train, held_out, options)
    tested = None if held_out is None else held_out.score(fit)
    return Trained(path, chosen, train, held_out, options, words, fit, train.score(fit), tested)


def _fit(words: Words, train: Samples, held_out: Samples | None, options: dict[str, Any]) -> gdfast.Fit:
    validation: tuple[tables.Array, ...] | None = None
    if held_out is not None:
        s = held_out.sample_weight
        validation = (held_out.x, held_out.y) if s is None else (held_out.x, held_out.y, s)
    x = tables.Columns(train.x, words.columns)
    try:
        return gdfast.fit(x, train.y, sample_weight=train.sample_weight, validation=validation, **options)
    except gdfast.DivergenceError as error:
        raise fail(words.said(error), status=1) from None
    except KeyboardInterrupt as interrupt:
        fit = getattr(interrupt, "fit", None)
        if fit is None or fit.n_iters == 0:
            raise fail("interrupted before the first pass was done", status=130) from None
        assert isinstance(fit, gdfast.Fit)
        return fit
    except (ValueError, TypeError) as error:
        raise fail(words.said(error)) from None
    except ImportError as error:
        raise fail(str(error), status=1) from None


def _summary(trained: Trained) -> dict[str, Any]:
    """What the model file says about its origin."""
    fit, options, tested = trained.fit, trained.options, trained.tested
    kept = ("optimizer", "l2", "l1", "batch_size", "standardize", "reduction")
    summary = {
        "rows": len(trained.train.y),
        "passes": fit.n_iters,
        "stop_reason": fit.stop_reason,
        "learning_rate": None if math.isnan(fit.learning_rate) else fit.learning_rate,
        "gap": None if fit.gap is None or math.isnan(fit.gap) else fit.gap,
        **{name: options[name] for name in kept},
        "loss": trained.score.loss,
        "r2": trained.score.r2,
    }
    return summary if tested is None else summary | {"validation_loss": tested.loss, "validation_r2": tested.r2}


def _write(
    fit: gdfast.Fit,
    model: Model,
    model_path: Path | None,
    chart_path: Path | None,
    validated: gdfast.Path | None,
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
    save(
        "--chart",
        chart_path,
        lambda path: _save_chart(_chart(fit, model) if validated is None else validated.plot(), path),
    )
    return written, "; ".join(failed) or None


def _save_chart(figure: Figure, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a font need not have every letter of a name
        write_whole(path, lambda file: figure.savefig(file, format=path.suffix[1:]))


def _chart(fit: gdfast.Fit, model: Model) -> Figure:
    figure = fit.plot()
    for panel in figure.axes[1:]:  # the one of data and line, where there is one column
        panel.set_xlabel(_label(model.names[0]))
        panel.set_ylabel(_label(model.target))
    return figure


def _label(name: str) -> str:
    return printable(name).replace("$", r"\$")  # else matplotlib reads formulas
