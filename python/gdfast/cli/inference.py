"""``gdfast fit --summary``: standard errors and what goes with them, below the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.text import Text

import gdfast
from gdfast._inference import summarise
from gdfast.cli.console import fail, out, printable
from gdfast.cli.messages import Words
from gdfast.cli.printed import Trained
from gdfast.cli.tables import TableError


def check(options: dict[str, Any]) -> None:
    """Before anything is read: whether there can be a summary."""
    try:
        summarise.scipy_special()
        summarise.refuse_penalties(options["l1"], options["l2"])
    except ImportError as error:
        raise fail(str(error), status=1) from None
    except ValueError as error:
        raise fail(Words((), "", None, np.empty(0), None).said(error)) from None


def show(found: gdfast.Summary) -> None:
    """Print the summary of a fit."""
    lines = map(printable, str(found).splitlines())
    out().print(Text("\n".join([*lines, ""])), soft_wrap=True)


def summary(trained: Trained, vcov: str) -> gdfast.Summary:
    """Of a fit; or fail with why there is none."""
    rows, words = trained.data, trained.words
    data: tuple[Any, ...] = ()
    weight = None
    kind: Any = vcov
    if rows is not None and (vcov != "iid" or trained.fit.basis.gram is None):
        data, weight, kind = rows.again(words.columns, vcov)
    try:
        return trained.fit.summary(*data, sample_weight=weight, vcov=kind)
    except TableError as error:
        raise fail(str(error)) from None
    except (ValueError, TypeError) as error:
        raise fail(words.said(error), status=1) from None
