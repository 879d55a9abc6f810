"""Several models in one read: each has the bits of a call for it alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from test_validation import all_of

SHAPES = [(1, 1), (7, 3), (300, 16), (300, 20), (301, 21), (1_000, 33), (515, 100), (130, 300), (7, 1_030)]


def models_of(problem: oracle.Problem, models: int) -> tuple[Any, Any, Any, Any]:
    """y, w, b and weights of so many models of a problem's x."""
    n, d = problem.x.shape
    rng = np.random.default_rng([n, d, models])
    y = rng.standard_normal((n, models)).astype(problem.x.dtype)
    w = rng.standard_normal((d, models)).astype(problem.x.dtype)
    s: Any = rng.uniform(0, 2, n)
    return y, w, rng.standard_normal(models), s.astype(problem.x.dtype)


def alone(backend: Any, x: Any, y: Any, w: Any, b: Any = None, **options: Any) -> Any:
    """What single calls give, put together."""
    found = []
    for k in range(w.shape[1]):
        target = y if np.ndim(y) == 1 else np.ascontiguousarray(y[:, k])
        intercept = None if b is None else float(b[k])
        found.append(backend.loss_and_gradient(x, target, np.ascontiguousarray(w[:, k]), intercept, **options))
    losses = np.array([loss for loss, _ in found])
    if b is None:
        return losses, np.stack([grad for _, grad in found], axis=1)
    return losses, (np.stack([grad[0] for _, grad in found], axis=1), np.array([grad[1] for _, grad in found]))


# --- bits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("models", [1, 2, 3, 5, 8, 11])
def test_each_has_the_bits_of_a_call_for_it_alone(backend: Any, dtype: Any, shape: Any, models: int) -> None:
    problem = oracle.normal(shape[0], shape[1], dtype)
    y, w, b, s = models_of(problem, models)
    for x in (problem.x, np.asfortranarray(problem.x)):
        for arguments, options in [
            ((y, w), {}),
            ((y, w, b), {"sample_weight": s}),
            ((problem.y, w, b), {"reduction": "sum"}),
        ]:
            got = backend.loss_and_gradient(x, *arguments, **options)
            assert oracle.same_bits(got, alone(backend, x, *arguments, **options))


