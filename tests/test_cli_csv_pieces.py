"""Several CSV files may be written in all the ways in which one may be: delimiters, marks, encodings, missing words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import done, refused, text, write
from gdfast.cli import csv_pieces

N = 40
rng = np.random.default_rng(0)
A, NOISE = rng.standard_normal(N), rng.standard_normal(N)
Y = 2 * A + NOISE
HALVES = slice(0, N // 2), slice(N // 2, N)


def fitted(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done("fit", *arguments, "--json"))
    return found


def test_csv_files_are_read_as_one_is(tmp_path: Path) -> None:
    columns = {
        "a": [f"{a:.3f}".replace(".", ",") for a in A],
        "y": ["?", *(f"{y:.3f}".replace(".", ",") for y in Y[1:])],
    }
    lines = [f"{a};{y}" for a, y in zip(columns["a"], columns["y"], strict=True)]
    whole = text(tmp_path / "whole.csv", "\n".join(["a;y", *lines]))
    paths = [text(tmp_path / f"{k}.csv", "\n".join(["a;y", *lines[rows]])) for k, rows in enumerate(HALVES)]
    options = ["--target", "y", "--decimal", ",", "--missing", "?", "--drop-missing"]
    want, found = fitted(whole, *options), fitted(*paths, *options)
    assert found["coefficients"] == pytest.approx(want["coefficients"], rel=1e-9)
    assert (found["rows"], found["rows_left_out"]) == (N - 1, 1)
    model = tmp_path / "m.json"
    done("fit", *paths, *options, "--model", model)
    reading = ["--decimal", ",", "--missing", "?", "-o", tmp_path / "p.csv", "--json"]
    one, several = (json.loads(done("predict", model, *data, *reading)) for data in ([whole], paths))
    assert several == {**one, "loss": pytest.approx(one["loss"]), "r2": pytest.approx(one["r2"])}
    assert one["rows_with_target"] == N - 1


@pytest.mark.parametrize("place", [0, 3, N - 1])
def test_text_among_numbers_is_shown_with_what_reads_it(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_pieces, "BLOCK_BYTES", 256)  # so that it is in a later block, too
    a = np.abs(A)
    words = [str(value) for value in a]
    words[place] = "?"
    good = write(tmp_path / "1.csv", {"a": a, "b": A**2, "y": Y})
    bad = write(tmp_path / "2.csv", {"a": words, "b": A**2, "y": Y})
    found = f"column 'a' of {bad} holds text ('?' in row {place + 1})"
    for files in ([good, bad], [bad, good], [tmp_path / "[2].csv"]):
        says = f"{found}; accepted are numbers and booleans: --missing '?' --drop-missing reads it, --exclude a"
        assert says in refused("fit", *files, "--target", "y")
        assert f"--target: {found}, and what is to be predicted" in refused("fit", *files, "--target", "a")
        assert f"--weights: {found}" in refused("fit", *files, "--target", "y", "--weights", "a")
        counted = fitted(*files, "--target", "y", "--missing", "?", "--drop-missing")
        assert (counted["rows"], counted["rows_left_out"]) == (len(files) * N - 1, 1)
        assert counted["coefficients"].keys() == {"a", "b"}
    model = tmp_path / "m.json"
    done("fit", good, "--target", "y", "--model", model)
    message = refused("predict", model, bad, good, "-o", tmp_path / "p.csv")
    assert f"{found}, and {model} predicts from numbers: --missing '?' reads 'a'" in message
    done("predict", model, bad, good, "-o", tmp_path / "p.csv", "--missing", "?")


def test_line_breaks_in_quotes_and_other_encodings(tmp_path: Path) -> None:
    content = 'größe,"two\nlines",y\n' + "".join(f'{a},"{b}",{y}\n' for a, b, y in zip(A, NOISE, Y, strict=True))
    paths = [tmp_path / f"{k}.csv" for k in range(2)]
    for path in paths:
        path.write_bytes(content.encode("latin-1"))
    found = fitted(*paths, "--target", "y", "--encoding", "latin-1")
    assert found["coefficients"] == pytest.approx({"größe": 2.0, "two\nlines": 1.0})
    assert "isn't UTF-8: say what it is, such as --encoding latin-1" in refused("fit", *paths, "--target", "y")


def test_rows_left_out_are_counted(tmp_path: Path) -> None:
    one = text(tmp_path / "1.csv", "a,y\n1,2\n,3\n3,5\n4,4\n")
    other = text(tmp_path / "2.csv", "a,y\n1,2\n2,3\n,5\n4,4\n")
    for options in ([], ["--plan", "stream"], ["--folds", "2"]):
        found = fitted(one, other, "--target", "y", "--drop-missing", *options)
        assert (found["rows"], found["rows_left_out"]) == (6, 2)
    assert "6 rows, 2 left out for missing values" in done("fit", one, other, "--target", "y", "--drop-missing")
