"""Moments as bytes and as files: the same bits again, and an error for whatever isn't whole."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from gdfast import moments_format

x, y, _ = oracle.normal(200, 3, np.float64)
x = np.add(x, [2000.0, 1e8, 0.0])
s = np.linspace(0, 3, 200)


def examples() -> dict[str, gdfast.Moments]:
    pandas = pytest.importorskip("pandas")
    grouped = gdfast.Moments(3, groups=4).update(x, y, s, group=np.arange(200) % 3)
    large = x.copy()
    large[7, 1] = np.nan
    named = gdfast.Moments(3).update(pandas.DataFrame(x, columns=["a", "ü", "c"]), y)
    named.target = "price"
    return {
        "empty": gdfast.Moments(1),
        "plain": gdfast.Moments(3).update(x, y),
        "merged": gdfast.Moments(3).update(x[:70], y[:70]).update(x[70:], y[70:], s[70:]),
        "groups": grouped,
        "not finite": gdfast.Moments(3).update(large, y * 1e200),
        "names": named,
        "wide": gdfast.Moments(300).update(np.outer(y, np.arange(300.0)), y),
    }


@pytest.mark.parametrize("name", ["empty", "plain", "merged", "groups", "not finite", "names", "wide"])
def test_the_same_moments_come_back(name: str) -> None:
    moments = examples()[name]
    data = moments.to_bytes()
    again = gdfast.Moments.from_bytes(data)
    assert again.to_bytes() == data == examples()[name].to_bytes()
    assert oracle.same_bits(again._sums.matrix, moments._sums.matrix)
    assert oracle.same_bits(again._sums.origin, moments._sums.origin)
    assert again._rows == moments._rows
    assert (again.n, again.d, again.feature_names, again.target) == (
        moments.n,
        moments.d,
        moments.feature_names,
        moments.target,
    )
    assert repr(again) == repr(moments)
    if moments._groups is not None:
        for i in range(4):
            assert again[i].to_bytes() == moments[i].to_bytes()
    if name == "wide":
        assert len(data) < 0.52 * len(pickle.dumps(moments))
    # What came back is moments like others.
    again += moments
    assert again.n == 2 * moments.n


def test_days_add_up_as_they_would_in_memory() -> None:
    days = [gdfast.Moments(3).update(x[i : i + 50], y[i : i + 50], s[i : i + 50]) for i in range(0, 200, 50)]
    there = [gdfast.Moments.from_bytes(memoryview(day.to_bytes())) for day in days]
    both = [a[0] + a[1] + a[2] + a[3] for a in (days, there)]
    assert both[0].to_bytes() == both[1].to_bytes()
    fit = [moments.solve(fit_intercept=True) for moments in both]
    assert oracle.same_bits(fit[0].w, fit[1].w)


def test_targets_do_not_mix() -> None:
    price, rent = gdfast.Moments(3).update(x, y), gdfast.Moments(3).update(x, y)
    price.target, rent.target = "price", "rent"
    with pytest.raises(ValueError, match="'rent', accepted are those that predict 'price'"):
        price + rent
    assert (gdfast.Moments(3) + price).target == "price"
    assert price.n == 200


DATA = gdfast.Moments(3).update(x, y, s).to_bytes()


def test_every_flipped_bit_and_every_cut_is_seen() -> None:
    for at in range(len(DATA)):
        damaged = bytearray(DATA)
        damaged[at] ^= 1 << (at % 8)
        with pytest.raises(ValueError, match=r"^data "):
            gdfast.Moments.from_bytes(damaged)
        with pytest.raises(ValueError, match=r"^data (begins|ends)"):
            gdfast.Moments.from_bytes(DATA[:at])
    with pytest.raises(ValueError, match="goes on for 3 bytes after the end"):
        gdfast.Moments.from_bytes(DATA + b"abc")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "data ends after 0 bytes"),
        (b"PAR1\x15\x04\x15", "a Parquet file, which has rows: write `gdfast moments`"),
        (pickle.dumps(1), "a pickle: write pickle.loads"),
        (b"a,b\n1,2\n", "data begins with b'a,b"),
        (DATA.replace(b"\r\n", b"\n"), "sent as text"),
    ],
)
def test_other_data_is_named(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r"^data") as error:
        gdfast.Moments.from_bytes(data)
    assert message in str(error.value)


@pytest.mark.parametrize("data", ["text", None, 3, [1, 2]])
def test_only_bytes_are_taken(data: Any) -> None:
    with pytest.raises(TypeError, match=r"accepted are bytes: write Path\(name\).read_bytes\(\)"):
        gdfast.Moments.from_bytes(data)


def test_later_versions_say_so() -> None:
    later = bytearray(DATA)
    later[8:12] = (moments_format.VERSION + 1).to_bytes(4, "little")
    with pytest.raises(ValueError, match=r"has version 2 of the format, and gdfast .* reads up to 1: install a later"):
        gdfast.Moments.from_bytes(later)


@pytest.mark.parametrize(
    "change",
    [
        {"d": 4},
        {"d": -1},
        {"d": "3"},
        {"groups": 2},
        {"groups": 0},
        {"names": ["a"]},
        {"names": [1, 2, 3]},
        {"n": [-5]},
        {"n": []},
        {"above_0": [10**6]},
        {"weighted": None},
    ],
    ids=str,
)
def test_a_head_that_cannot_be_is_refused_whatever_its_checksum(change: dict[str, Any]) -> None:
    start = len(moments_format.MAGIC) + 16
    size = int.from_bytes(DATA[12:16], "little")
    text = json.dumps(json.loads(DATA[start : start + size]) | change).encode()
    whole = DATA[:12] + len(text).to_bytes(4, "little") + DATA[16:start] + text + DATA[start + size : -16]
    with pytest.raises(ValueError, match="no moments that gdfast wrote"):
        gdfast.Moments.from_bytes(whole + moments_format._digest(whole))


def test_files_written_today_are_read_tomorrow() -> None:
    """The format, spelled out once more: a change of it has to change its version."""
    moments = gdfast.Moments(1).update([1.0, 3.0], [2.0, 4.0])
    data = moments.to_bytes()
    assert data[:12] == b"\x93gdm\r\n\x1a\n\x01\0\0\0"
    size = int.from_bytes(data[12:16], "little")
    head = json.loads(data[24 : 24 + size])
    head.pop("gdfast")
    want = {"d": 1, "groups": None, "names": None, "target": None, "n": [2], "weighted": [False], "above_0": [2]}
    assert head == want
    numbers = np.frombuffer(data[24 + size : -16], "<f8").tolist()
    gram = moments._sums.matrix
    lower = [gram[0, 0], gram[1, 0], gram[1, 1], gram[2, 0], gram[2, 1], gram[2, 2]]
    assert numbers == [0.0, *moments._sums.origin, *lower]


# --- the command line -------------------------------------------------------------------------------------------------


def test_days_in_files_give_the_model_of_all_days(tmp_path: Path) -> None:
    commands = pytest.importorskip("commands")
    noisy = commands.Y + np.sin(np.arange(len(commands.Y)))
    columns = {**dict(zip(commands.NAMES, commands.X.T, strict=True)), "price": noisy}
    for day in range(3):
        table = commands.write(tmp_path / f"day{day}.parquet", {k: v[day::3] for k, v in columns.items()})
        file = tmp_path / f"day{day}.gdm"
        printed = commands.done("moments", table, "--target", "price", "-o", file)
        assert f"({len(noisy[day::3])} rows, 3 columns, target 'price')" in printed
    files = sorted(tmp_path.glob("*.gdm"))
    printed = commands.done("fit", *files, "--model", tmp_path / "model.json", "--summary")
    whole = commands.write(tmp_path / "all.parquet", columns)
    in_memory = commands.done("fit", whole, "--target", "price", "--model", tmp_path / "all.json", "--summary")
    one, other = (json.loads((tmp_path / name).read_text()) for name in ("model.json", "all.json"))
    for name in commands.NAMES:
        assert one["coefficients"][name] == pytest.approx(other["coefficients"][name], rel=1e-10)
    for key in ("rows", "loss", "r2"):
        assert one["training"][key] == pytest.approx(other["training"][key], rel=1e-10)
    assert one["training"]["optimizer"] == "exact"
    assert "3 files from" in printed
    assert (
        printed.split("standard errors")[1].split("condition")[0]
        == in_memory.split("standard errors")[1].split("condition")[0]
    )


def test_weights_and_chosen_columns_go_into_the_file(tmp_path: Path) -> None:
    commands = pytest.importorskip("commands")
    table = commands.write(tmp_path / "day.csv", {**commands.COLUMNS, "count": commands.S})
    file = tmp_path / "day.gdm"
    commands.done("moments", table, "--target", "price", "--weights", "count", "--exclude", "age", "-o", file)
    moments = gdfast.Moments.from_bytes(file.read_bytes())
    assert (moments.feature_names, moments.target) == (("area", "rooms"), "price")
    want = gdfast.Moments(2).update(commands.X[:, :2], commands.Y, commands.S)
    np.testing.assert_allclose(moments.gram, want.gram, rtol=1e-12)


def test_what_a_fit_of_moments_refuses(tmp_path: Path) -> None:
    commands = pytest.importorskip("commands")
    table = commands.write(tmp_path / "day.parquet", commands.COLUMNS)
    file, damaged = tmp_path / "day.gdm", tmp_path / "damaged.gdm"
    commands.done("moments", table, "--target", "price", "-o", file)
    damaged.write_bytes(file.read_bytes()[:-1])
    refused = commands.refused
    assert f"{damaged}: data ends after" in refused("fit", file, damaged)
    assert "there is no file" in refused("fit", tmp_path / "none.gdm")
    assert "is none: write `gdfast moments" in refused("fit", file, table)
    assert "--target is 'rooms', and the moments" in refused("fit", file, "--target", "rooms")
    assert "--batch-size, --validation: files of moments hold no rows" in refused(
        "fit", file, "--validation", "0.5", "--batch-size", "3"
    )
    assert "--vcov HC1 needs the residual of each row" in refused("fit", file, "--summary", "--vcov", "HC1")
    assert "has to end in .gdm" in refused("moments", table, "--target", "price", "-o", tmp_path / "day.npz")
    other = tmp_path / "other.gdm"
    commands.done("moments", table, "--target", "age", "-o", other)
    assert "accepted are those" in refused("fit", file, other)
