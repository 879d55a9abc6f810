"""Everything that a user may hand in is taken, without a copy where it is floating point, and never written."""

from __future__ import annotations

import array
import ctypes
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gdfast import remedies, validation

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
X1 = np.array([1.0, 2.0, 4.0])
Y = np.array([1.0, 2.0, 3.0])
W = np.array([0.5, -1.0])

Call = Callable[[Any], Any]


def all_of(*parts: str) -> str:
    """A pattern: all of these, in any order."""
    return "(?s)" + "".join(f"(?=.*{part})" for part in parts)


# --- dtypes ---


@pytest.mark.parametrize("convert", [list, tuple, np.int64, np.int8, np.uint16, np.bool_, ">i4"], ids=str)
def test_integers_booleans_and_lists_become_float64(backend: Any, convert: Any) -> None:
    bits = np.array([[1, 0], [0, 1], [1, 1]])
    x = convert(bits.tolist()) if convert in (list, tuple) else bits.astype(convert)
    y = convert([0, 1, 1]) if convert in (list, tuple) else np.array([0, 1, 1]).astype(convert)
    want = backend.loss_and_gradient(bits.astype(float), np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0]))
    loss, grad = backend.loss_and_gradient(x, y, [1, 1])
    assert loss == want[0]
    assert grad.dtype == np.float64
    np.testing.assert_array_equal(grad, want[1])
    assert backend.forward(x, [1, 1]).dtype == np.float64
    assert backend.gradient(x, y, y).dtype == np.float64
    assert backend.fit(x, y, n_iters=1).w.dtype == np.float64


def test_x_decides_the_dtype(backend: Any, dtype: np.dtype[Any]) -> None:
    other = np.float64 if dtype == np.float32 else np.float32
    x = X.astype(dtype)
    y, w, s = Y.astype(other), W.astype(other), np.ones(3, other)
    assert backend.forward(x, w, 1.0).dtype == dtype
    assert backend.gradient(x, y, y).dtype == dtype
    loss, (grad_w, grad_b) = backend.loss_and_gradient(x, y, w, 0.5, sample_weight=s)
    assert grad_w.dtype == dtype
    assert type(loss) is float
    assert type(grad_b) is float
    assert backend.fit(x, y, w0=w).w.dtype == dtype


def test_one_column_gives_floats(backend: Any, dtype: np.dtype[Any]) -> None:
    x, y = X1.astype(dtype), Y.astype(dtype)
    for w in (1.0, 1, np.float32(1), np.float64(1), np.array(1.0), np.array(1, np.int32), True):
        loss, (grad_w, grad_b) = backend.loss_and_gradient(x, y, w, w)
        assert (type(loss), type(grad_w), type(grad_b)) == (float, float, float)
        assert backend.forward(x, w, w).shape == (3,)
    assert type(backend.gradient(x, y, y)) is float
    assert type(backend.loss(y, y)) is float
    assert type(backend.fit(x, y).w) is float


# --- whatever exports its memory --------------------------------------------------------------------------------------


