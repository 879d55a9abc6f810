"""Options of `gdfast fit` that say how to train."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import typer

from gdfast.cli.console import fail
from gdfast.cli.groups import Group

_TRAINING, _STOPPING = "Training", "Penalties and stopping"


class Training(NamedTuple):
    """How to train."""

    options: dict[str, Any]  # of `gdfast.fit`
    path: dict[str, Any] | None  # those of `gdfast.path` where cross-validation chooses the penalty
    held_out: float | None  # share of the rows
    seed: int  # chooses them, and the order of mini-batches


def _rate(text: str) -> float | str:
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor auto") from None


def _training(
    optimizer: Annotated[
        Literal["auto", "exact", "cg", "gd", "momentum", "nesterov", "adam"],
        typer.Option(
            help="auto: exact, from one read; cg where that takes too much memory, or with --plan stream (nesterov "
            "with --l1); gd where --learning-rate or --batch-size is given.",
            rich_help_panel=_TRAINING,
        ),
    ] = "auto",
    learning_rate: Annotated[
        Any,
        typer.Option(
            parser=_rate,
            metavar="NUMBER|auto",
            help="Length of a step; auto is the safe one.",
            rich_help_panel=_TRAINING,
        ),
    ] = "auto",
    momentum: Annotated[
        float, typer.Option(help="What momentum and nesterov keep of earlier steps.", rich_help_panel=_TRAINING)
    ] = 0.9,
    n_iters: Annotated[
        int, typer.Option(min=0, help="Passes over the data, at most; exact makes one.", rich_help_panel=_TRAINING)
    ] = 1_000,
    tol: Annotated[
        float | None,
        typer.Option(help="Stop when a pass changes the objective by at most this share.", rich_help_panel=_STOPPING),
    ] = None,
    l2: Annotated[
        float, typer.Option(help="Penalty on the squares of the coefficients.", rich_help_panel=_STOPPING)
    ] = 0.0,
    l1: Annotated[
        float, typer.Option(help="Penalty on their absolute values; sets some to 0.", rich_help_panel=_STOPPING)
    ] = 0.0,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Choose the penalty by cross-validation in so many folds of shuffled rows; --chart draws the path.",
            rich_help_panel=_STOPPING,
        ),
    ] = None,
    l1_ratio: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="With --folds: 1 for the lasso (default), 0 for ridge, or between.",
            rich_help_panel=_STOPPING,
        ),
    ] = None,
    rule: Annotated[
        Literal["min", "1se"] | None,
        typer.Option(
            help="With --folds: the penalty of the least loss (default), or the largest within one standard error.",
            rich_help_panel=_STOPPING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Rows of a mini-batch. All by default.", rich_help_panel=_TRAINING)
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Chooses the rows held out and the order of mini-batches.", rich_help_panel=_TRAINING),
    ] = 0,
    standardize: Annotated[
        bool,
        typer.Option(
            help="Descend in columns of mean 0 and deviation 1. The model is in the units of the data.",
            rich_help_panel=_TRAINING,
        ),
    ] = True,
    intercept: Annotated[bool, typer.Option(help="Fit an intercept.", rich_help_panel=_TRAINING)] = True,
    reduction: Annotated[
        Literal["mean", "sum"], typer.Option(help="Mean or sum of the squared residuals.", rich_help_panel=_TRAINING)
    ] = "mean",
    validation: Annotated[
        float | None,
        typer.Option(
            help="Share of the rows to hold out, such as 0.2; descents stop by them.", rich_help_panel=_STOPPING
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option(min=1, help="Passes without a lower loss on them before it stops.", rich_help_panel=_STOPPING)
    ] = 10,
    plan: Annotated[
        Literal["auto", "stream", "moments"],
        typer.Option(help="Read the data once a pass, or once in all.", rich_help_panel=_TRAINING),
    ] = "auto",
    backend: Annotated[
        Literal["native", "numpy", "torch"], typer.Option(help="What computes it.", rich_help_panel=_TRAINING)
    ] = "native",
) -> Training:
    if validation is not None and not 0 < validation < 1:
        raise fail(f"--validation is {validation}, accepted is a share between 0 and 1, such as 0.2")
    if folds is None and (l1_ratio is not None or rule is not None):
        raise fail("--l1-ratio and --rule are about the penalty that --folds chooses: write --folds 5 as well")
    if folds is not None and (l1 or l2 or batch_size or plan == "stream" or reduction == "sum"):
        raise fail(
            "--folds chooses the penalty and solves for the model: leave out --l1, --l2, --batch-size, "
            "--plan stream and --reduction sum"
        )
    if folds is not None and (optimizer not in ("auto", "exact") or backend != "native"):
        raise fail("--folds solves for the model: leave out --optimizer and --backend")
    options = {
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "momentum": momentum,
        "n_iters": n_iters,
        "tol": tol,
        "l2": l2,
        "l1": l1,
        "batch_size": batch_size,
        "standardize": standardize,
        "fit_intercept": intercept,
        "reduction": reduction,
        "patience": patience,
        "plan": plan,
        "backend": backend,
        "progress": True,
    }
    path = {"folds": folds, "l1_ratio": 1.0 if l1_ratio is None else l1_ratio, "rule": rule or "min"}
    return Training(options, None if folds is None else path, validation, seed)


TRAINING = Group(_training)
