"""The options of `Fit.summary`, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gdfast import checks
from gdfast.errors import Argument, Message
from gdfast.wording import shown, type_name

WEIGHTS = ("analytic", "frequency")
KINDS = ("iid", "HC0", "HC1")


class Covariance(NamedTuple):
    """What was asked for, checked."""

    kind: str  # "iid", "HC0", "HC1", "cluster"
    ids: Any = None


def asked_covariance(vcov: Any) -> Covariance:
    accepted = "accepted are 'iid', 'HC0', 'HC1' and {'cluster': ids}"
    if isinstance(vcov, Mapping):
        if set(vcov) != {"cluster"}:
            raise ValueError(Message(Argument("vcov"), f" has the keys {shown(list(vcov))}, {accepted}"))
        return Covariance("cluster", vcov["cluster"])
    if not isinstance(vcov, str):
        raise TypeError(Message(Argument("vcov"), f" is of type {type_name(vcov)}, {accepted}"))
    if vcov not in KINDS:
        raise ValueError(Message(Argument("vcov"), f" is {shown(vcov)}, {accepted}"))
    return Covariance(vcov)


def asked_level(level: Any) -> float:
    share = checks.number("level", level, "a share between 0 and 1, such as 0.95", positive=True)
    if share >= 1:
        raise ValueError(f"level is {share:g}, accepted is a share between 0 and 1, such as 0.95")
    return share
