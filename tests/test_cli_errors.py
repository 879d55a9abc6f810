"""Whatever is wrong with a table, an option or a model: one line that says what to write instead."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
from commands import X, Y, done, refused, target, text, write
from gdfast import errors
from gdfast.cli.messages import OPTIONS, Words

# --- what is wrong with a table


BAD_CSV: dict[str, tuple[str, list[str], list[str]]] = {
    "no target": ("a,y\n1,2\n", [], ["--target says", "'a', 'y'"]),
    "unknown target": ("a,y\n1,2\n", ["--target", "z"], ["--target:", "no column 'z'", "'a', 'y'"]),
    "unknown column": ("a,y\n1,2\n", ["--target", "y", "--columns", "b"], ["--columns:", "no column 'b'"]),
    "unknown weights": ("a,y\n1,2\n", ["--target", "y", "--weights", "b"], ["--weights:", "no column 'b'"]),
    "target among columns": ("a,y\n1,2\n", ["--target", "y", "--columns", "a,y"], ["'y' is what"]),
    "nothing left": ("a,y\n1,2\n", ["--target", "y", "--exclude", "a"], ["no column left"]),
    "text": ("a,b,y\n1,2,3\n2,Ulm,4\n", ["--target", "y"], ["'b'", "'Ulm' in row 2", "--exclude b"]),
    "missing": ("a,b,y\n1,,3\n2,1,4\n", ["--target", "y"], ["'b' (1 of 2 rows)", "--drop-missing", "--exclude b"]),
    "missing everywhere": ("a,b,y\n1,,3\n2,,4\n", ["--target", "y", "--drop-missing"], ["every row", "--exclude b"]),
    "infinite": ("a,b,y\n1,inf,3\n2,1,4\n", ["--target", "y"], ["infinite", "'b'", "--exclude b"]),
    "dates": ("a,b,y\n2024-01-01,1,3\n2024-01-02,2,4\n", ["--target", "y"], ["'a'", "date32", "--exclude a"]),
    "semicolons": ("a;y\n1;2\n", ["--target", "y", "--delimiter", ","], ["--delimiter ';'"]),
    "no header": ("1.5,2\n3,4\n", ["--target", "y"], ["1.5, 2", "--no-header", "--header"]),
    "twice the same name": ("a,a,y\n1,2,3\n", ["--target", "y"], ["more than one column called 'a'"]),
    "ragged": ("a,y\n1,2\n1\n", ["--target", "y"], ["can't be read as CSV"]),
    "empty": ("", ["--target", "y"], ["can't be read as CSV"]),
    "no rows": ("a,y\n", ["--target", "y"], ["no rows"]),
    "weights below 0": ("a,s,y\n1,-1,3\n2,1,4\n", ["--target", "y", "--weights", "s"], ["'s' is -1 in row 1"]),
    "one row": ("a,y\n1,2\n", ["--target", "y", "--validation", "0.5"], ["but one row"]),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_table_is_one_line(name: str, tmp_path: Path) -> None:
    content, options, expected = BAD_CSV[name]
    line = refused("fit", text(tmp_path / "bad.csv", content), *options)
    assert [part for part in expected if part not in line] == [], line


def test_missing_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    data = text(tmp_path / "a.csv", "a,y\n1,2\n,3\n3,6\n")
    assert "2 rows, 1 left out" in done("fit", data, "--target", "y", "--drop-missing")


def test_other_separators(tmp_path: Path) -> None:
    assert "R² 1 " in done("fit", text(tmp_path / "a.csv", "a;y\n1;2\n2;4\n"), "--target", "y", "--delimiter", ";")
    assert "R² 1 " in done("fit", text(tmp_path / "a.csv", "1,2\n2,4\n"), "--target", "1", "--no-header")


def test_bad_files_are_one_line(tmp_path: Path) -> None:
    assert "there is no file" in refused("fit", tmp_path / "none.csv", "--target", "y")
    for suffix, kind in ((".parquet", "Parquet"), (".npy", "can't be read"), (".xlsx", ".csv, .csv.gz, .parquet")):
        assert kind in refused("fit", text(tmp_path / f"bad{suffix}", "nonsense"), "--target", "y")
    np.savez(tmp_path / "a.npz", a=X)
    assert "np.save" in refused("fit", tmp_path / "a.npz")
    np.save(tmp_path / "flat.npy", Y)
    assert "(80,)" in refused("fit", tmp_path / "flat.npy")
    np.save(tmp_path / "text.npy", np.array([["a", "b"]]))
    assert "<U1" in refused("fit", tmp_path / "text.npy")
    np.save(tmp_path / "pickle.npy", np.array([[None, {}]]), allow_pickle=True)
    assert "can't be read" in refused("fit", tmp_path / "pickle.npy")


# --- what is wrong with options


def test_divergence_is_one_line_that_names_columns(table: Path) -> None:
    line = refused("fit", table, *target(table), "--no-standardize", "--learning-rate", 0.1, status=1)
    assert "diverged" in line
    assert "Write --learning-rate auto or --standardize." in line
    assert ("'area'" in line) == (table.suffix != ".npy")


BAD_OPTIONS: dict[str, tuple[list[Any], list[str]]] = {
    "adam": (["--optimizer", "adam"], ["--learning-rate auto", "--optimizer nesterov"]),
    "batches": (["--batch-size", 8], ["--learning-rate auto", "no --batch-size"]),
    "l1": (["--l1", 1, "--optimizer", "momentum"], ["--l1 1 with --optimizer momentum", "--optimizer gd"]),
    "l2": (["--l2", -1], ["--l2 is -1"]),
    "too large a batch": (["--batch-size", 999, "--learning-rate", 0.1], ["--batch-size is 999", "80"]),
    "share": (["--validation", 20], ["--validation is 20", "such as 0.2"]),
    "delimiter": (["--delimiter", "::"], ["--delimiter is '::'"]),
    "model": (["--model", "a.pkl"], ["--model: 'a.pkl' has to end in .json or .npz"]),
    "chart": (["--chart", "nowhere/a.png"], ["--chart: there is no folder 'nowhere'"]),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_a_bad_option_is_one_line(name: str, tmp_path: Path, columns: dict[str, Any]) -> None:
    options, expected = BAD_OPTIONS[name]
    line = refused("fit", write(tmp_path / "a.csv", columns), "--target", "price", *options)
    assert [part for part in expected if part not in line] == [], line


WORDS = Words(["area", "rooms"], "price", "n", np.array([2, 3, 5]), np.array([1, 4]))

SAID: dict[str, errors.Message] = {
    "write --learning-rate auto, no --batch-size or --standardize": errors.Message(
        "write ",
        errors.Argument("learning_rate", "auto"),
        ", ",
        errors.Argument("batch_size", None),
        " or ",
        errors.Argument("standardize", True),
    ),
    "--tol is -1, --no-standardize, --seed 3, --intercept": errors.Message(
        errors.Argument("tol"),
        " is -1, ",
        errors.Argument("standardize", False),
        ", ",
        errors.Argument("rng", 3),
        ", ",
        errors.Argument("fit_intercept", True),
    ),
    "betas[0] is 1": errors.Message(errors.Argument("betas[0]"), " is 1"),
    "row 5 of column 'n' is -1": errors.Message(errors.Entry("sample_weight", (2,)), " is -1"),
    "row 3 of column 'rooms' is nan": errors.Message(errors.Entry("x", (1, 1)), " is nan"),
    "row 4 of column 'price' is inf": errors.Message(errors.Entry("validation[1]", (1,)), " is inf"),
    "column 'n' of the rows held out adds up to 0": errors.Message(errors.Argument("validation[2]"), " adds up to 0"),
    "column 'price' is as it is": errors.Message(errors.Argument("y"), " is as it is"),
}


@pytest.mark.parametrize("said", SAID)
def test_messages_speak_of_options_columns_and_rows(said: str) -> None:
    assert WORDS.said(SAID[said]) == said
    assert WORDS.said(ValueError(SAID[said])) == said


def test_every_option_that_a_message_may_name_is_there() -> None:
    """And every argument of `gdfast.fit` that the command has is among them."""
    printed = done("fit", "--help")
    assert [option for option in OPTIONS.values() if option not in printed] == []
    arguments = set(inspect.signature(gdfast.fit).parameters)
    assert set(OPTIONS) - arguments == set()
    # The command's own --columns and --missing are done with before `fit` has the table.
    own = {"sample_weight", "columns", "missing"}
    options = {f"--{name.replace('_', '-')}": name for name in arguments - own}
    assert {name for option, name in options.items() if option in printed} <= set(OPTIONS)


# --- what is wrong with a model


def test_bad_models_are_one_line(tmp_path: Path, columns: dict[str, Any]) -> None:
    data, path = write(tmp_path / "a.csv", columns), tmp_path / "m.json"
    for content in ("", "[]", "{}", '{"format": "other"}'):
        assert "no model" in refused("predict", text(path, content), data)
    head = '{"format": "gdfast linear model", "format_version": '
    line = refused("predict", text(path, head + '99, "gdfast_version": "9.0"}'), data)
    assert "written by gdfast 9.0" in line
    assert "damaged" in refused("predict", text(path, head + '1, "dtype": "float64", "coefficients": {}}'), data)
    assert "no model" in refused("predict", text(tmp_path / "m.npz", "nonsense"), data)
    assert "there is no file" in refused("predict", tmp_path / "none.json", data)
