"""The measuring tools: problems, the check before every timing, the clock, the machine."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import gdfast
from gdfast.bench import machine, peers, threads
from gdfast.bench.measure import Clock, Contender, Effort, Measurement, compare
from gdfast.bench.problems import DTYPES, Arena, DtypeName, Order, Problem, Shape
from gdfast.bench.verify import DisagreementError, check, loss_error, reference

pytest.importorskip("rich")
pytest.importorskip("matplotlib")

SHAPES = [Shape(4, 1), Shape(1_000, 1), Shape(100_003, 3), Shape(67, 5_000), Shape(301, 33)]
DTYPE_NAMES: list[DtypeName] = ["f32", "f64"]
ORDERS: list[Order] = ["C", "F"]


def problem_of(shape: Shape, dtype: DtypeName = "f32", order: Order = "C") -> Problem:
    return Arena(shape.arena_bytes(dtype)).problem(shape, dtype, order)


class FakeTime:
    """A clock that only moves when a contender runs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def contender(self, name: str, seconds: float, **more: Any) -> Contender:
        def call() -> None:
            self.now += seconds
            self.log.append(name)

        return Contender(name, call, **more)

    @property
    def clock(self) -> Clock:
        return lambda: self.now


# --- problems


@pytest.mark.parametrize(("text", "shape"), [("4x1", Shape(4, 1)), (" 1_000×16", Shape(1000, 16))])
def test_a_shape_is_read_from_text(text: str, shape: Shape) -> None:
    assert Shape.parse(text) == shape


@pytest.mark.parametrize("text", ["", "4", "4x", "x4", "0x1", "1x0", "-1x2", "1.5x2", "2x3x4", "axb"])
def test_a_shape_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rows x columns, such as 1000x16"):
        Shape.parse(text)


@pytest.mark.parametrize("d", [1, 7, 100, 20_000])
def test_a_shape_of_a_given_size_has_about_that_size(d: int) -> None:
    shape = Shape.of_size(100_000_000, d, "f64")
    assert shape.arena_bytes("f64") == pytest.approx(100_000_000, rel=0.1)
    assert len(str(shape.n).rstrip("0")) <= 2


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_problem_is_laid_out_as_asked(shape: Shape, dtype: DtypeName, order: Order) -> None:
    problem = problem_of(shape, dtype, order)
    assert problem.x.shape == ((shape.n,) if shape.d == 1 else (shape.n, shape.d))
    assert problem.x.flags.f_contiguous if order == "F" else problem.x.flags.c_contiguous
    assert problem.x.dtype == problem.y.dtype == DTYPES[dtype]
    assert problem.x.ctypes.data % 64 == problem.y.ctypes.data % 64 == 0
    assert np.isfinite(problem.x).all()
    assert np.std(problem.x) == pytest.approx(1, abs=0.8)


@pytest.mark.parametrize("offset", [0, 16, 48])
def test_arrays_start_where_they_are_asked_to(offset: int) -> None:
    shape = Shape(1_003, 7)
    problem = Arena(shape.arena_bytes("f32")).problem(shape, offset=offset)
    assert problem.x.ctypes.data % 64 == problem.y.ctypes.data % 64 == problem.offset == offset
    assert check("gdfast", peers.NATIVE.prepare(problem), problem, reference(problem)) < 1


def test_the_error_of_a_loss_is_relative() -> None:
    problem = problem_of(Shape(1_000, 3))
    truth = reference(problem)
    assert loss_error(lambda: (truth.loss * 1.25, None), truth) == pytest.approx(0.25)
    assert loss_error(peers.NATIVE.prepare(problem), truth) < 1e-6


def test_the_probed_memory_is_x_and_y() -> None:
    problem = problem_of(Shape(1_003, 7))
    total = problem.x.sum(dtype=np.float64) + problem.y.sum(dtype=np.float64)
    assert problem.memory.sum(dtype=np.float64) == pytest.approx(total, rel=1e-12)
    assert peers.read_probe(problem).call() == pytest.approx(total, rel=1e-4)
    assert problem.memory.nbytes - problem.nbytes < 128


