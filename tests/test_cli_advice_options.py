"""What the command line says of options, of files and of fits that diverge is followed to the letter, and works."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import advice
from commands import refused as refused_with
from commands import run, write

N = 40
rng = np.random.default_rng(0)
A, B = rng.standard_normal(N), rng.standard_normal(N)
GOOD: dict[str, Any] = {"a": A, "b": B, "shop": np.arange(N) % 5, "y": 2 * A - B + 0.1 * rng.standard_normal(N)}


def works(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(says: str, *arguments: object, status: int = 2) -> None:
    line = refused_with(*arguments, status=status)
    assert says in line
    advice.followed(line)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "good.csv", GOOD)


@pytest.mark.parametrize(("options", "says", "ways"), [
    ("--vcov HC1", "write --summary as well", ["--vcov HC1 --summary"]),
    ("--cluster shop", "write --summary as well, and leave out --vcov", ["--cluster shop --summary"]),
    ("--cluster shop --vcov HC1 --summary", "and leave out --vcov", ["--cluster shop --summary"]),
    ("--folds 5 --summary", "leave out --summary", ["--folds 5", "--summary"]),
    ("--rule 1se", "write --folds 5 as well", ["--rule 1se --folds 5"]),
    ("--l1-ratio 0.5", "write --folds 5 as well", ["--l1-ratio 0.5 --folds 5"]),
    ("--folds 5 --l1 1", "leave out --l1", ["--folds 5", "--l1 1"]),
    ("--folds 5 --plan stream", "--plan stream and --reduction sum", ["--folds 5", "--plan stream"]),
    ("--folds 5 --optimizer cg", "leave out --optimizer and --backend", ["--folds 5", "--optimizer cg"]),
    ("--optimizer gd --learning-rate 1e3 --no-standardize", "Write --learning-rate auto.",
     ["--optimizer gd --learning-rate auto --no-standardize"]),
    ("--optimizer adam --learning-rate 1e300 --n-iters 3", "a smaller --learning-rate",
     ["--optimizer adam --learning-rate 0.01 --n-iters 3"]),
    ("--optimizer exact --plan stream", "write --plan moments, or --optimizer cg",
     ["--optimizer exact --plan moments", "--optimizer cg --plan stream"]),
    ("--optimizer cg --l1 1", "write --optimizer exact, or --optimizer nesterov",
     ["--optimizer exact --l1 1", "--optimizer nesterov --l1 1"]),
])  # fmt: skip
def test_options(options: str, says: str, ways: list[str], good: Path) -> None:
    status = 1 if "--learning-rate" in options else 2  # a fit that diverged was asked for rightly
    refused(says, "fit", good, "--target", "y", *shlex.split(options), status=status)
    for way in ways:
        works("fit", good, "--target", "y", *shlex.split(way))


def test_a_rate_that_standardized_columns_would_bear(tmp_path: Path) -> None:
    data = write(tmp_path / "d.csv", GOOD | {"a": 1e4 * A})
    options = ["--target", "y", "--optimizer", "gd", "--learning-rate", "0.01", "--n-iters", "50"]
    refused("Write --learning-rate auto or --standardize.", "fit", data, *options, "--no-standardize", status=1)
    works("fit", data, *options, "--standardize")
    works("fit", data, *options[:4], "--learning-rate", "auto", "--no-standardize")


def test_what_is_taken_for_a_header_or_an_index(tmp_path: Path) -> None:
    years = tmp_path / "years.csv"
    years.write_text("2010,2011,2012\n" + "".join(f"{a},{b},{c}\n" for a, b, c in zip(A, B, GOOD["y"], strict=True)))
    said = works("fit", years, "--target", "2012")
    assert "--no-header takes it for data" in said
    advice.followed(said)
    works("fit", years, "--target", "2", "--no-header")

    rows = tmp_path / "rows.csv"
    rows.write_text(",a,y\n" + "".join(f"{i},{a},{y}\n" for i, (a, y) in enumerate(zip(A, GOOD["y"], strict=True))))
    said = works("fit", rows, "--target", "y")
    assert "--columns names the columns to use, if it shall be one" in said
    advice.followed(said)
    works("fit", rows, "--target", "y", "--columns", ",a" if "''" not in said else "a")


def test_weights_that_leave_nothing_to_hold_out(tmp_path: Path) -> None:
    s = np.zeros(N)
    s[np.random.default_rng(0).permutation(N)[:30]] = 1
    data = write(tmp_path / "d.csv", GOOD | {"s": s})
    options = ["--target", "y", "--weights", "s"]
    for seed in range(20):
        result = run("fit", data, *options, "--validation", "0.02", "--seed", seed)
        if result.exit_code != 0:
            refused("another --seed draws other rows, and without", "fit", data, *options,
                    "--validation", "0.02", "--seed", seed)  # fmt: skip
            break
    else:
        raise AssertionError("no draw held out rows without weight")
    seeds = [["--validation", "0.02", "--seed", other] for other in range(20)]
    assert any(run("fit", data, *options, *seed).exit_code == 0 for seed in seeds)
    works("fit", data, *options)


def test_an_encoding_that_it_is_not(tmp_path: Path) -> None:
    data = write(tmp_path / "d.csv", {"größe": A, "y": GOOD["y"]})
    said = "say with --encoding what it is, or leave that out for UTF-8"
    refused(said, "fit", data, "--target", "y", "--encoding", "ascii")
    works("fit", data, "--target", "y")
    works("fit", data, "--target", "y", "--encoding", "utf-8")


def test_files(good: Path, tmp_path: Path) -> None:
    refused("is a folder: name a file in it", "fit", tmp_path, "--target", "y")
    works("fit", good, "--target", "y")

    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    refused("write what comes from it into a file first", "fit", pipe, "--target", "y")

    twice = tmp_path / "twice.csv"
    twice.write_text("a,b,b,y\n" + "".join(f"{a},{b},1,{y}\n" for a, b, y in zip(A, B, GOOD["y"], strict=True)))
    refused("--exclude b leaves the columns out, or give each a name of its own", "fit", twice, "--target", "y")
    works("fit", twice, "--target", "y", "--exclude", "b")
    twice.write_text(twice.read_text().replace("b,b", "b,c", 1))
    works("fit", twice, "--target", "y")

    parquet = write(tmp_path / "t.parquet", GOOD)
    hidden = parquet.rename(tmp_path / "t.csv")
    refused("give it a name that ends in .parquet", "fit", hidden, "--target", "y")
    works("fit", hidden.rename(parquet), "--target", "y")


def test_every_row_lacks_something(tmp_path: Path) -> None:
    y: list[Any] = GOOD["y"].tolist()
    y[3] = ""
    data = write(tmp_path / "d.csv", GOOD | {"b": [""] * N, "y": y})
    refused("--exclude b leaves", "fit", data, "--target", "y")
    works("fit", data, "--target", "y", "--exclude", "b", "--drop-missing")


def test_moments_beside_rows(good: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.gdm", tmp_path / "good.gdm"
    works("moments", good, "--target", "y", "-o", one)
    refused(f"write `gdfast moments {good}` first", "fit", one, good)
    works("moments", good, "--target", "y", "-o", two)
    works("fit", one, two)


def test_several_files(good: Path, tmp_path: Path) -> None:
    more, model = write(tmp_path / "more.csv", GOOD), tmp_path / "m.json"
    refused("or --folds 2", "fit", good, more, "--target", "y", "--validation", "0.2")
    works("fit", good, more, "--target", "y", "--folds", "2")
    works("fit", good, "--target", "y", "--model", model)
    works("predict", model, more)

    refused("name a file for the predictions", "predict", model, good, more, "--json")
    works("predict", model, good, more, "--json", "--output", tmp_path / "p.csv")
    for files in ([good], [good, more]):
        words = [sys.executable, "-m", "gdfast", "predict", *map(str, [model, *files])]
        closed = subprocess.run(["sh", "-c", f"{shlex.join(words)} >&-"], capture_output=True, text=True, check=False)
        assert closed.returncode == 1
        assert "name a file with --output" in closed.stderr
        advice.followed(closed.stderr)
        whole = f"{shlex.join([*words, '--output', str(tmp_path / 'q.csv')])} >&-"
        assert subprocess.run(["sh", "-c", whole], capture_output=True, check=False).returncode == 0


def test_integers_that_collapse_in_predictions(tmp_path: Path) -> None:
    model, base = tmp_path / "m.json", 2**60
    ids = [base + i for i in range(N)]
    small = [i - base for i in ids]
    learnt, collapsing = (
        write(tmp_path / "d.csv", {"id": small, "y": GOOD["y"]}),
        write(tmp_path / "p.csv", {"id": ids}),
    )
    works("fit", learnt, "--target", "y", "--model", model)
    refused("subtract a number from the column, here and where", "predict", model, collapsing)
    works("predict", model, learnt)


def test_columns_of_text_in_several_files(tmp_path: Path) -> None:
    town = np.full(N, "x")
    paths = [write(tmp_path / f"{k}.parquet", {**GOOD, "town": town}) for k in range(2)]
    command = ("fit", *paths, "--target", "y")
    refused("--exclude town leaves it out", *command)
    assert "3 columns" in works(*command, "--exclude", "town")


def test_a_column_that_only_some_files_have(tmp_path: Path) -> None:
    one, other = write(tmp_path / "1.csv", GOOD), write(tmp_path / "2.csv", {**GOOD, "c": A})
    for files in ((one, other), (other, one)):
        refused("--exclude c leaves it out", "fit", *files, "--target", "y")
        works("fit", *files, "--target", "y", "--exclude", "c")


def test_rows_with_a_delimiter_at_their_ends_and_comments(tmp_path: Path) -> None:
    rows = [f"{a},{y}" for a, y in zip(A, GOOD["y"], strict=True)]
    ended, comment, names = tmp_path / "ended.csv", tmp_path / "comment.csv", tmp_path / "names.csv"
    other = write(tmp_path / "other.csv", {"a": A, "y": GOOD["y"]})
    ended.write_text("\n".join(["a,y", *(f"{row}," for row in rows)]))
    comment.write_text("\n".join(["# of May", "a,y", *rows]))
    for files in ([ended], [ended, other]):
        refused("write the rows without the ',' at their ends", "fit", *files, "--target", "y")
    says = "where it is a comment, write the file without it"
    refused(says, "fit", comment, "--target", "y")
    refused(says, "fit", comment, other, "--target", "y")
    names.write_text("\n".join(["# of May,by me", *rows]))
    refused(says, "fit", names, "--target", "y")
    for path in (ended, comment):
        path.write_text("\n".join(["a,y", *rows]))
        works("fit", path, "--target", "y")
        works("fit", path, other, "--target", "y")


def test_validation_of_files_that_are_read_in_pieces(good: Path, tmp_path: Path) -> None:
    from pyarrow import feather, table

    arrow = tmp_path / "good.arrow"
    feather.write_feather(table(GOOD), arrow)
    refused("is read in pieces: --folds 5", "fit", arrow, "--target", "y", "--validation", "0.2")
    works("fit", arrow, "--target", "y", "--folds", "5")
    refused(f"is a pattern: write {good}", "fit", tmp_path / "goo[d].csv", "--target", "y", "--validation", "0.2")
    works("fit", good, "--target", "y", "--validation", "0.2")


def test_moments_of_columns_whose_squares_are_infinite(tmp_path: Path) -> None:
    huge = {**GOOD, "a": 1e300 * A}
    paths = [write(tmp_path / f"{k}.csv", huge) for k in range(2)]
    for files in (paths[:1], paths):
        refused("scale columns to numbers", "moments", *files, "--target", "y", "-o", tmp_path / "m.gdm")
        assert not (tmp_path / "m.gdm").exists()
    works("moments", write(paths[0], GOOD), "--target", "y", "-o", tmp_path / "m.gdm")
