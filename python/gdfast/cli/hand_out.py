"""What comes of a fit: files, then what is printed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.text import Text

import gdfast
from gdfast.cli import as_json, inference
from gdfast.cli.console import fail, out, printable
from gdfast.cli.cross_validation import chosen_by
from gdfast.cli.model import SUFFIXES as MODEL_SUFFIXES
from gdfast.cli.model import Model
from gdfast.cli.printed import Trained, show
from gdfast.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHART_SUFFIXES = (".png", ".svg", ".pdf")


class Outputs(NamedTuple):
    """What was asked for beside the model on the screen."""

    model: Path | None
    chart: Path | None
    vcov: str | None  # that of the summary to print, if one is to be printed
    json: bool = False  # print one object instead of text


def check(outputs: Outputs, options: dict[str, Any]) -> None:
    """Before anything is read: nobody wants to train for an hour first."""
    check_output(outputs.model, "--model", MODEL_SUFFIXES)
    check_output(outputs.chart, "--chart", CHART_SUFFIXES)
    if outputs.vcov is not None:
        inference.check(options)


def check_output(path: Path | None, option: str, suffixes: Sequence[str]) -> None:
    """Whether a file of such a kind can be written there."""
    if path is None:
        return
    if path.suffix not in suffixes:
        accepted = " or ".join(filter(None, (", ".join(suffixes[:-1]), suffixes[-1])))
        raise fail(f"{option}: {str(path)!r} has to end in {accepted}")
    if not path.parent.is_dir():
        raise fail(f"{option}: there is no folder {str(path.parent)!r}")


def hand_out(trained: Trained, outputs: Outputs, validated: gdfast.Path | None = None) -> None:
    """Write what was asked for, and print the model and how it came about."""
    fit, origin = trained.fit, _summary(trained)
    model = Model(tuple(trained.names), np.atleast_1d(fit.w), fit.b, trained.target, origin)
    # Files come first: whoever reads what is printed may stop anywhere.
    written, not_written = _write(fit, model, outputs, validated)
    vcov = None if fit.stop_reason == "interrupted" else outputs.vcov
    summary = None if vcov is None else inference.summary(trained, vcov)
    if outputs.json:
        found = as_json.of_fit(trained, origin, validated) | {"written": written}
        as_json.show(found if summary is None else found | {"summary": summary.to_dict()})
    else:
        _print(trained, validated, summary, written)
    if not_written:
        raise fail(not_written, status=1)
    if fit.stop_reason == "interrupted":
        raise fail("interrupted: this is the model so far", status=130)


def _print(trained: Trained, validated: gdfast.Path | None, summary: gdfast.Summary | None, written: list[str]) -> None:
    show(trained)
    if validated is not None:
        out().print(Text(f"{chosen_by(validated)}\n"))
    if summary is not None:
        inference.show(summary)
    if written:
        out().print(Text(printable(f"Written: {', '.join(written)}")))


def _summary(trained: Trained) -> dict[str, Any]:
    """What the model file says about its origin."""
    fit, options, tested = trained.fit, trained.options, trained.tested
    kept = ("optimizer", "l2", "l1", "batch_size", "standardize", "reduction")
    summary = {
        "rows": trained.rows,
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
    fit: gdfast.Fit, model: Model, outputs: Outputs, validated: gdfast.Path | None
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

    save("--model", outputs.model, model.save)
    save(
        "--chart",
        outputs.chart,
        lambda path: _save_chart(_chart(fit, model) if validated is None else validated.plot(), path),
    )
    return written, "; ".join(failed) or None


def _save_chart(figure: Figure, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a font need not have every letter of a name
        write_whole(path, lambda file: figure.savefig(file, format=path.suffix[1:]))


def _chart(fit: gdfast.Fit, model: Model) -> Figure:
    figure = fit.plot()
    if fit.sample is not None:  # there is a panel of the data, the last one
        panel = figure.axes[-1]
        panel.set_xlabel(_label(model.names[0]) if len(model.names) == 1 else f"{_label(model.target)}, predicted")
        panel.set_ylabel(_label(model.target))
    return figure


def _label(name: str) -> str:
    return printable(name).replace("$", r"\$")  # else matplotlib reads formulas
