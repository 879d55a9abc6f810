"""What went wrong when training diverged, and what to write instead; and what would have made a fit easier."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gdfast import containers, digits, optimum, spelled
from gdfast.conversion import Array
from gdfast.descent import GROWTH, Samples
from gdfast.errors import Argument, Entry, Message, joined
from gdfast.storage import widened

if TYPE_CHECKING:
    from gdfast.fit_options import FitArguments
    from gdfast.result import Fit

# Numbers that are looked at together: temporaries of at most 1 MiB.
BLOCK = 2**17

# Scales are estimated on evenly spaced rows, so many and so few numbers that it takes no time.
SAMPLE_ROWS = 1024

# Columns whose scales differ by more slow training down: the smallest one's coefficient converges in a number of passes
# that grows with the square of this ratio.
UNEVEN = 1e3

NAMED = 3  # columns that a message names


class DivergenceError(ArithmeticError):
    """Training took steps so long that its loss grew without bound, or the data held a NaN or an infinity.

    Attributes
    ----------
    fit : Fit
        How far training came, with the losses that grew.

    Examples
    --------
    >>> import gdfast
    >>> try:
    ...     gdfast.fit([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], learning_rate=1.0, backend="numpy")
    ... except gdfast.DivergenceError as error:
    ...     print(error.fit.stop_reason, error.fit.n_iters)
    diverged 6
    """

    fit: Fit
    _of_data = False  # whether a pass over the data has met a NaN or an infinity


class Divergence(NamedTuple):
    """How far a descent came that diverged."""

    losses: NDArray[np.float64]
    loss: float
    learning_rate: float
    zero_loss: float  # at w = b = 0

    @property
    def in_a_pass(self) -> bool:
        """Whether a pass found it; else the objective after the last one did."""
        return len(self.losses) > 0 and not self.losses[-1] <= GROWTH * max(self.losses[0], self.zero_loss)

    @property
    def objective(self) -> float:
        """The value that gave it away."""
        return float(self.losses[-1]) if self.in_a_pass else self.loss


def diagnose(
    arguments: FitArguments, reached: Divergence, curvature: float, far_columns: tuple[int, ...] = ()
) -> Message:
    """The message of a `DivergenceError` for data that is finite.

    `curvature` is L, or NaN where it isn't finite; `far_columns` are those that `digits.far_columns` has found.
    """
    done = len(reached.losses)
    place = f"in pass {done} of {arguments.options.n_iters}" if reached.in_a_pass else f"after pass {done}"
    start = f" (at first {reached.losses[0]:.6g})" if done > 1 else ""
    sentences = [
        Message(
            f"training diverged {place} with ",
            Argument("learning_rate", reached.learning_rate),
            f": the objective is {reached.objective:.6g}{start}.",
        ),
        *(
            [Message(digits.lost(arguments, far_columns), ".")]
            if far_columns
            else [_stability(arguments, curvature), _largest_columns(arguments), _remedy(arguments, curvature)]
        ),
    ]
    return joined(sentences)


def refuse_not_finite(arguments: FitArguments, validation: bool = False) -> None:
    """Raise a `DivergenceError` that names the first NaN or infinity of the data, if there is one."""
    samples, asked, names = arguments.train, arguments.asked, spelled.NAMES
    if validation:
        assert arguments.validation is not None
        samples, names = arguments.validation, spelled.VALIDATION
        asked = spelled.Asked.of(arguments.given_validation, arguments.columns)
    if samples.x is None and samples.gram is not None and not np.isfinite(samples.gram.matrix).all():
        raise DivergenceError("the moments hold a NaN or an infinity, as the data must have that they were taken of")
    for name, array, how in zip(names, samples[:3], spelled.spelled(asked, names), strict=True):
        position = None if array is None else first_not_finite(array)
        if array is None or position is None:
            continue
        found = widened(array[position[:1]])[position[1:]]
        if array.ndim == 2 and arguments.one_column:
            array = array[:, 0]
        keep = containers.finite_rows(how.code, how.kind, array)
        rows = spelled.kept_rows(asked, names)
        raise DivergenceError(
            Message(
                *_place(arguments, name, position[: array.ndim]),
                f" is {found}, and no loss is finite with it: leave out such rows (keep = {keep}, then "
                f"{', '.join(rows)}), or fill them in",
            )
        )


def _place(arguments: FitArguments, name: str, position: tuple[int, ...]) -> tuple[object, ...]:
    entry = Entry(name, position)
    if len(position) == 2 and arguments.columns is not None:
        return (entry, f" (column {arguments.columns[position[1]]!r}, row {position[0]})")
    return (entry,)


def first_not_finite(array: Array) -> tuple[int, ...] | None:
    """The index of the first entry that is NaN or infinite, by rows."""
    rows = max(1, BLOCK // (array[0].size or 1))
    for start in range(0, len(array), rows):
        finite = np.isfinite(widened(array[start : start + rows]))
        if not finite.all():
            first = np.unravel_index(int(np.argmin(finite)), finite.shape)
            return (start + int(first[0]), *map(int, first[1:]))
    return None


def advice(arguments: FitArguments) -> tuple[str, ...]:
    """What would make training faster, for `Report.advice`."""
    options = arguments.options
    scaled = arguments.standardize or (options.optimizer == "cg" and arguments.b is not None and options.l2 == 0)
    if scaled or arguments.w.size == 1 or options.optimizer == "exact":
        return ()
    scales = column_scales(arguments.train)
    usable = np.isfinite(scales) & (scales > 0)
    if usable.sum() < 2:
        return ()
    ratio = scales[usable].max() / scales[usable].min()
    if not ratio > UNEVEN:
        return ()
    largest = int(np.argmax(np.where(usable, scales, -np.inf)))
    smallest = int(np.argmin(np.where(usable, scales, np.inf)))
    return (
        Message(
            f"the scales of the columns differ by a factor of {ratio:.1g}, from {_named(arguments, smallest, scales)} "
            f"to {_named(arguments, largest, scales)}: gradient descent is slow along the small ones. Write ",
            Argument("standardize", True),
        ),
    )


def column_scales(train: Samples) -> NDArray[np.float64]:
    """The root mean square of each column, on evenly spaced rows: their squares are the Hessian's diagonal."""
    scales: NDArray[np.float64]
    with np.errstate(over="ignore", invalid="ignore"):
        if train.x is None:
            assert train.gram is not None
            scales = np.sqrt(np.diag(optimum.moved(train.gram))[:-2] / train.gram.matrix[-2, -2])
            return scales
        n, d = train.x.shape
        rows = min(n, SAMPLE_ROWS, max(16, BLOCK // d))
        step = n // rows
        total = np.zeros(d)
        together = max(1, BLOCK // d)
        for start in range(0, rows, together):
            some = slice(start * step, min(rows, start + together) * step, step)
            block = widened(train.x[some]).astype(np.float64)
            total += np.einsum("ij,ij->j", block, block)
        scales = np.sqrt(total / rows)
        return scales


def _stability(arguments: FitArguments, curvature: float) -> str:
    """Which learning rates don't diverge.

    Along an eigenvector of the Hessian with eigenvalue h, and with a = learning rate * h, each optimiser is a linear
    recurrence in p (the distance from the optimum), stable where the roots of its characteristic polynomial
    z² - tz + q are inside the unit circle: |q| < 1 and |t| < 1 + q.

    gd        p' = (1 - a)p                                                           a < 2
    momentum  p'' = (1 + m - a)p' - mp: t = 1 + m - a, q = m                          a < 2(1 + m)
    nesterov  p'' = (1 + m)(1 - a)p' - m(1 - a)p: t = (1 + m)(1 - a), q = m(1 - a)    a < (2 + 2m) / (1 + 2m)
    fista     nesterov with m that grows to 1                                         a < 4/3
    """
    if arguments.options.optimizer in ("cg", "exact"):
        return ""
    if arguments.options.optimizer == "adam":
        return "Adam moves each coefficient by up to about the learning rate a step."
    if not np.isfinite(curvature):
        return "The squares of the data are beyond the range of its dtype."
    if curvature == 0:
        return ""
    factor, formula = largest_stable(arguments.options.optimizer, arguments.options.momentum)
    rate = factor / curvature
    batches = " for all of the data at once, and less for batches" if arguments.options.batch_size else ""
    return f"The largest stable learning rate is {rate:.4g}{batches} ({formula}, with L the largest curvature)."


def largest_stable(optimizer: str, momentum: float) -> tuple[float, str]:
    """The largest stable learning rate as a multiple of 1/L, and as a formula."""
    return {
        "gd": (2.0, "2/L"),
        "momentum": (2 * (1 + momentum), "2(1 + momentum)/L"),
        "nesterov": ((2 + 2 * momentum) / (1 + 2 * momentum), "(2 + 2 momentum)/((1 + 2 momentum) L)"),
        "fista": (4 / 3, "4/(3L)"),
    }[optimizer]


def _largest_columns(arguments: FitArguments) -> str:
    scales = column_scales(arguments.train)
    order = np.argsort(-scales, kind="stable")[:NAMED]
    listed = ", ".join(_named(arguments, int(j), scales) for j in order)
    return f"{'The columns' if len(order) > 1 else 'The column'} of largest scale (root mean square): {listed}."


def _named(arguments: FitArguments, j: int, scales: NDArray[np.float64]) -> str:
    return f"{arguments.name(j)} ({scales[j]:.4g})"


def _remedy(arguments: FitArguments, curvature: float) -> Message:
    standardize = Argument("standardize", True)
    with np.errstate(over="ignore"):
        squares = column_scales(arguments.train) ** 2
    if not np.isfinite(squares).all():
        return Message("Scale the columns down.")
    if not np.isfinite(curvature) and arguments.options.optimizer != "adam":  # they are finite in float64 alone
        if arguments.standardize:
            return Message("Scale the columns down.")
        return Message("Write ", standardize, ", or scale the columns down.")
    if arguments.options.optimizer == "adam" or arguments.options.batch_size:
        rate = Message("a smaller ", Argument("learning_rate"))
    else:
        rate = Message(Argument("learning_rate", "auto"))
        if not _is_stable_standardized(arguments):
            return Message("Write ", rate, ".")
    return Message("Write ", rate, *(() if arguments.standardize else (" or ", standardize)), ".")


def _is_stable_standardized(arguments: FitArguments) -> bool:
    """Whether the learning rate is sure to be small enough for columns of standard deviation 1, for any optimiser.

    The curvature is then at most 2 (d + 1 + l2), and Nesterov's limit, the lowest, 4/3 of its inverse.
    """
    options = arguments.options
    return options.reduction == "mean" and options.learning_rate * (arguments.w.size + 1 + options.l2) < 2 / 3
