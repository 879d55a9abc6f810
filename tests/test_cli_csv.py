"""CSV files as they are: encodings, delimiters, decimal commas, words for missing values, headers, blank lines."""

from __future__ import annotations

import bz2
import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from commands import done, refused, text, write
from gdfast.cli.model import Model, load

# y = 2a + 3, and b has nothing to do with it.
ROWS = [(i, (7 * i) % 5, 2 * i + 3) for i in range(20)]
PLAIN = "a,b,y\n" + "".join(f"{a},{b},{y}\n" for a, b, y in ROWS)
WITH_TARGET = ("--target", "y")


def fitted(path: Path, *options: object) -> Model:
    """The model of a table, by the command line."""
    model = path.parent / "fitted.json"
    done("fit", path, *options, "--model", model)
    return load(model)


def check(path: Path, *options: object, names: tuple[str, ...] = ("a", "b")) -> None:
    """The table is that of `PLAIN`."""
    model = fitted(path, *(options or WITH_TARGET))
    assert model.names == names
    np.testing.assert_allclose(model.w, [2, 0], atol=1e-6)
    assert model.b == pytest.approx(3, abs=1e-5)


# --- bytes and encodings


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".csv.gz": gzip.compress,
    ".csv.bz2": bz2.compress,
    ".csv.zst": lambda raw: bytes(pa.compress(raw, codec="zstd", asbytes=True)),
    ".csv": gzip.compress,  # what it is decides, not what it is called
    ".CSV": bytes,
}


