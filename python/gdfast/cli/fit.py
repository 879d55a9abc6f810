"""``gdfast fit``: from a table in a file to a model in a file."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import gdfast
from gdfast.cli import optimizer, tables
from gdfast.cli.console import fail, note
from gdfast.cli.cross_validation import cross_validated
from gdfast.cli.data import Chosen, Data, Samples, samples_of, split
from gdfast.cli.hand_out import Outputs, check, hand_out
from gdfast.cli.messages import Words
from gdfast.cli.printed import Trained, of_rows
from gdfast.cli.training_options import Training


def run(paths: Sequence[Path], data: Data, outputs: Outputs, training: Training) -> None:
    """Train on the one file, write what was asked for, and print the model and how it came about."""
    options = training.options
    check(outputs, options)
    try:
        chosen = samples_of(data)
        train, held_out = chosen.samples, None
        if training.held_out is not None:
            train, held_out = split(train, training.held_out, training.seed)
    except tables.TableError as error:
        raise fail(str(error)) from None
    for message in chosen.notes:
        note(message)

    validated: gdfast.Path | None = None
    options = {**options, "rng": training.seed}
    if training.path is None:
        trained = _trained(data.path, chosen, train, held_out, options)
    else:
        trained, validated = cross_validated(data.path, chosen, train, held_out, options, training.path)
    hand_out(trained, outputs, validated)


def _trained(path: Path, chosen: Chosen, train: Samples, held_out: Samples | None, options: dict[str, Any]) -> Trained:
    rows_held_out = None if held_out is None else held_out.in_file
    words = Words(chosen.names, chosen.target, chosen.weights, train.in_file, rows_held_out)
    if options.get("batch_size") is not None:  # batches take rows here and there
        train = replace(train, x=np.ascontiguousarray(train.x))
    options = options | {"optimizer": optimizer.chosen(options, len(chosen.names), train.x.nbytes)}
    validation: tuple[tables.Array, ...] | None = None
    if held_out is not None:
        s = held_out.sample_weight
        validation = (held_out.x, held_out.y) if s is None else (held_out.x, held_out.y, s)
    x = tables.Columns(train.x, words.columns)
    weights = train.sample_weight
    fit = fitted(words, lambda: gdfast.fit(x, train.y, sample_weight=weights, validation=validation, **options))
    return of_rows(path, chosen, train, held_out, options, words, fit)


def fitted(words: Words, train: Callable[[], gdfast.Fit]) -> gdfast.Fit:
    """What `train` returns, or what Ctrl-C left of it; its errors in the user's words."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", gdfast.ConvergenceWarning)
            done = train()
    except gdfast.DivergenceError as error:
        raise fail(words.said(error), status=2 if error._of_data else 1) from None
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
    for warning in caught:  # of which the place in a program's text tells nobody here anything
        note(words.said(warning.message))
    return done
