"""An exception of any kind comes out of a fit with the fit so far on it."""

from __future__ import annotations

import dataclasses
from typing import Any, NoReturn

import pytest

import gdfast


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int = 7


class Slots(Exception):
    __slots__ = ("code",)


class Sealed(Exception):
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise KeyboardInterrupt(f"no {name} here")


class Empty(Exception):
    """As a collection of errors may be."""

    def __len__(self) -> int:
        return 0


class Undecided(Exception):
    def __bool__(self) -> bool:
        raise ValueError("neither true nor false")

    def __eq__(self, other: object) -> bool:
        raise ValueError("not to be compared")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("kind", [Frozen, Slots, Sealed, Empty, Undecided])
def test_an_exception_of_any_kind_comes_out_with_the_fit(backend: Any, kind: type[Exception]) -> None:
    raised = kind()

    def fail(step: gdfast.Step) -> NoReturn:
        raise raised

    with pytest.raises(kind) as caught:
        backend.fit([1.0, 2.0], [1.0, 2.0], callback=fail)
    assert caught.value is raised
    assert caught.value.fit.n_iters == 1  # type: ignore[attr-defined]
    assert caught.value.__context__ is None


@pytest.mark.parametrize("sealed", [False, True])
def test_an_exception_with_a_fit_of_its_own_gets_a_note(backend: Any, sealed: bool) -> None:
    class Misfit(Sealed if sealed else Exception):  # type: ignore[misc]
        @property
        def fit(self) -> str:
            return "too tight"

    def fail(step: gdfast.Step) -> NoReturn:
        raise raised

    raised = Misfit()
    with pytest.raises(Misfit) as caught:
        backend.fit([1.0, 2.0], [1.0, 2.0], callback=fail)
    assert caught.value is raised
    assert raised.fit == "too tight"
    (note,) = raised.__notes__
    assert note.startswith(
        "The fit so far: Fit(w=0.05, b=None, loss=2.5, gap=None, n_iters=1, stop_reason='interrupted'"
    )