@pytest.mark.parametrize("shape", [(40_000, 5), (40_000, 19), (20_000, 100), (1_500, 700), (9, 70_000)], ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
def test_beyond_one_segment(dtype: Any, shape: tuple[int, int], order: Any) -> None:
    problem = oracle.normal(shape[0], shape[1], dtype)
    x = np.asarray(problem.x, order=order)
    for models in (2, 8, 9):
        y, w, b, s = models_of(problem, models)
        want = alone(gdfast, x, y, w, b, sample_weight=s)
        for count in (1, 2, 3):
            gdfast.set_num_threads(count)
            assert oracle.same_bits(gdfast.loss_and_gradient(x, y, w, b, sample_weight=s), want)


def test_many_models_of_many_columns() -> None:
    """Their sums together are so large that several segments are added up before they are kept."""
    problem = oracle.normal(2_000, 1_500, np.float32)
    y, w, b, _ = models_of(problem, 40)
    got = gdfast.loss_and_gradient(problem.x, y, w, b)
    assert oracle.same_bits(got, alone(gdfast, problem.x, y, w, b))


def test_layouts_of_x(dtype: Any, layout: oracle.Layout) -> None:
    for shape in [(700, 3), (700, 19), (700, 40)]:
        problem = oracle.normal(shape[0], shape[1], dtype)
        x = layout(problem.x)
        y, w, b, s = models_of(problem, 3)
        assert oracle.same_bits(
            gdfast.loss_and_gradient(x, y, w, b, sample_weight=s), alone(gdfast, x, y, w, b, sample_weight=s)
        )


@pytest.mark.parametrize(
    "name", ["f", "row_slice", "column_step", "both_reversed", "misaligned", "records", "read_only"]
)
def test_layouts_of_y_and_w(backend: Any, dtype: Any, name: str) -> None:
    problem = oracle.normal(600, 30, dtype)
    y, w, b, _ = models_of(problem, 5)
    want = alone(backend, problem.x, y, w, b)
    place = oracle.LAYOUTS[name]
    assert oracle.same_bits(backend.loss_and_gradient(problem.x, place(y), place(w), b), want)


def test_dtypes_of_y_w_and_b(backend: Any) -> None:
    problem = oracle.integers(500, 30, np.float32)
    w = np.stack([problem.w, problem.w + 1], axis=1)
    y = np.stack([problem.y, problem.y - 1], axis=1)
    want = backend.loss_and_gradient(problem.x, y, w, np.array([1.0, 2.0]))
    for convert in (np.float64, np.int64):
        got = backend.loss_and_gradient(problem.x, y.astype(convert), w.astype(convert), [1, 2])
        assert oracle.same_bits(got, want)
    assert oracle.same_bits(backend.loss_and_gradient(problem.x, y.tolist(), w.tolist(), [1, 2]), want)


@pytest.mark.parametrize("storage", [np.float16, np.int8, np.uint16, np.int64, np.bool_])
@pytest.mark.parametrize("d", [3, 40])
def test_storage_types(backend: Any, storage: Any, d: int) -> None:
    problem = oracle.normal(2_000, d, np.float64)
    y, w, b, s = models_of(problem, 3)
    for x in (problem.x.astype(storage), np.asfortranarray(problem.x.astype(storage))):
        got = backend.loss_and_gradient(x, y, w, b, sample_weight=s)
        assert oracle.same_bits(got, alone(backend, x, y, w, b, sample_weight=s))


def test_right(backend: Any, dtype: Any) -> None:
    problem = oracle.normal(900, 45, dtype)
    y, w, b, s = models_of(problem, 4)
    loss, (grad_w, grad_b) = backend.loss_and_gradient(problem.x, y, w, b, sample_weight=s)
    for k in range(4):
        answer = oracle.solve(problem.x, y[:, k], w[:, k], float(problem.x.dtype.type(b[k])), s)
        result = (loss[k], (grad_w[:, k], grad_b[k]))
        assert oracle.error_share(result, answer) <= oracle.allowance(backend, problem.x)


def test_numbers_that_float32_cant_hold() -> None:
    problem = oracle.normal(5_000, 30, np.float32)
    _, w, b, _ = models_of(problem, 3)
    y = np.stack([problem.y, problem.y * np.float32(1e37), np.full(5_000, np.nan, np.float32)], axis=1)
    w[:, 1] = 3e38
    with np.errstate(all="ignore"):
        got = gdfast.loss_and_gradient(problem.x, y, w, b)
        assert oracle.same_bits(got, alone(gdfast, problem.x, y, w, b))
    assert np.isfinite(got[0]).tolist() == [True, True, False]


ON_AN_ISA = """
import sys, hashlib, numpy as np, gdfast, oracle
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    for n, d in [(700, 3), (900, 19), (3_000, 70), (600, 300), (50, 5_000)]:
        rng = np.random.default_rng(n)
        x, y, w = (rng.standard_normal(shape).astype(dtype) for shape in [(n, d), (n, 7), (d, 7)])
        for order in "CF":
            loss, (grad_w, grad_b) = gdfast.loss_and_gradient(np.asarray(x, order=order), y, w, np.ones(7))
            for part in (loss, grad_w, grad_b):
                digest.update(part.tobytes())
assert gdfast.config()["isa"] == sys.argv[1]
print(digest.hexdigest())
"""


def test_every_instruction_set_has_the_same_bits(isa: str, run_python: Callable[..., str]) -> None:
    first = gdfast.config()["isas_supported"][-1]
    assert run_python(ON_AN_ISA, isa, env={"GDFAST_ISA": isa}) == run_python(
        ON_AN_ISA, first, env={"GDFAST_ISA": first}
    )


# --- the functions beside it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(50, 2), (2_000, 19), (9_000, 70)], ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
def test_forward_loss_and_gradient(backend: Any, dtype: Any, shape: Any, order: Any) -> None:
    problem = oracle.normal(shape[0], shape[1], dtype)
    x = np.asarray(problem.x, order=order)
    y, w, b, _ = models_of(problem, 3)
    for intercepts in (None, b):
        y_pred = backend.forward(x, w, intercepts)
        assert y_pred.shape == y.shape
        for k in range(3):
            one = backend.forward(x, np.ascontiguousarray(w[:, k]), None if intercepts is None else b[k])
            assert oracle.same_bits(y_pred[:, k], one)
    for reduction in ("mean", "sum"):
        loss = backend.loss(y, y_pred, reduction=reduction)
        grad = backend.gradient(x, y, y_pred, reduction=reduction)
        assert loss.shape == (3,)
        for k in range(3):
            one, one_pred = np.ascontiguousarray(y[:, k]), np.ascontiguousarray(y_pred[:, k])
            assert loss[k] == backend.loss(one, one_pred, reduction=reduction)
            assert oracle.same_bits(grad[:, k], backend.gradient(x, one, one_pred, reduction=reduction))
    same = np.broadcast_to(problem.y[:, np.newaxis], y_pred.shape)
    assert oracle.same_bits(
        backend.gradient(x, same, y_pred)[:, 1], backend.gradient(x, problem.y, np.ascontiguousarray(y_pred[:, 1]))
    )


def test_out(backend: Any, dtype: Any) -> None:
    problem = oracle.normal(100, 30, dtype)
    y, w, b, _ = models_of(problem, 4)
    out = np.full((30, 4), np.nan, dtype)
    _, (grad, _) = backend.loss_and_gradient(problem.x, y, w, b, out=out)
    assert grad is out
    assert oracle.same_bits(out, backend.loss_and_gradient(problem.x, y, w)[1] * 0 + out)
    assert oracle.same_bits(out, backend.loss_and_gradient(problem.x, y, w, b)[1][0])


# --- what is refused --------------------------------------------------------------------------------------------------

X = np.arange(12.0).reshape(4, 3)
Y = np.arange(8.0).reshape(4, 2)
W = np.ones((3, 2))

REFUSED: dict[str, tuple[Callable[[Any], Any], tuple[str, ...]]] = {
    "no models": (lambda g: g.loss_and_gradient(X, Y[:, 0], W[:, :0]), ("w has shape \\(3, 0\\)", "no models")),
    "no models, forward": (lambda g: g.forward(X, W[:, :0]), ("w has shape \\(3, 0\\)", "no models")),
    "a row for each model": (lambda g: g.loss_and_gradient(X, Y, W.T), ("w has shape \\(2, 3\\)", "2 models", "w\\.T")),
    "a target too many": (
        lambda g: g.loss_and_gradient(X, np.ones((4, 3)), W),
        ("y has shape \\(4, 3\\)", "\\(4, 2\\)", "3 targets", "2 models"),
    ),
    "targets in rows": (lambda g: g.loss_and_gradient(X, Y.T, W), ("y has shape \\(2, 4\\)", "write y\\.T")),
    "a target in a column": (lambda g: g.loss_and_gradient(X, Y[:, :1], W), ("y has shape \\(4, 1\\)", "y\\[:, 0\\]")),
    "a target too short": (lambda g: g.loss_and_gradient(X, Y[:3], W), ("y has shape \\(3, 2\\)", "\\(4, 2\\)")),
    "targets for one model": (lambda g: g.loss_and_gradient(X, Y, W[:, 0]), ("y has shape \\(4, 2\\)", "y\\[:, 0\\]")),
    "one intercept": (lambda g: g.loss_and_gradient(X, Y, W, 1.0), ("b has shape \\(\\)", "np.full\\(2, b\\)")),
    "an intercept too many": (lambda g: g.forward(X, W, np.ones(3)), ("b has shape \\(3,\\)", "2 models")),
    "intercepts in a row": (lambda g: g.forward(X, W, np.ones((1, 2))), ("b has shape \\(1, 2\\)", "b\\[0\\]")),
    "weights a model": (
        lambda g: g.loss_and_gradient(X, Y, W, sample_weight=Y),
        ("sample_weight has shape \\(4, 2\\)",),
    ),
    "1-D x": (lambda g: g.loss_and_gradient(X[:, 0], Y[:, 0], W[:1]), ("w has shape \\(1, 2\\)", "x is \\(n, d\\)")),
    "a target for predictions": (lambda g: g.loss(Y[:, 0], Y), ("y_pred has shape \\(4, 2\\)", "y has shape \\(4,\\)")),
    "other predictions": (lambda g: g.gradient(X, Y[:, :1], Y), ("y has shape \\(4, 1\\)",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_shapes_that_dont_go_together(backend: Any, case: str) -> None:
    call, parts = REFUSED[case]
    with pytest.raises(ValueError, match=all_of(*parts)):
        call(backend)


@pytest.mark.parametrize(
    ("out", "part"),
    [
        (np.empty(3), "\\(3,\\)"),
        (np.empty((2, 3)), "\\(2, 3\\)"),
        (np.empty((2, 3)).T, "strides"),
        (np.empty((3, 1)), "1"),
    ],
)
def test_an_out_of_another_shape(backend: Any, out: Any, part: str) -> None:
    with pytest.raises(ValueError, match=all_of("^out ", part, "np.empty\\(\\(3, 2\\), np.float64\\)")):
        backend.loss_and_gradient(X, Y, W, out=out)


def test_weights_are_checked(backend: Any) -> None:
    for bad in ([-1.0, 1, 1, 1], [0.0] * 4, [np.nan, 1, 1, 1]):
        with pytest.raises(ValueError, match=r"^sample_weight"):
            backend.loss_and_gradient(X, Y, W, sample_weight=bad)


def test_one_model_in_a_column_is_several(backend: Any) -> None:
    loss, grad = backend.loss_and_gradient(X, Y[:, :1], W[:, :1])
    assert (loss.shape, grad.shape) == ((1,), (3, 1))
    assert backend.forward(X, W[:, :1]).shape == (4, 1)
    assert backend.loss(Y[:, :1], Y[:, 1:]).shape == (1,)
