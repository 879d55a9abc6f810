"""The clock: contenders take turns, so that whatever disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter
from typing import Any

Clock = Callable[[], float]

# A sample may look long because the machine paused; one of less than this many sample lengths is taken again.
_HICCUP = 10
# Even `min_rounds` are given up once the comparison has taken this many times the time allowed.
_PATIENCE = 4


@dataclass(frozen=True)
class Contender:
    """Something that is timed.

    Attributes
    ----------
    name : str
    call : callable
        Takes nothing; one call does the work once.
    before : callable or None
        Run before each sample, outside the time taken: sets a number of threads, say.
    """

    name: str
    call: Callable[[], Any]
    before: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the 20th, 50th and 80th percentile of `samples` samples of `inner` calls each."""

    p20: float
    p50: float
    p80: float
    samples: int
    inner: int


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes
    ----------
    seconds : float
        Time to spend on one comparison.
    min_rounds, max_rounds : int
        Every contender is sampled at least, and at most, so often.
    sample_seconds : float
        A sample repeats a short call until it lasts about this long.
    """

    seconds: float = 1.0
    min_rounds: int = 3
    max_rounds: int = 201
    sample_seconds: float = 1e-3


@dataclass(frozen=True)
class Measurement:
    """What came of a comparison: in each round, the seconds of one call by contender."""

    rounds: tuple[dict[str, float], ...]
    inner: dict[str, int]

    def timing(self, name: str) -> Timing:
        """Percentiles of one contender's time."""
        seconds = [r[name] for r in self.rounds if name in r]
        p20, p50, p80 = (_quantile(seconds, q) for q in (0.2, 0.5, 0.8))
        return Timing(p20, p50, p80, len(seconds), self.inner[name])

    def ratio(self, slower: str, faster: str) -> float:
        """How many times longer `slower` takes than `faster`: the median of the rounds' own ratios.

        A round's contenders ran within moments of one another, so its ratio keeps what a change of clock frequency
        or a busy neighbour takes from the times.
        """
        return statistics.median(r[slower] / r[faster] for r in self.rounds if slower in r and faster in r)


def compare(contenders: Sequence[Contender], effort: Effort, clock: Clock = perf_counter) -> Measurement:
    """Time contenders in turns.

    Each round takes one sample of every contender and starts with the next one, so that none always follows the same
    neighbour. A contender that has had its share of the time sits out further rounds once it has been in
    ``effort.min_rounds`` of them: a slow rival leaves the quick ones their many samples.

    Parameters
    ----------
    contenders : sequence of Contender
        Of different names. The first one is in every round.
    effort : Effort
    clock : callable
        Seconds since some moment.

    Returns
    -------
    Measurement
    """
    with _no_garbage_collection():
        inner = {c.name: _repetitions(c, effort, clock) for c in contenders}
        spent = dict.fromkeys(inner, 0.0)
        rounds: list[dict[str, float]] = []
        while not _enough(len(rounds), sum(spent.values()), effort):
            turn: dict[str, float] = {}
            for contender in _rotated(contenders, len(rounds)):
                tired = spent[contender.name] >= effort.seconds / len(contenders)
                if tired and len(rounds) >= effort.min_rounds and contender is not contenders[0]:
                    continue
                seconds = _sample(contender, inner[contender.name], clock)
                turn[contender.name] = seconds / inner[contender.name]
                spent[contender.name] += seconds
            rounds.append(turn)
    return Measurement(tuple(rounds), inner)


def _enough(rounds: int, spent: float, effort: Effort) -> bool:
    if rounds >= effort.min_rounds:
        return rounds >= effort.max_rounds or spent >= effort.seconds
    return rounds > 0 and spent >= _PATIENCE * effort.seconds


def _rotated(contenders: Sequence[Contender], by: int) -> Iterator[Contender]:
    count = len(contenders)
    return (contenders[(by + k) % count] for k in range(count))


def _sample(contender: Contender, inner: int, clock: Clock) -> float:
    if contender.before is not None:
        contender.before()
    call = contender.call
    start = clock()
    for _ in repeat(None, inner):
        call()
    return clock() - start


def _repetitions(contender: Contender, effort: Effort, clock: Clock) -> int:
    """Calls a sample needs to last `effort.sample_seconds`; finding out warms the contender up."""
    inner = 1
    while True:
        seconds = _sample(contender, inner, clock)
        if seconds >= effort.sample_seconds / 4:
            if seconds < _HICCUP * effort.sample_seconds:
                seconds = min(seconds, _sample(contender, inner, clock))
            if seconds >= effort.sample_seconds / 4:
                return max(1, round(inner * effort.sample_seconds / seconds))
        inner *= 4


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile by linear interpolation between order statistics."""
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])
