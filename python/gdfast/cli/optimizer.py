"""What the command line does where no optimizer is chosen: it goes for the optimum itself."""

from __future__ import annotations

from typing import Any

from gdfast.plan import moments_fit

CHOICES = ("auto", "exact", "cg", "gd", "momentum", "nesterov", "adam")


def chosen(options: dict[str, Any], d: int, data_bytes: int) -> str:
    """The optimizer for options of `gdfast.fit` among which it may be "auto".

    Parameters
    ----------
    options : dict
    d : int
        Columns of x.
    data_bytes : int
        Size of x.

    Examples
    --------
    >>> from gdfast.cli.optimizer import chosen
    >>> options = {"optimizer": "auto", "learning_rate": "auto", "batch_size": None, "plan": "auto", "l1": 0.0}
    >>> chosen(options, 10, 10**6), chosen(options | {"plan": "stream"}, 10, 10**6)
    ('exact', 'cg')
    >>> chosen(options | {"batch_size": 64, "learning_rate": 0.1}, 10, 10**6)
    'gd'
    """
    if options["optimizer"] != "auto":
        return str(options["optimizer"])
    if options["batch_size"] is not None or options["learning_rate"] != "auto":
        return "gd"  # who says how to step wants steps
    if options["plan"] == "moments" or (options["plan"] == "auto" and moments_fit(d, data_bytes)):
        return "exact"
    return "nesterov" if options["l1"] else "cg"  # conjugate gradients know no l1, and FISTA does
