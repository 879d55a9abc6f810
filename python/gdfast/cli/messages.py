"""Messages of `gdfast.fit`, as the command line says them."""

from __future__ import annotations

import re

_ARGUMENTS = (
    "learning_rate|n_iters|optimizer|momentum|batch_size|l1|l2|standardize|reduction|tol|patience|plan|backend|rng"
)


def as_options(message: str) -> str:
    """A message of `gdfast.fit` with its arguments written as they are on the command line."""
    message = re.sub(rf"\b({_ARGUMENTS})=(None|True|False|'[^']*'|[\w+-]+(?:\.\w[\w+-]*)*)", _option, message)
    return re.sub(rf"\b({_ARGUMENTS}) (is|has)\b", lambda found: f"{_dashed(found[1])} {found[2]}", message)


def _option(found: re.Match[str]) -> str:
    name, value = _dashed(found[1]), found[2].strip("'")
    words = {"None": f"no {name}", "True": name, "False": name.replace("--", "--no-", 1)}
    return words.get(value, f"{name} {value}")


def _dashed(argument: str) -> str:
    return "--seed" if argument == "rng" else f"--{argument.replace('_', '-')}"