class Exporter:
    """What has DLPack and nothing else."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        device: tuple[int, int] = self.array.__dlpack_device__()
        return device


EXPORTERS: dict[str, Callable[[Any], Any]] = {
    "dlpack": Exporter,
    "memoryview": memoryview,
    "array.array": lambda values: array.array("d", values) if values.ndim == 1 else memoryview(values),
    "ctypes": lambda values: np.ctypeslib.as_ctypes(values),
    "matrix": lambda values: values.view(np.matrix) if values.ndim == 2 else values,
    "read-only": lambda values: np.broadcast_to(values, values.shape),
}


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_exported_memory_is_taken(backend: Any, exporter: str) -> None:
    export = EXPORTERS[exporter]
    loss, (grad_w, grad_b) = backend.loss_and_gradient(export(X), export(Y), export(W), 0.5, sample_weight=export(Y))
    want_loss, (want_w, want_b) = backend.loss_and_gradient(X, Y, W, 0.5, sample_weight=Y)
    assert (loss, grad_b) == (want_loss, want_b)
    np.testing.assert_array_equal(grad_w, want_w)
    np.testing.assert_array_equal(backend.forward(export(X), export(W)), backend.forward(X, W))
    assert backend.loss(export(Y), export(Y)) == 0.0
    np.testing.assert_array_equal(backend.gradient(export(X), export(Y), export(2 * Y)), backend.gradient(X, Y, 2 * Y))
    np.testing.assert_array_equal(backend.fit(export(X), export(Y)).w, backend.fit(X, Y).w)


@pytest.mark.parametrize("export", [Exporter, memoryview, np.asarray, lambda values: values.view(np.matrix)])
def test_floating_point_x_is_not_copied(export: Call, dtype: np.dtype[Any]) -> None:
    x = X.astype(dtype)
    taken, *_ = validation.problem(export(x), Y, W)
    assert type(taken) is np.ndarray
    assert taken.dtype == dtype
    assert np.shares_memory(taken, x)


def test_no_layout_is_copied(layout: Callable[[Any], Any], dtype: np.dtype[Any]) -> None:
    x = layout(X.astype(dtype))
    taken, *_ = validation.problem(x, Y, W)
    assert np.shares_memory(taken, x)
    assert taken.strides == x.strides


def test_a_ctypes_array_is_its_memory() -> None:
    numbers = (ctypes.c_float * 3)(1, 2, 4)
    taken, *_ = validation.problem(numbers, Y, 1.0)
    numbers[0] = 9
    assert taken[0] == 9
    assert taken.dtype == np.float32


class TestTensors:
    torch = pytest.importorskip("torch")

    def test_a_tensor_on_the_cpu_is_taken_without_a_copy(self, backend: Any) -> None:
        x = self.torch.tensor(X, dtype=self.torch.float32)
        taken, *_ = validation.problem(x, Y, W)
        assert taken.ctypes.data == x.data_ptr()
        loss, grad = backend.loss_and_gradient(x, self.torch.tensor(Y), self.torch.tensor(W))
        want_loss, want = backend.loss_and_gradient(X.astype(np.float32), Y, W)
        assert loss == want_loss
        np.testing.assert_array_equal(grad, want)
        w, b = self.torch.tensor(0.5), self.torch.tensor(1)
        np.testing.assert_array_equal(
            backend.forward(x[:, 0], w, b), backend.forward(X[:, 0].astype(np.float32), 0.5, 1)
        )

    @pytest.mark.parametrize("name", ["x", "y", "w", "b", "sample_weight"])
    def test_a_recorded_tensor_is_refused(self, backend: Any, name: str) -> None:
        arguments = {"x": X, "y": Y, "w": W, "b": 1.0, "sample_weight": Y}
        arguments[name] = self.torch.tensor(arguments[name], requires_grad=True)
        with pytest.raises(TypeError, match=all_of(f"^{name} \\(torch.Tensor\\)", "\\.detach\\(\\)")):
            backend.loss_and_gradient(**arguments)

    def test_a_tensor_elsewhere_is_refused(self, backend: Any) -> None:
        x = self.torch.empty((3, 2), device="meta")
        with pytest.raises(TypeError, match=all_of("^x ", "'meta'", "no numbers")):
            backend.loss_and_gradient(x, Y, W)

    def test_a_tensor_on_a_gpu_is_to_be_fetched(self) -> None:
        there = SimpleNamespace(
            layout=self.torch.strided,
            device="cuda:0",
            requires_grad=True,
            dtype=self.torch.float8_e5m2,
            is_floating_point=lambda: True,
            element_size=lambda: 1,
        )
        assert remedies.tensor("x", there).endswith("write x.detach().cpu().float()")

    def test_a_tensor_of_eight_bits_or_sparse_is_refused(self, backend: Any) -> None:
        with pytest.raises(TypeError, match=all_of("^x ", "16 bits or more", "x.float\\(\\)")):
            backend.loss_and_gradient(self.torch.ones(3, 2).to(self.torch.float8_e5m2), Y, W)
        with pytest.raises(TypeError, match=all_of("^x ", "sparse", "x.to_dense\\(\\)")):
            backend.loss_and_gradient(self.torch.eye(3).to_sparse(), Y, W)

    def test_numbers_that_are_yet_to_be_negated_are(self, backend: Any) -> None:
        x = self.torch.tensor(X)
        imaginary = self.torch.complex(x, -x).conj().imag
        assert imaginary.is_neg()
        np.testing.assert_array_equal(backend.forward(imaginary, W), backend.forward(X, W))
        spectrum = self.torch.complex(x, -x).conj()
        with pytest.raises(TypeError, match=all_of("^x has dtype complex128", "x.imag")):
            backend.forward(spectrum, W)


# --- out --------------------------------------------------------------------------------------------------------------


def test_out_receives_the_gradient(backend: Any, dtype: np.dtype[Any]) -> None:
    x = X.astype(dtype)
    out = np.empty(2, dtype)
    loss, grad = backend.loss_and_gradient(x, Y, W, out=out)
    assert grad is out
    want_loss, want = backend.loss_and_gradient(x, Y, W)
    assert loss == want_loss
    np.testing.assert_array_equal(out, want)
    _, (grad_w, _) = backend.loss_and_gradient(x, Y, W, 1.0, out=out)
    assert grad_w is out


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "y", "w", "b"])
def test_what_is_not_finite_reaches_the_result(backend: Any, dtype: np.dtype[Any], where: str, bad: float) -> None:
    arguments = {"x": X, "y": Y, "w": W, "sample_weight": Y}
    arguments = {name: value.astype(dtype) for name, value in arguments.items()} | {"b": np.array(0.5)}
    arguments[where][(0,) * arguments[where].ndim] = bad
    with np.errstate(all="ignore"):
        loss, (grad_w, grad_b) = backend.loss_and_gradient(**arguments)
    assert not np.isfinite(loss)
    assert not np.isfinite(grad_b)
    assert not np.isfinite(grad_w[0])


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_inputs_are_never_written(backend: Any, dtype: np.dtype[Any], n: int) -> None:
    rng = np.random.default_rng(n)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in ((n, 3), n, 3, n, n)]
    np.abs(arrays[3], out=arrays[3])
    before = [values.copy() for values in arrays]
    x, y, w, s, y_pred = arrays
    backend.loss_and_gradient(x, y, w, 0.5, sample_weight=s)
    backend.gradient(x, y, y_pred)
    backend.loss(y, y_pred)
    backend.forward(x, w, 1.0)
    fit = backend.fit(x, y, w0=w, n_iters=3, callback=lambda step: step.w.fill(9))
    unmoved = backend.fit(x, y, w0=w, n_iters=0)
    unmoved.w.fill(9)
    assert not np.shares_memory(fit.w, w)
    for values, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(values, old)
