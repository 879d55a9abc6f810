"""``gdfast bench``: gdfast beside its rivals, from the tutorial's four samples to beyond the last cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import gdfast
from gdfast.bench import peers
from gdfast.bench.machine import MIB, beyond_cache_bytes
from gdfast.bench.measure import Contender, Effort, compare
from gdfast.bench.problems import Arena, DtypeName, Order, Problem, Shape
from gdfast.bench.report import Row, row_of
from gdfast.bench.threads import limited_to
from gdfast.bench.verify import Reference, check, loss_error, reference

Tick = Callable[[str], None]

TUTORIAL = Shape(4, 1)
# The kernel's cost beside a call's, then a cache level each.
_WITHIN_CACHES = (TUTORIAL, Shape(1_000, 1), Shape(1_000, 16), Shape(1_000, 100), Shape(100_000, 16))
_BEYOND_CACHE_COLUMNS = (1, 7, 16, 100, 1_000)
_QUICK_BYTES = 16 * MIB


@dataclass(frozen=True)
class Settings:
    """What to measure.

    Attributes
    ----------
    shapes : tuple of Shape
    dtype : {"f32", "f64"}
    order : {"C", "F"}
        Memory order of x.
    threads : int
        For gdfast and for its rivals.
    seconds : float
        For the whole run; checking and filling are part of it.
    contenders : tuple of Peer
        Those that are not installed are left out, and on several threads those that run on one.
    """

    shapes: tuple[Shape, ...]
    dtype: DtypeName = "f32"
    order: Order = "C"
    threads: int = 1
    seconds: float = 45.0
    contenders: tuple[peers.Peer, ...] = peers.PEERS

    @property
    def arena_bytes(self) -> int:
        """Memory for x and y of the largest shape."""
        return max(shape.arena_bytes(self.dtype) for shape in self.shapes)

    @property
    def steps(self) -> int:
        """How often `run` calls `tick`."""
        return 2 * len(self.shapes)


def default_shapes(dtype: DtypeName, *, quick: bool = False) -> tuple[Shape, ...]:
    """From 4 × 1 to twice the last-level cache (as far as memory allows), with few and with many columns.

    Parameters
    ----------
    dtype : {"f32", "f64"}
    quick : bool
        Stop at 16 MiB.

    Returns
    -------
    tuple of Shape
    """
    largest = _QUICK_BYTES if quick else beyond_cache_bytes()
    return (*_WITHIN_CACHES, *(Shape.of_size(largest, d, dtype) for d in _BEYOND_CACHE_COLUMNS))


def run(settings: Settings, tick: Tick = lambda text: None) -> list[Row]:
    """Check, then time, shape by shape.

    The three backends and every rival are checked against float64 on a shape before anything is timed on it.

    Parameters
    ----------
    settings : Settings
    tick : callable
        Called with a line on what comes next, `Settings.steps` times.

    Returns
    -------
    list of Row

    Raises
    ------
    DisagreementError
        If a backend or a rival is wrong.
    """
    deadline = perf_counter() + settings.seconds
    contenders = [p for p in peers.installed(settings.contenders) if settings.threads == 1 or not p.one_thread]
    arena = Arena(settings.arena_bytes)
    rows = []
    with limited_to(settings.threads):
        for index, shape in enumerate(settings.shapes):
            tick(f"checking {shape}")
            problem = arena.problem(shape, settings.dtype, settings.order)
            calls = {peer.name: peer.prepare(problem, settings.threads) for peer in contenders}
            truth = reference(problem)
            error_used = _verify(problem, truth, contenders, calls)
            loss_errors = {name: loss_error(call, truth) for name, call in calls.items()}
            tick(f"timing {shape}")
            seconds = (deadline - perf_counter()) / (len(settings.shapes) - index)
            timed = [*(Contender(name, call) for name, call in calls.items()), peers.read_probe(problem)]
            measured = compare(timed, Effort(seconds=max(seconds, settings.seconds / 100)))
            rows.append(row_of(problem, settings.threads, measured, error_used, loss_errors))
    return rows


def _verify(
    problem: Problem, truth: Reference, contenders: Sequence[peers.Peer], calls: dict[str, peers.Call]
) -> float:
    """Check backends and contenders; the largest share of a bound that any error took."""
    used = [check(peer.title, calls[peer.name], problem, truth, plain_sums=peer.plain_sums) for peer in contenders]
    for name in gdfast.backends():
        call = partial(gdfast.backend(name).loss_and_gradient, problem.x, problem.y, problem.w)
        used.append(check(f"the {name} backend", call, problem, truth, plain_sums=name != "native"))
    return max(used)
