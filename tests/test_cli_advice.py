"""Every piece of advice that the command line gives is followed to the letter, as a shell reads it, and works."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import advice
from commands import refused as refused_with
from commands import run, text

N = 12
A: list[Any] = [float(i) for i in range(N)]
B: list[Any] = [float((5 * i) % 7) for i in range(N)]
Y: list[Any] = [2 * a - b for a, b in zip(A, B, strict=True)]
GOOD = {"a": A, "b": B, "y": Y}
WHOLE: dict[str, list[Any]] = {"a": list(range(N)), "b": B, "y": [3 * i % 5 for i in range(N)]}


def refused(*arguments: object) -> str:
    """The one line that a command failed with; what it advises is followed."""
    line = refused_with(*arguments)
    advice.followed(line)
    return line


class Case(NamedTuple):
    """A table and options with which `gdfast fit` fails, and the ways out that its message shows."""

    columns: dict[str, list[Any]]
    options: str
    ways: tuple[str, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    mentions: tuple[str, ...] = ()  # options that the message names without advising them


def but(values: list[Any], place: int, value: object) -> list[Any]:
    return [value if i == place else old for i, old in enumerate(values)]


def german(values: list[Any]) -> list[Any]:
    return [str(value).replace(".", ",") for value in values]


def text_in(*names: str) -> dict[str, list[Any]]:
    return {"b": B, **{name: but(A, 3, "Ulm") for name in names}, "y": Y}


TARGET = ("--target",)
CASES: dict[str, Case] = {
    "text": Case(text_in("city"), "", ("--exclude city",)),
    "a space": Case(text_in("Individual ID"), "", ("--exclude 'Individual ID'",)),
    "two spaces": Case(text_in("a  b"), "", ("--exclude 'a  b'",)),
    "a quote": Case(text_in("it's"), "", ("""--exclude 'it'"'"'s'""",)),
    "a comma": Case(text_in("a,b"), "", ("--exclude a,b",)),
    "a dash": Case(text_in("-x"), "", ("--exclude=-x",)),
    "an option": Case(text_in("--target"), "", ("--exclude=--target",), mentions=("--target'",)),
    "dollar and star": Case(text_in("$HOME", "*"), "", ("--exclude '$HOME,*'",)),
    "no name": Case(text_in(""), "", ("--exclude ''",)),
    "an escape character": Case(text_in("red\x1b[31m"), "", (r"--exclude 'red\x1b[31m'",)),
    "a line break": Case(text_in("two\nlines"), "", (r"--exclude 'two\nlines'",)),
    "several, one with a comma": Case(text_in("p", "q,r", "s"), "", ("--exclude p,s --exclude q,r",)),
    "a third column of both names": Case(text_in("p", "q") | {"p,q": A}, "", ("--exclude p --exclude q",)),
    "dates": Case({**GOOD, "when": [f"2024-01-{i + 1:02}" for i in range(N)]}, "", ("--exclude when",)),
    "question marks": Case({**GOOD, "b": but(B, 2, "?")}, "", ("--missing '?' --drop-missing", "--exclude b")),
    "two signs": Case(
        {**GOOD, "b": but(B, 2, "-"), "c": but(A, 4, "n.a.")},
        "",
        ("--missing=-,n.a. --drop-missing", "--exclude b,c"),
    ),
    "question marks, to be dropped": Case(
        {**GOOD, "b": but(B, 2, "?")}, "--drop-missing", ("--missing '?'", "--exclude b")
    ),
    "question marks and text": Case(
        {**GOOD, "b": but(B, 2, "?"), "c": but(A, 4, "Ulm")},
        "",
        ("--missing '?' --drop-missing --exclude c", "--exclude b,c"),
    ),
    "question marks in the target": Case(
        {**GOOD, "y": but(Y, 2, "?")}, "", ("--missing '?' --drop-missing",), mentions=TARGET
    ),
    "question marks in the weights": Case(
        {**GOOD, "w": but([1] * N, 2, "?")},
        "--weights w",
        ("--missing '?' --drop-missing",),
        mentions=("--weights",),
    ),
    "decimal commas": Case({**WHOLE, "b": german(B)}, "", ("--decimal ,", "--exclude b")),
    "decimal commas, semicolons": Case(
        {**WHOLE, "b": german(B)}, "", ("--delimiter ';' --decimal ,", "--exclude b"), delimiter=";"
    ),
    "decimal commas, tabs": Case(
        {**WHOLE, "b": german(B)}, "", (r"--delimiter '\t' --decimal ,", "--exclude b"), delimiter="\t"
    ),
    "decimal commas and question marks": Case(
        {**WHOLE, "b": but(german(B), 1, "?")}, "", ("--decimal , --missing '?' --drop-missing", "--exclude b")
    ),
    "commas beside decimal points": Case({**GOOD, "b": german(B)}, "", ("--exclude b",)),
    "decimal commas everywhere": Case(
        {name: german(values) for name, values in GOOD.items()}, "", ("--decimal ,",), mentions=TARGET
    ),
    "decimal points": Case({**WHOLE, "b": B}, "--decimal ,", ("--decimal .", "--exclude b")),
    "commas at the thousands": Case({**WHOLE, "b": [f"{i + 1},200" for i in range(N)]}, "", ("--exclude b",)),
    "points at the thousands": Case(
        {**WHOLE, "b": [f"{i + 1}.200" for i in range(N)]}, "--decimal ,", ("--exclude b",)
    ),
    "what might be thousands, semicolons": Case(
        {**WHOLE, "b": [f"{i + 1},200" for i in range(N)]},
        "",
        ("--delimiter ';' --decimal ,", "--exclude b"),
        delimiter=";",
    ),
    "a zero byte": Case({**GOOD, "b": but(B, 2, "\0")}, "", ("--exclude b",)),
    "missing": Case({**GOOD, "b": but(B, 2, "")}, "", ("--drop-missing", "--exclude b")),
    "missing in the target": Case({**GOOD, "y": but(Y, 2, "")}, "", ("--drop-missing",)),
    "missing everywhere": Case({**GOOD, "b": [""] * N}, "", ("--exclude b",)),
    "missing everywhere, to be dropped": Case({**GOOD, "b": [""] * N}, "--drop-missing", ("--exclude b",)),
    "infinite": Case({**GOOD, "b": but(B, 2, "inf")}, "", ("--exclude b",)),
    "beyond float32": Case({**GOOD, "b": but(B, 2, 1e60)}, "--dtype f32", ("--exclude b", "--dtype f64")),
    "integers that collapse": Case({**GOOD, "id": [2**60 + i for i in range(N)]}, "", ("--exclude id",)),
    "numbers in the header": Case(
        {"1990": A, "2000": B, "2010": Y}, "--target 2", ("--header --target 2010", "--no-header")
    ),
    "latin-1": Case({"größe": A, "y": Y}, "", ("--encoding latin-1",), encoding="latin-1"),
    "utf-16 without a mark": Case(GOOD, "", ("--encoding utf-16-le",), encoding="utf-16-le"),
    "adam": Case(GOOD, "--optimizer adam", ("--optimizer nesterov",), mentions=("--learning-rate auto",)),
    "l1": Case(
        GOOD,
        "--optimizer momentum --l1 1",
        ("--optimizer gd", "--optimizer nesterov"),
        mentions=("--l1 1 with --optimizer momentum",),
    ),
}


def table(path: Path, case: Case) -> Path:
    with path.open("w", newline="", encoding=case.encoding) as file:
        writer = csv.writer(file, delimiter=case.delimiter)
        writer.writerow(case.columns)
        writer.writerows(zip(*case.columns.values(), strict=True))
    return path


@pytest.mark.parametrize("name", CASES)
def test_what_fit_says_to_write_works(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    data = table(tmp_path / "data.csv", case)
    options = ["--target", "y", *shlex.split(case.options)]
    line = refused("fit", data, *options)
    left = line
    for way in case.ways:
        shown = way.partition(" --target ")[0]  # whom columns are called otherwise has to name the target anew
        assert shown in line
        left = left.replace(shown, "", 1)
        result = run("fit", data, *options, *shlex.split(way))
        assert result.exit_code == 0, f"{way}: {result.output}"
    for mention in case.mentions:
        assert mention in left
        left = left.replace(mention, "")
    assert re.findall(r"--[a-z]\S*", left.replace(str(tmp_path), "")) == []


def test_what_predict_says_to_write_works(tmp_path: Path) -> None:
    model = tmp_path / "m.json"
    good = table(tmp_path / "good.csv", Case(GOOD, "", ()))
    assert run("fit", good, "--target", "y", "--model", model).exit_code == 0
    cases = {
        "--missing '?'": Case({**GOOD, "b": but(B, 2, "?")}, "", ()),
        "--delimiter ';' --decimal ,": Case({**WHOLE, "b": german(B)}, "", (), delimiter=";"),
        "--encoding latin-1": Case({"größe": A, **GOOD}, "", (), encoding="latin-1"),
    }
    for way, case in cases.items():
        data = table(tmp_path / "data.csv", case)
        line = refused("predict", model, data)
        assert way in line
        assert "--exclude" not in line
        assert "--drop-missing" not in line
        result = run("predict", model, data, *shlex.split(way))
        assert result.exit_code == 0, result.output
        assert len(result.stdout.split()) == N


def test_a_wrong_delimiter(tmp_path: Path) -> None:
    """The tab is written as bash reads it, and as no other splitter does."""
    for delimiter, way in ((";", "--delimiter ';'"), ("|", "--delimiter '|'"), ("\t", r"--delimiter '\t'")):
        data = table(tmp_path / "data.csv", Case(GOOD, "", (), delimiter=delimiter))
        line = refused("fit", data, "--target", "y", "--delimiter", ",")
        assert way in line
        assert run("fit", data, "--target", "y", *shlex.split(way)).exit_code == 0


def test_there_is_no_advice_where_none_works(tmp_path: Path) -> None:
    """Without these columns nothing would be left to predict from, or to train on."""
    for content in (
        "a,y\nx,1\nz,2\n",  # text in the only column
        "a,y\n1e999,1\n2,2\n",  # infinite
        "a,y\n,1\n,2\n",  # missing
        "a,b,y\n1,2,\n3,4,\n",  # no target at all
        "a,a,y\n1,2,1\n3,4,2\n",  # a name twice, and no other
        "a,y\n9007199254740992,1\n9007199254740993,2\n",
    ):
        line = refused("fit", text(tmp_path / "a.csv", content), "--target", "y")
        assert "--exclude" not in line
        assert "--drop-missing" not in line


def test_columns_that_a_report_complains_of(tmp_path: Path) -> None:
    columns = {"a": [1e7 * a for a in A], "b": B, "y": Y}
    data = table(tmp_path / "data.csv", Case(columns, "", ()))
    options = ["--target", "y", "--no-standardize", "--optimizer", "gd", "--n-iters", "3"]
    result = run("fit", data, *options)
    assert result.exit_code == 0
    assert "Write --standardize" in result.stdout
    advice.followed(result.stdout)
    assert "Write --standardize" not in run("fit", data, *options, "--standardize").stdout