@pytest.mark.parametrize("suffix", PACKED)
def test_packed_files(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(PACKED[suffix](PLAIN.encode()))
    check(path)


@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz"])
def test_tabs(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    raw = PLAIN.replace(",", "\t").encode()
    path.write_bytes(gzip.compress(raw) if suffix.endswith(".gz") else raw)
    check(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(PLAIN.replace("a,", "größe,", 1).encode(encoding))
    check(path, names=("größe", "b"))


def test_utf16_over_many_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        ("ä,note,y\n" + "".join(f"{i % 89},é {i},{2 * (i % 89)}\n" for i in range(60_000))).encode("utf-16")
    )
    model = fitted(path, *WITH_TARGET, "--exclude", "note")
    np.testing.assert_allclose(model.w, [2], rtol=1e-9)


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF16_LE])
def test_an_encoding_that_is_given(mark: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(mark + PLAIN.replace("a,", "größe,", 1).encode("utf-16-le"))
    check(path, *WITH_TARGET, "--encoding", "utf-16-le", names=("größe", "b"))


def test_latin_1_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(PLAIN.replace("a,", "größe,", 1).encode("latin-1"))
    line = refused("fit", path, *WITH_TARGET)
    assert "isn't UTF-8" in line
    assert "--encoding latin-1" in line
    check(path, *WITH_TARGET, "--encoding", "latin-1", names=("größe", "b"))
    assert "isn't text in ascii" in refused("fit", path, *WITH_TARGET, "--encoding", "ascii")


def test_latin_1_where_nobody_looks_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("note,a,y\ncafé,1,2\nthé,2,4\nlait,3,6\n".encode("latin-1"))
    np.testing.assert_allclose(fitted(path, *WITH_TARGET, "--exclude", "note").w, [2], rtol=1e-9)
    assert r"text ('caf\xe9' in row 1)" in refused("fit", path, *WITH_TARGET)


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf16_without_a_mark_is_said(order: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(PLAIN.encode(f"utf-16-{order}"))
    assert f"--encoding utf-16-{order}" in refused("fit", path, *WITH_TARGET)


@pytest.mark.parametrize("name", ["latin-99", "base64", "rot13", "\0"])
def test_encodings_that_are_none(name: str, tmp_path: Path) -> None:
    assert "--encoding: no encoding" in refused("fit", text(tmp_path / "a.csv", PLAIN), "--encoding", name)


# --- lines


def test_blank_lines_anywhere(tmp_path: Path) -> None:
    lines = PLAIN.splitlines()
    check(text(tmp_path / "a.csv", "\n  \n" + "\n\n \t\n".join(lines) + "\n\n  \n"))
    check(text(tmp_path / "a.csv", "\ufeff\r\n" + "\r\n".join(lines)))
    check(
        text(tmp_path / "a.csv", "\n" + PLAIN.removeprefix("a,b,y\n")), "--no-header", "--target", "2", names=("0", "1")
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(end: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(PLAIN.replace("\n", end).encode())
    check(tmp_path / "a.csv")


def test_line_breaks_in_quotes(tmp_path: Path) -> None:
    """In the header, and on both sides of the borders between pyarrow's blocks of 1 MiB."""
    rows = (f'"line one {i}\nline, ""two""",{i % 89},{3 * (i % 89)}\n' for i in range(60_000))
    path = text(tmp_path / "a.csv", 'note,"a\nwith a break",y\n' + "".join(rows))
    assert path.stat().st_size > 2**21
    model = fitted(path, *WITH_TARGET, "--exclude", "note")
    assert model.names == ("a\nwith a break",)
    np.testing.assert_allclose(model.w, [3], rtol=1e-9)


def test_a_line_longer_than_a_block(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", f'note,a,y\n"{"x" * 3_000_000}",1,2\nz,2,4\nz,3,6\n')
    np.testing.assert_allclose(fitted(path, *WITH_TARGET, "--exclude", "note").w, [2], rtol=1e-9)


def test_a_header_longer_than_a_block(tmp_path: Path) -> None:
    names = [f"a column with quite a long name, its number is {j}" for j in range(25_000)]
    path = write(tmp_path / "a.csv", {name: [1, 2] for name in [*names, "y"]})
    assert path.stat().st_size > 2**20
    printed = done("fit", path, *WITH_TARGET, "--columns", names[7], "--columns", names[-1])
    assert "2 columns" in printed


# --- delimiters and decimal commas


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(delimiter: str, tmp_path: Path) -> None:
    check(text(tmp_path / "a.csv", PLAIN.replace(",", delimiter)))
    check(text(tmp_path / "a.csv", PLAIN.replace(",", delimiter)), *WITH_TARGET, "--delimiter", delimiter)


def test_delimiters_where_others_stand_in_the_values(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "a, in cm;note;y\n1,5;x|y;3\n2,5;z,z,z;5\n3,5;;7\n")
    assert "has no column 'z'; it has 'a, in cm', 'note', 'y'" in refused("fit", path, "--target", "z")
    model = fitted(path, *WITH_TARGET, "--decimal", ",", "--exclude", "note")
    np.testing.assert_allclose(model.w, [2], rtol=1e-9)


def test_a_delimiter_that_is_given_is_taken(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "a#y\n1#2\n2#4\n3#6\n")
    np.testing.assert_allclose(fitted(path, *WITH_TARGET, "--delimiter", "#").w, [2], rtol=1e-9)
    tabs = text(tmp_path / "b.csv", "a\ty\n1\t2\n2\t4\n3\t6\n")
    np.testing.assert_allclose(fitted(tabs, *WITH_TARGET, "--delimiter", r"\t").w, [2], rtol=1e-9)
    for delimiter in ("::", '"', "\n", "é"):
        assert "--delimiter is" in refused("fit", path, *WITH_TARGET, "--delimiter", delimiter)


def test_decimal_commas(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "a;b;y\n1,5;2;3\n-2,5;1;4\n3,1e1;;9\n4,2;4;8\n")
    line = refused("fit", path, *WITH_TARGET)
    assert "--delimiter ';' --decimal , reads it ('1,5' as 1.5)" in line
    data = np.array([[1.5, 2], [-2.5, 1], [4.2, 4]])
    model = fitted(path, *WITH_TARGET, "--decimal", ",", "--drop-missing")
    expected = np.linalg.lstsq(np.c_[data, np.ones(3)], np.array([3.0, 4, 8]), rcond=None)[0]
    np.testing.assert_allclose(model.w, expected[:2], rtol=1e-4)


def test_the_other_way_round(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "a;y\n1.5;2\n2.5;4\n")
    assert "--decimal . reads it ('1.5' as 1.5)" in refused("fit", path, *WITH_TARGET, "--decimal", ",")


# --- missing values


@pytest.mark.parametrize("word", ["?", "-", ".", "n.a.", " ?", "*", "Missing", "#DIV/0!", "--"])
def test_words_for_missing_values(word: str, tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", f"a,b,y\n1,2,2\n2,{word},4\n3,1,6\n4,2,8\n")
    line = refused("fit", path, *WITH_TARGET)
    assert "in row 2" in line
    assert "--missing" in line
    assert "3 rows, 1 left out" in done("fit", path, *WITH_TARGET, f"--missing={word}", "--drop-missing")


def test_several_words_for_missing_values(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "a,b,y\n1,-999,2\n2,?,4\n3,1,6\n4,2,8\n")
    for given in (["--missing", "?,-999"], ["--missing", "?", "--missing", "-999"]):
        assert "2 rows, 2 left out" in done("fit", path, *WITH_TARGET, *given, "--drop-missing")


def test_text_is_not_taken_for_missing(tmp_path: Path) -> None:
    for column in (["1", "x", "2"], ["?", "?", "?"], ["1", "?", "Ulm"]):
        path = write(tmp_path / "a.csv", {"a": [1, 2, 3], "b": column, "y": [1, 2, 4]})
        assert "--missing" not in refused("fit", path, *WITH_TARGET)


def test_words_for_missing_values_are_of_csv(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"a": [1, -999], "y": [1, 2]})
    assert "--missing is for CSV" in refused("fit", path, *WITH_TARGET, "--missing", "-999")