def test_rows_repeat_but_not_with_the_same_target() -> None:
    problem = problem_of(Shape(200_000, 5))
    rows = problem.tile_rows
    assert np.array_equal(problem.x[:rows], problem.x[rows : 2 * rows])
    assert not np.array_equal(problem.y[:rows], problem.y[rows : 2 * rows])


def test_an_arena_says_that_it_is_too_small() -> None:
    with pytest.raises(ValueError, match=r"1,000 × 16 f32 needs \d+ bytes, the arena has 100"):
        Arena(100).problem(Shape(1_000, 16))


# --- the check before every timing


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_reference_is_a_plain_float64_computation(shape: Shape, order: Order) -> None:
    problem = problem_of(shape, "f32", order)
    x = problem.x.astype(np.float64).reshape(shape.n, shape.d)
    w, y = np.asarray(problem.w, dtype=np.float64).reshape(shape.d), problem.y.astype(np.float64)
    r, size = x @ w - y, np.abs(x) @ np.abs(w) + np.abs(y)
    truth = reference(problem)
    assert truth.loss == pytest.approx(r @ r / shape.n, rel=1e-12)
    np.testing.assert_allclose(truth.grad, 2 / shape.n * (r @ x), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(truth.grad_scale, 2 / shape.n * (size @ np.abs(x)), rtol=1e-12)
    assert truth.loss_scale == pytest.approx(size @ size / shape.n, rel=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize("peer", [*peers.PEERS, peers.TUTORIAL_NUMPY], ids=lambda peer: peer.name)
def test_every_contender_is_right(peer: peers.Peer, dtype: DtypeName, order: Order) -> None:
    if not peer.installed():
        pytest.skip(f"{peer.title} is not installed")
    for shape in SHAPES:
        problem = problem_of(shape, dtype, order)
        call = peer.prepare(problem)
        assert check(peer.title, call, problem, reference(problem), plain_sums=peer.plain_sums) < 1


def test_a_package_that_fails_to_import_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not peers.Numba().installed()
    assert [peer.name for peer in peers.installed((peers.NATIVE, peers.Numba()))] == ["native"]


@pytest.mark.parametrize("shape", [Shape(1_003, 1), Shape(1_003, 7)], ids=str)
@pytest.mark.parametrize("order", ORDERS)
def test_numba_on_two_threads_is_right(shape: Shape, order: Order) -> None:
    pytest.importorskip("numba")
    problem = problem_of(shape, "f32", order)
    call = peers.Numba().prepare(problem, threads=2)
    assert check("Numba", call, problem, reference(problem), plain_sums=True) < 1


def spoilt(kind: str, problem: Problem) -> tuple[Any, Any]:
    loss, grad = gdfast.loss_and_gradient(problem.x, problem.y, problem.w)
    if kind == "a row left out":
        return gdfast.loss_and_gradient(problem.x[1:], problem.y[1:], problem.w)
    if kind == "sum instead of mean":
        return gdfast.loss_and_gradient(problem.x, problem.y, problem.w, reduction="sum")
    if kind == "NaN":
        return loss, np.full_like(grad, np.nan)
    if kind == "wrong loss":
        return loss * (1 + 1e-4), grad
    return loss, grad[:-1]


@pytest.mark.parametrize("kind", ["a row left out", "sum instead of mean", "NaN", "wrong loss", "an entry left out"])
def test_a_wrong_result_is_found(kind: str) -> None:
    problem = problem_of(Shape(1_000, 17))
    with pytest.raises(DisagreementError, match=r"the culprit.* on 1,000 × 17"):
        check("the culprit", partial(spoilt, kind, problem), problem, reference(problem))


# --- the clock


def test_times_are_those_of_one_call() -> None:
    time = FakeTime()
    contenders = [time.contender("a", 2e-6), time.contender("b", 6e-6), time.contender("c", 0.5)]
    measured = compare(contenders, Effort(seconds=2, sample_seconds=1e-3), time.clock)
    for name, seconds in (("a", 2e-6), ("b", 6e-6), ("c", 0.5)):
        timing = measured.timing(name)
        assert (timing.p20, timing.p50, timing.p80) == pytest.approx((seconds, seconds, seconds), rel=1e-6)
    assert measured.ratio("b", "a") == pytest.approx(3, rel=1e-6)
    assert measured.inner == {"a": 500, "b": 167, "c": 1}


def test_a_slow_contender_leaves_the_others_their_samples() -> None:
    time = FakeTime()
    measured = compare([time.contender("quick", 0.01), time.contender("slow", 2.0)], Effort(seconds=10), time.clock)
    assert measured.timing("slow").samples == 3
    assert measured.timing("quick").samples == 201
    assert measured.ratio("slow", "quick") == pytest.approx(200)


def test_patience_ends_before_the_rounds_do() -> None:
    time = FakeTime()
    measured = compare([time.contender("a", 10.0)], Effort(seconds=1, min_rounds=5), time.clock)
    assert measured.timing("a").samples == 1


def test_contenders_take_turns_in_changing_order() -> None:
    time = FakeTime()
    names = "abc"
    compare([time.contender(name, 1.0) for name in names], Effort(seconds=9, min_rounds=3), time.clock)
    assert "".join(time.log[-9:]) == "abcbcacab"


def test_what_comes_before_a_sample_is_not_timed() -> None:
    time = FakeTime()

    def before() -> None:
        time.now += 100.0

    measured = compare([time.contender("a", 1.0, before=before)], Effort(seconds=3), time.clock)
    assert measured.timing("a").p80 == 1.0


def test_a_ratio_is_the_median_over_rounds() -> None:
    rounds = ({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 4.0}, {"a": 1.0, "b": 9.0}, {"a": 5.0})
    assert Measurement(rounds, {"a": 1, "b": 1}).ratio("b", "a") == 2.0


def test_percentiles_lie_between_samples() -> None:
    rounds = tuple({"a": float(k)} for k in (5, 1, 4, 2, 3))
    timing = Measurement(rounds, {"a": 1}).timing("a")
    assert (timing.p20, timing.p50, timing.p80) == pytest.approx((1.8, 3, 4.2))


# --- the machine


def test_the_last_size_is_beyond_the_cache_and_within_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    caches = gdfast.config() | {"l3_bytes": 300 * machine.MIB}
    monkeypatch.setattr(gdfast, "config", lambda: caches)
    monkeypatch.setattr(machine, "available_memory", lambda: 64 * machine.GIB)
    assert machine.beyond_cache_bytes() == 600 * machine.MIB
    monkeypatch.setattr(machine, "available_memory", lambda: machine.GIB)
    assert machine.beyond_cache_bytes() == 64 * machine.MIB


def test_caches_of_unknown_size_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    caches = gdfast.config() | {"l1_bytes": 0, "l2_bytes": 0, "l3_bytes": 0}
    monkeypatch.setattr(gdfast, "config", lambda: caches)
    assert machine.level_of(Shape(4, 1), "f32") == "memory"
    assert machine.beyond_cache_bytes() > 0
    assert gdfast.__version__ in machine.headline()


def test_everyone_gets_one_thread() -> None:
    libraries = [gdfast, *(sys.modules[peer.package] for peer in peers.installed() if peer.name in ("torch", "numba"))]
    before = [library.get_num_threads() for library in libraries]
    with threads.limited_to(1):
        assert [library.get_num_threads() for library in libraries] == [1] * len(libraries)
    assert [library.get_num_threads() for library in libraries] == before


def test_more_threads_than_cpus_are_possible() -> None:
    peers.installed()
    with threads.limited_to(machine.usable_cpus() + 1):
        assert gdfast.get_num_threads() == machine.usable_cpus() + 1
