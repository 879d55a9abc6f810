"""Messages of `gdfast.fit`, as the command line says them: with its options, the user's columns and the file's rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from gdfast import errors
from gdfast.cli.shell import quoted
from gdfast.cli.tables import listed

# The arguments that are options as well; most are called the same, but for the dashes.
ARGUMENTS = """
optimizer learning_rate momentum n_iters tol l2 l1 batch_size standardize reduction validation patience plan backend
"""
OPTIONS = {name: f"--{name.replace('_', '-')}" for name in ARGUMENTS.split()}
OPTIONS |= {"rng": "--seed", "fit_intercept": "--intercept"}

# Of other functions, or of another meaning; their values aren't said.
_BESIDE_FIT = {"missing": "--drop-missing", "vcov['cluster']": "--cluster"}

_PARTS = ("x", "y", "sample_weight")
_HELD_OUT = {f"validation[{k}]": name for k, name in enumerate(_PARTS)}


class Words(NamedTuple):
    """What `gdfast.fit` was called with, in the user's words."""

    columns: Sequence[str]
    target: str
    weights: str | None
    rows: NDArray[Any]  # the number of each row in the file, from 1; none of files that are read in pieces
    rows_held_out: NDArray[Any] | None

    def said(self, message: object) -> str:
        """A message, or the message of an exception, in these words.

        Examples
        --------
        >>> import numpy as np
        >>> from gdfast.cli.messages import Words
        >>> from gdfast.errors import Argument, Entry, Message
        >>> words = Words(["age", "rooms"], "price", None, np.array([2, 3]), None)
        >>> words.said(Message(Entry("x", (1, 0)), " is nan: write ", Argument("learning_rate", "auto")))
        "row 3 of column 'age' is nan: write --learning-rate auto"
        """
        return errors.said(message, self._spelled)

    def _spelled(self, part: errors.Part) -> str:
        return self._entry(part) if isinstance(part, errors.Entry) else self._argument(part)

    def _argument(self, part: errors.Argument) -> str:
        if part.name in _BESIDE_FIT:
            return _BESIDE_FIT[part.name]
        option = OPTIONS.get(part.name)
        if option is None:
            name = _HELD_OUT.get(part.name, part.name)
            return self._whole(name) + (" of the rows held out" if name != part.name else "")
        if part.value is errors.UNSAID:
            return option
        if part.value is None:
            return f"no {option}"
        if isinstance(part.value, bool):
            return option if part.value else option.replace("--", "--no-", 1)
        return f"{option} {quoted(format(part.value, '.6g') if type(part.value) is float else str(part.value))}"

    def _whole(self, name: str) -> str:
        if name == "x":
            return "the columns"
        column = {"y": self.target, "sample_weight": self.weights}.get(name)
        return name if column is None else f"column {listed([column])}"

    def _entry(self, part: errors.Entry) -> str:
        name = _HELD_OUT.get(part.name, part.name)
        rows = self.rows if name == part.name else self.rows_held_out
        if name in _PARTS and len(part.at) == 1 and rows is not None and not len(rows):
            return f"row {part.at[0]:,} of this piece in {self._whole(name)}"
        if name not in _PARTS or rows is None or not 0 <= part.at[0] < len(rows):
            return str(part)
        column = f"column {listed([self.columns[part.at[1]]])}" if len(part.at) == 2 else self._whole(name)
        return f"row {rows[part.at[0]]:,} of {column}"
