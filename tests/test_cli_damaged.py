"""Damaged models and tables: one line, whatever is wrong with them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import done, refused, run, text, write

COLUMNS: dict[str, Any] = {"a": range(9), "b": [(7 * i) % 5 for i in range(9)], "y": [2 * i + 3 for i in range(9)]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data.csv", COLUMNS)


@pytest.fixture(params=[".json", ".npz"])
def model(request: pytest.FixtureRequest, tmp_path: Path, data: Path) -> Path:
    path = tmp_path / f"model{request.param}"
    done("fit", data, "--target", "y", "--model", path)
    return path


def test_damaged_json_models(data: Path, tmp_path: Path) -> None:
    done("fit", data, "--target", "y", "--model", tmp_path / "m.json")
    good = json.loads((tmp_path / "m.json").read_text())

    def without(key: str) -> dict[str, Any]:
        return {name: value for name, value in good.items() if name != key}

    bad: dict[str, Any] = {
        "coefficients of 10**400": good | {"coefficients": {"a": 10**400, "b": 1}},
        "intercept of 10**400": good | {"intercept": 10**400},
        "NaN": good | {"coefficients": {"a": float("nan"), "b": 1}},
        "infinite": good | {"intercept": float("inf")},
        "true": good | {"coefficients": {"a": True, "b": 1}},
        "text": good | {"coefficients": {"a": "1", "b": 1}},
        "null": good | {"coefficients": {"a": None, "b": 1}},
        "a list": good | {"coefficients": [1, 2]},
        "no coefficients": good | {"coefficients": {}},
        "an intercept that is true": good | {"intercept": True},
        "an intercept that is text": good | {"intercept": "1"},
        "beyond float32": good | {"dtype": "float32", "coefficients": {"a": 1e300, "b": 1}},
        "another dtype": good | {"dtype": "int64"},
        "a list for dtype": good | {"dtype": []},
        "a target of 3": good | {"target": 3},
        "training of 3": good | {"training": 3},
        "version true": good | {"format_version": True},
        "version 0": good | {"format_version": 0},
        **{f"no {key}": without(key) for key in good if key != "training"},
    }
    for name, content in bad.items():
        path = text(tmp_path / "bad.json", json.dumps(content))
        assert refused("predict", path, data), name
    for raw in (b"[" * 100_000 + b"]" * 100_000, b"\xff\xfe", b'{"a": 1', b'"', b"3", b"\0" * 99):
        (tmp_path / "bad.json").write_bytes(raw)
        assert "no model" in refused("predict", tmp_path / "bad.json", data)
    twice = json.dumps(good).replace('"b":', '"a":')
    assert "no model" in refused("predict", text(tmp_path / "bad.json", twice), data)


def test_damaged_npz_models(data: Path, tmp_path: Path) -> None:
    done("fit", data, "--target", "y", "--model", tmp_path / "m.npz")
    good = dict(np.load(tmp_path / "m.npz"))
    path = tmp_path / "bad.npz"
    for name, changed in {
        "training of 3": {"training": np.array(3)},
        "training of text": {"training": np.array("{")},
        "NaN": {"w": np.array([np.nan, 1])},
        "one coefficient": {"w": np.array([1.0])},
        "a matrix": {"w": np.ones((1, 2))},
        "complex": {"w": np.array([1j, 1])},
        "booleans": {"w": np.array([True, False])},
        "text": {"w": np.array(["1", "2"])},
        "an intercept of NaN": {"b": np.array(np.nan)},
        "an intercept of text": {"b": np.array("1")},
        "two intercepts": {"b": np.ones(2)},
        "the same name twice": {"names": np.array(["a", "a"])},
        "numbers for names": {"names": np.array([1, 2])},
        "no names": {"names": np.array([])},
        "version of 1.5": {"format_version": np.array(1.5)},
    }.items():
        np.savez(path, **(good | changed))
        assert refused("predict", path, data), name
    np.save(tmp_path / "a.npy", np.ones(3))
    path.write_bytes((tmp_path / "a.npy").read_bytes())
    assert "no model" in refused("predict", path, data)
    huge = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(
        117
    )
    for member, content in {"other.txt": b"x", "w.npy": huge + b"\n"}.items():
        np.savez(path, **{name: value for name, value in good.items() if f"{name}.npy" != member})
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(member, content)
        assert "no model" in refused("predict", path, data)


def flipped(raw: bytes) -> list[bytes]:
    """Each with one byte changed, all over the file; and cut off there."""
    places = range(0, len(raw), max(1, len(raw) // 60))
    changed = [raw[:k] + bytes([raw[k] ^ bit]) + raw[k + 1 :] for k in places for bit in (1, 0x80)]
    return changed + [raw[:k] for k in places]


def test_a_model_with_a_byte_changed(model: Path, data: Path) -> None:
    for raw in flipped(model.read_bytes()):
        model.write_bytes(raw)
        result = run("predict", model, data)
        assert isinstance(result.exception, SystemExit | None), raw
        assert result.exit_code in (0, 2)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy", ".csv.gz"])
def test_a_table_with_a_byte_changed(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{suffix}", {name: np.array(values, float) for name, values in COLUMNS.items()})
    options = [] if suffix == ".npy" else ["--target", "y"]
    for raw in flipped(path.read_bytes()):
        path.write_bytes(raw)
        result = run("fit", path, *options, "--n-iters", 2)
        assert isinstance(result.exception, SystemExit | None), raw
        assert result.exit_code in (0, 1, 2)
        assert all(character.isprintable() or character == "\n" for character in result.output)


def npy(*arrays: Any) -> list[bytes]:
    import io

    buffers = [io.BytesIO() for _ in arrays]
    for buffer, array in zip(buffers, arrays, strict=True):
        np.save(buffer, array, allow_pickle=True)
    return [buffer.getvalue() for buffer in buffers]


def test_matrices_that_are_none(tmp_path: Path) -> None:
    matrix, objects, flat, empty, words = npy(
        np.ones((50, 4)), np.array([[{}, None]], dtype=object), np.ones(3), np.ones((0, 3)), np.array([["a"]])
    )
    np.savez(tmp_path / "z.npz", a=np.ones((3, 2)))
    for raw in (
        matrix.replace(b"(50, 4)", b"(-5, 4)"),
        matrix.replace(b"(50, 4)", b"(5e0, 4)"),
        matrix.replace(b"(50, 4), }          ", b"(50000000000000, 4), }"),
        matrix.replace(b"<f8", b"<c8"),
        objects, flat, empty, words, (tmp_path / "z.npz").read_bytes(), b"\x93NUMPY",
    ):  # fmt: skip
        (tmp_path / "a.npy").write_bytes(raw)
        assert refused("fit", tmp_path / "a.npy")
