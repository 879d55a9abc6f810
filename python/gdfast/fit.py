"""Training with a backend chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gdfast import fit_options, training
from gdfast._path import planning
from gdfast._path.request import request
from gdfast.backends import backend as backend_by_name
from gdfast.containers import Exporter
from gdfast.defaults import LEARNING_RATE, N_ITERS, OPTIMIZER
from gdfast.plan import Cost, Explanation, PlanName
from gdfast.result import Fit
from gdfast.scan import Scan
from gdfast.step import Callback, Step

__all__ = ["Fit", "Step", "explain", "fit"]

# Options that `gdfast.path` has and `fit` hasn't: where there is one, it is a path that is to be explained.
_OF_A_PATH = frozenset(("folds", "groups", "l1_ratio", "penalties", "n_penalties", "rule"))


def fit(
    x: ArrayLike | Exporter | Scan,
    y: ArrayLike | str | None = None,
    *,
    w0: ArrayLike | None = None,
    b0: float | None = None,
    fit_intercept: bool = False,
    learning_rate: float | str = LEARNING_RATE,
    n_iters: int = N_ITERS,
    optimizer: str = OPTIMIZER,
    momentum: float = 0.9,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    batch_size: int | None = None,
    shuffle: bool = True,
    rng: int | np.random.Generator | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    sample_weight: ArrayLike | str | None = None,
    standardize: bool = False,
    reduction: str = "mean",
    tol: float | None = None,
    validation: tuple[ArrayLike, ...] | None = None,
    patience: int = 10,
    callback: Callback | None = None,
    progress: bool = False,
    plan: str = "auto",
    columns: Sequence[str] | None = None,
    missing: str = "error",
    backend: str = "native",
) -> Fit:
    r"""Train ``y ≈ x @ w + b`` by gradient descent, or solve for it.

    What is lowered is the objective :math:`L + \lambda_2 \|w\|^2 + \lambda_1 \|w\|_1`. L is the loss
    :math:`\sum_i s_i r_i^2 / \sum_i s_i` of the residuals :math:`r = x w + b - y`, for sample weights s; without the
    division for ``reduction="sum"``. b is never penalised. A pass reads the data once; with ``optimizer="gd"`` it moves
    w by :math:`-\eta` times the gradient, where :math:`\eta` is the learning rate, and b likewise.

    Parameters
    ----------
    x : array of shape (n,) or (n, d), table, or scan
        Data, in any memory layout, which is not copied: float32 and float64 as they are, float16 and bfloat16 computed
        in float32, integers and booleans in float64. Lists become float64. Or a table of pandas, polars, pyarrow,
        DuckDB or whatever exports Arrow, whose columns are read where they lie, each of its own dtype; or a
        `gdfast.scan`.
    y : array of shape (n,), or the name of a column of x
        Targets.
    w0 : number for (n,) x, array of shape (d,) for (n, d) x, optional
        Where w starts. Zeros by default.
    b0 : number, optional
        Where b starts, with ``fit_intercept=True``. 0 by default.
    fit_intercept : bool, default False
        Whether there is a b.
    learning_rate : float or "auto", default 0.01
        Length of a step, as a multiple of the gradient. Above 0. ``"auto"`` is 1/L, L an upper bound on the largest
        eigenvalue of the Hessian of loss and l2; with it, training doesn't diverge. It costs nothing where there are
        moments, one read of x up to 256 columns, and some twenty passes beyond. ``"cg"`` and ``"exact"`` need none.
    n_iters : int, default 100
        Passes over the data. With 0 the objective is evaluated, and nothing else happens.
    optimizer : {"gd", "momentum", "nesterov", "adam", "cg", "exact"}, default "gd"
        How a step follows from the gradient: as in ``torch.optim.SGD`` (with ``momentum``, and ``nesterov=True``) and
        ``torch.optim.Adam``. ``"nesterov"`` with l1 is FISTA: ``losses`` are then of the points at which it takes the
        gradient. ``"cg"``, conjugate gradients, gets to the optimum in one pass more than there are parameters, but for
        rounding, without a learning rate; l1 and mini-batches it can't do. ``"exact"`` solves for the optimum from the
        moments of one read (of nearly collinear float64 columns with a correction from a second), also with l1; where
        columns depend on one another it chooses the smallest coefficients, and says so in the report. Whether they
        do is looked up in float64 samples (a second read; a third where they only nearly do).
    momentum : float, default 0.9
        What ``"momentum"`` and ``"nesterov"`` keep of earlier steps, from 0 to below 1. FISTA has its own.
    betas : (float, float), default (0.9, 0.999)
        What Adam keeps of its means of the gradient and of its square, from 0 to below 1.
    eps : float, default 1e-8
        What Adam adds to the root of the latter.
    batch_size : int, optional
        Rows of a mini-batch, of which each makes an update of its own; the last one of a pass may be smaller. All rows
        by default.
    shuffle : bool, default True
        Whether each pass draws the order of the rows for the mini-batches: ``rng.permutation(n)``.
    rng : int or numpy.random.Generator, optional
        What draws it: a generator, or the seed of one.
    l2, l1 : float, default 0
        What the coefficients cost. l1 sets coefficients to 0: it is a soft threshold after each update, with
        ``"gd"`` and ``"nesterov"``.
    sample_weight : array of shape (n,), or the name of a column of x, optional
        What each row counts: 0 or more. 1 by default.
    standardize : bool, default False
        Whether to descend in columns of mean 0 and standard deviation 1, in which one learning rate suits all. w0 and
        b0, w and b are always those of x itself; learning rate and penalties act on the standardised coefficients.
        Without an intercept nothing can be subtracted, and the root mean square is made 1.
    reduction : {"mean", "sum"}, default "mean"
        Whether the loss is the mean over the samples, or their sum: then a step is n times as long.
    tol : float, optional
        Stop when the objective of a pass differs from the one before by at most this share of it.
    validation : (x, y) or (x, y, sample_weight), optional
        Data on which the loss is taken after each pass. w and b of the result are those where it was lowest.
    patience : int, default 10
        Stop after so many passes without a lower validation loss.
    callback : callable, optional
        Called after each pass with a `Step`. Training stops when it returns True.
    progress : bool, default False
        Whether to show a progress bar on stderr.
    plan : {"auto", "stream", "moments"}, default "auto"
        ``"stream"`` reads the data in every pass. ``"moments"`` reads it once, for the sums that least squares depends
        on, and iterates on these: the same steps up to rounding. ``"auto"`` takes what `explain` says is cheaper;
        ``"exact"`` always takes ``"moments"``, and what else the backends ``"numpy"`` and ``"torch"`` do, and
        mini-batches, ``"stream"``.
    columns : list of str, optional
        The columns of x, where it is a table or a scan: in this order. By default all but y and sample_weight.
    missing : {"error", "drop"}, default "error"
        What to do about nulls of a table: refuse them, or leave such rows out. (NaN is a number, as in arrays.)
    backend : {"native", "numpy", "torch"}, default "native"
        What computes it: see `gdfast.backend`.

    Returns
    -------
    Fit
        w and b, the objective of each pass, why training stopped, how far from the optimum it is, and a report.

    Warns
    -----
    ConvergenceWarning
        When the fit hasn't arrived and ``optimizer``, ``learning_rate`` and ``n_iters`` were all left out; or when
        streamed columns are so far from 0 that their dtype has too few digits, or columns so small that their squares
        are 0. The report has the same words.

    Raises
    ------
    ValueError, TypeError
        When an argument is not as above, or doesn't go with another. The message says what is accepted.
    ImportError
        When the backend can't run here.
    DivergenceError
        When the objective is not finite, or more than 10¹⁰ times what training began with. The message says what to
        write instead, and the fit so far is its attribute ``fit``.
    KeyboardInterrupt
        On Ctrl-C. The fit so far is its attribute ``fit``. The same holds for whatever the callback raises.

    Notes
    -----
    What goes together, and what else is a ValueError:

    ==============  ======================  =====================  ============  =======================
    ``optimizer``   ``learning_rate``       l1                     batch_size    plans
    ==============  ======================  =====================  ============  =======================
    ``"gd"``        a number or ``"auto"``  yes (ISTA)             yes           both
    ``"momentum"``  a number or ``"auto"``  no                     yes           both
    ``"nesterov"``  a number or ``"auto"``  yes (FISTA)            yes, or l1    both
    ``"adam"``      a number                no                     yes           both
    ``"cg"``        has no say              no                     no            both
    ``"exact"``     has no say              yes                    no            ``"moments"``
    ==============  ======================  =====================  ============  =======================

    Mini-batches go with a number for ``learning_rate`` and with ``plan="stream"``; l2, weights, an intercept and
    ``standardize`` with all of them.

    Examples
    --------
    >>> import gdfast
    >>> fit = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8], n_iters=100)
    >>> round(fit.w, 3), fit.losses[0], fit.n_iters
    (2.0, np.float64(30.0), 100)

    Stop as soon as the loss is small:

    >>> fit = gdfast.fit([1, 2, 3, 4], [2, 4, 6, 8], callback=lambda step: step.loss < 1e-3)
    >>> fit.n_iters, fit.stop_reason
    (33, 'callback')

    Columns of different scales, and no learning rate to choose:

    >>> x = [[1.0, 200.0], [2.0, 100.0], [3.0, 400.0], [4.0, 300.0]]
    >>> fit = gdfast.fit(x, [5.0, 6.0, 11.0, 12.0], fit_intercept=True, standardize=True, learning_rate="auto")
    >>> fit.w.round(6), round(fit.b, 6)
    (array([2.  , 0.01]), 1.0)
    """
    # As `Backend.fit`, without handing two dozen options down once more: on four samples it shows.
    arguments = fit_options.check(
        x,
        y,
        w0=w0,
        b0=b0,
        fit_intercept=fit_intercept,
        learning_rate=learning_rate,
        n_iters=n_iters,
        optimizer=optimizer,
        momentum=momentum,
        betas=betas,
        eps=eps,
        batch_size=batch_size,
        shuffle=shuffle,
        rng=rng,
        l2=l2,
        l1=l1,
        sample_weight=sample_weight,
        standardize=standardize,
        reduction=reduction,
        tol=tol,
        validation=validation,
        patience=patience,
        callback=callback,
        progress=progress,
        plan=plan,
        columns=columns,
        missing=missing,
    )
    return training.train(backend_by_name(backend), arguments)


def explain(
    x: ArrayLike | Exporter | Scan,
    y: ArrayLike | str | None = None,
    *,
    n_iters: int = 100,
    backend: str = "native",
    **options: Any,
) -> Explanation:
    """Say how `fit` or `path` with these arguments would read the data, and what that costs. Reads none of it.

    Parameters
    ----------
    x, y, n_iters, backend
        As for `fit`.
    **options
        Any other option of `fit`; or options of `path`, of which ``folds``, ``l1_ratio``, ``penalties``,
        ``n_penalties``, ``groups`` or ``rule`` says that it is one.

    Returns
    -------
    Explanation
        The plan, why, and the bytes and seconds that each plan would take.

    Raises
    ------
    ValueError, TypeError, ImportError
        As `fit` or `path` would.

    Examples
    --------
    >>> import numpy as np
    >>> import gdfast
    >>> x = np.broadcast_to(np.float32(1), (1_000_000, 16))
    >>> gdfast.explain(x, x[:, 0], n_iters=1_000).plan
    'moments'
    >>> gdfast.explain(x, x[:, 0], n_iters=1_000, batch_size=64).plan
    'stream'
    >>> gdfast.explain(x, x[:, 0], folds=5).costs["moments"].bytes_read  # one read
    68000000
    """
    if _OF_A_PATH & options.keys():
        asked = request(x, y, **options)
        found = planning.explain(asked.plan, asked.size)
        if asked.passes is None:
            return found
        costs: dict[PlanName, Cost] = {} if asked.passes.rows is None else {"moments": found.costs["moments"]}
        return Explanation("moments", "a path of a scan is solved from the moments of one pass", costs)
    return training.explanation(backend_by_name(backend), fit_options.check(x, y, n_iters=n_iters, **options))
