"""What ``gdfast fit`` prints: the model, and how it came about."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from rich.table import Table as RichTable
from rich.text import Text

import gdfast
from gdfast.cli.console import out, printable
from gdfast.cli.data import Chosen, Samples
from gdfast.cli.messages import Words
from gdfast.cli.score import Score
from gdfast.cli.tables import listed
from gdfast.plot import STOPPED

SHOWN = 40  # coefficients that the table has room for


class Again(Protocol):
    """Rows that can be read again."""

    def again(self, columns: Sequence[str], vcov: str) -> tuple[tuple[Any, ...], Any, Any]:
        """What `Fit.summary` takes of them: x and y, the weights, and vcov."""
        ...


@dataclass(frozen=True)
class Trained:
    """A fit, and all that it came from."""

    source: str  # where the data is from
    names: Sequence[str]
    target: str
    rows: int
    dtype: str
    options: dict[str, Any]  # of `gdfast.fit`
    words: Words
    fit: gdfast.Fit
    score: Score
    dropped: int = 0
    data: Again | None = None  # to be read again by a summary
    rows_held_out: int = 0
    tested: Score | None = None


def of_rows(
    path: Path,
    chosen: Chosen,
    train: Samples,
    held_out: Samples | None,
    options: dict[str, Any],
    words: Words,
    fit: gdfast.Fit,
) -> Trained:
    """A fit whose rows are in memory."""
    return Trained(
        source=str(path),
        names=chosen.names,
        target=chosen.target,
        rows=len(train.y),
        dtype=train.x.dtype.name,
        options=options,
        words=words,
        fit=fit,
        score=train.score(fit),
        dropped=chosen.dropped,
        data=train,
        rows_held_out=0 if held_out is None else len(held_out.y),
        tested=None if held_out is None else held_out.score(fit),
    )


def show(trained: Trained) -> None:
    """Print the coefficients, the losses, why training ended, and the report."""
    console, fit, options = out(), trained.fit, trained.options
    console.print(Text(_heading(trained) + "\n"), soft_wrap=True)
    console.print(_table(trained.names, fit))
    zeros = int((np.atleast_1d(fit.w) == 0).sum())
    if zeros:
        console.print(f"{zeros:,} of {len(trained.names):,} coefficients are 0")
    console.print(f"\nloss {trained.score.loss:.6g}, R² {trained.score.r2_text} on the training data")
    if trained.tested:
        console.print(f"loss {trained.tested.loss:.6g}, R² {trained.tested.r2_text} on the rows held out")
    if options["l1"] or options["l2"]:
        console.print(f"objective {fit.loss:.6g}, with the penalties")
    console.print(_ending(fit) + "\n")
    advice = tuple(map(trained.words.said, fit.report.advice))
    console.print(Text(f"{replace(fit.report, advice=advice)}\n"))


def _ending(fit: gdfast.Fit) -> str:
    """Why training ended, and how close to the optimum."""
    passes = f"{fit.n_iters:,} pass{'' if fit.n_iters == 1 else 'es'}"
    rate = "" if math.isnan(fit.learning_rate) else f"learning rate {fit.learning_rate:.6g}"
    close = ""
    if fit.converged:
        close = (
            f"at most {fit.gap:.1g} of the objective at w = 0 above the least" if fit.gap else "at the least objective"
        )
    return ", ".join(filter(None, (passes, STOPPED[fit.stop_reason], rate, close)))


def _heading(trained: Trained) -> str:
    names, held_out = trained.names, trained.rows_held_out
    rows = f"{trained.rows:,} rows" + (f" and {held_out:,} held out" if held_out else "")
    left = f", {trained.dropped:,} left out for missing values" if trained.dropped else ""
    kind = f"{len(names):,} column{'' if len(names) == 1 else 's'}, {trained.dtype}"
    return printable(f"{trained.source}: target {listed([trained.target])}, {rows}{left}, {kind}")


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
    >>> from gdfast.cli.printed import aligned
    >>> aligned([1.5, -20.0, 1e-9])
    ['  1.5', '-20', '  1e-09']
    """
    texts = [f"{number:.6g}" for number in numbers]
    before = [len(re.split("[.e]", text)[0]) for text in texts]
    return [" " * (max(before) - length) + text for text, length in zip(texts, before, strict=True)]
