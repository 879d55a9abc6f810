"""What can be wrong with a scan: an error that names file, piece and column, and never a wrong sum."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
import scans
from scans import NAMES, X, Y, pa

parquet = pytest.importorskip("pyarrow.parquet")

EXACT: dict[str, Any] = {"optimizer": "exact"}


def files(folder: Path) -> list[Path]:
    """Three files of one row group each."""
    paths = [folder / f"{name}.parquet" for name in "abc"]
    for path, rows in zip(paths, (slice(0, 300), slice(300, 600), slice(600, 1000)), strict=True):
        parquet.write_table(scans.table(rows), path)
    return paths


def refused(call: Callable[[], Any], kind: type[Exception] = ValueError) -> str:
    with pytest.raises(kind) as error:
        call()
    return str(error.value)


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_that_changes_between_passes_is_noticed(tmp_path: Path) -> None:
    paths = files(tmp_path)
    scan = gdfast.scan(paths)

    def rewrite(step: gdfast.Step) -> None:
        if step.iteration == 1:
            parquet.write_table(scans.table(slice(300, 599)), paths[1])

    def fit() -> None:
        gdfast.fit(scan, "y", optimizer="cg", plan="stream", n_iters=5, callback=rewrite)

    message = refused(fit)
    assert f"{paths[1]} has changed since the scan began (it had" in message
    assert "Write gdfast.scan(…) anew" in message
    # And so is one of the same size.
    again = gdfast.scan(paths)
    os.utime(paths[2], ns=(1, 1))
    assert f"{paths[2]} has changed" in refused(lambda: gdfast.fit(again, "y", **EXACT))
    paths[2].unlink()
    assert f"{paths[2]} is gone" in refused(lambda: gdfast.fit(again, "y", **EXACT))


def test_a_damaged_row_group_is_named(tmp_path: Path) -> None:
    paths = files(tmp_path)
    content = bytearray(paths[1].read_bytes())
    content[200:4000] = os.urandom(3800)
    paths[1].write_bytes(content)
    scan = gdfast.scan(paths)
    assert f"{paths[1]}, row group 0 can't be read" in refused(lambda: gdfast.fit(scan, "y", **EXACT))


def test_a_schema_that_differs_in_the_third_file_is_named(tmp_path: Path) -> None:
    paths = files(tmp_path)
    table = scans.table(slice(600, 1000))
    parquet.write_table(table.set_column(1, "b", table["b"].cast(pa.float32())), paths[2])
    message = refused(lambda: gdfast.fit(gdfast.scan(paths), "y", **EXACT))
    assert f"column 'b' is float32 in {paths[2]} and float64 in {paths[0]}" in message
    parquet.write_table(table.drop_columns(["c"]), paths[2])
    message = refused(lambda: gdfast.fit(gdfast.scan(paths), "y", **EXACT))
    assert f"{paths[2]} lacks column 'c', which {paths[0]} has" in message
    parquet.write_table(table.append_column("more", table["a"]), paths[2])
    assert f"{paths[2]} has column 'more'" in refused(lambda: gdfast.fit(gdfast.scan(paths), "y", **EXACT))
    chosen = gdfast.fit(gdfast.scan(paths, columns=NAMES), "y", sample_weight="s", **EXACT)
    # Another order of the columns is none of these.
    parquet.write_table(scans.table(slice(600, 1000), order=("s", "d", "a", "y", "c", "b")), paths[2])
    again = gdfast.fit(gdfast.scan(paths), "y", sample_weight="s", **EXACT)
    np.testing.assert_array_equal(again.w, chosen.w)


def test_columns_without_numbers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "text.parquet"
    parquet.write_table(pa.table({"a": [1.0], "b": ["x"], "y": [1.0]}), path)
    scan = gdfast.scan(path)
    assert "no numbers in 'b' (string)" in refused(lambda: gdfast.fit(scan, "y", **EXACT), TypeError)
    assert gdfast.fit(gdfast.scan(path, columns=["a"]), "y", **EXACT).w == [1.0]
    assert "y is 'z'" in refused(lambda: gdfast.fit(scan, "z", **EXACT))
    assert "y is missing: write the name of the column" in refused(
        lambda: gdfast.fit(gdfast.scan(path, columns=["a"]), **EXACT)
    )
    assert "has no column 'q'" in refused(lambda: gdfast.fit(gdfast.scan(path, columns=["q"]), "y"))
    assert "columns has 'y', which is y" in refused(lambda: gdfast.fit(gdfast.scan(path, columns=["a", "y"]), "y"))


def test_nulls_are_refused_or_left_out(tmp_path: Path) -> None:
    paths = files(tmp_path)
    table = scans.table(slice(300, 600))
    values = table["c"].to_pylist()
    values[7] = values[9] = None
    parquet.write_table(table.set_column(2, "c", pa.array(values)), paths[1])
    message = refused(lambda: gdfast.fit(gdfast.scan(paths), "y", **EXACT))
    assert f"{paths[1]}, row group 0: column 'c' has 2 nulls: write missing='drop'" in message
    dropped = gdfast.Moments(5).update(gdfast.scan(paths, missing="drop"), "y")
    assert dropped.n == 998
    kept = np.delete(np.arange(1000), [307, 309])
    want = gdfast.Moments(5).update(np.column_stack([X, scans.S])[kept], Y[kept])
    np.testing.assert_allclose(dropped.cov, want.cov, rtol=1e-10)


def test_numbers_that_are_not_finite_are_found(tmp_path: Path) -> None:
    paths = files(tmp_path)
    table = scans.table(slice(300, 600))
    values = table["c"].to_numpy().copy()
    values[7] = np.inf
    parquet.write_table(table.set_column(2, "c", pa.array(values)), paths[1])
    for options in (EXACT, {"optimizer": "cg", "plan": "stream"}, {"learning_rate": 1e-9, "plan": "stream"}):
        message = refused(partial(gdfast.fit, gdfast.scan(paths), "y", **options), gdfast.DivergenceError)
        assert f"{paths[1]}, row group 0: column 'c' of x is inf in row 7 of this piece" in message


def test_text_in_a_column_of_numbers_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    rows = "".join(f"{i},{2 * i}\n" for i in range(500_000))
    path.write_text(f"a,y\n{rows}none,3\n")
    message = refused(lambda: gdfast.fit(gdfast.scan(path), "y", **EXACT))
    assert f"{path}: column 'a' can't be read as numbers" in message
    assert "'none'" in message


def test_what_names_no_files(tmp_path: Path) -> None:
    assert "there is no file" in refused(lambda: gdfast.scan(tmp_path / "none.parquet"))
    assert "no file has a name like" in refused(lambda: gdfast.scan(str(tmp_path / "*.parquet")))
    assert "is a folder: write" in refused(lambda: gdfast.scan(tmp_path))
    os.mkfifo(tmp_path / "pipe.parquet")
    assert "can't be read more than once" in refused(lambda: gdfast.scan(tmp_path / "pipe.parquet"))
    assert "can't be read more than once" in refused(lambda: gdfast.scan(str(tmp_path / "*.parquet")))
    paths = files(tmp_path)
    assert "more than once" in refused(lambda: gdfast.scan([paths[0], *paths]))
    np.save(tmp_path / "x.npy", X)
    assert "files of several kinds, '.npy', '.parquet'" in refused(lambda: gdfast.scan([paths[0], tmp_path / "x.npy"]))
    (tmp_path / "x.txt").write_text("1")
    assert "is of no kind that can be scanned" in refused(lambda: gdfast.scan(tmp_path / "x.txt"))
    (tmp_path / "empty.csv").write_text("")
    assert "is empty" in refused(lambda: gdfast.scan(tmp_path / "empty.csv"))
    assert "source is of type int" in refused(lambda: gdfast.scan(3), TypeError)
    assert "columns is 'a', accepted is a list" in refused(lambda: gdfast.scan(paths, columns="a"), TypeError)


# --- pieces -----------------------------------------------------------------------------------------------------------


def test_pieces_without_rows_count_for_nothing(tmp_path: Path) -> None:
    paths = files(tmp_path)
    want = gdfast.fit(gdfast.scan(paths), "y", **EXACT)
    parquet.write_table(scans.table(slice(0, 0)), tmp_path / "aa.parquet")
    fit = gdfast.fit(gdfast.scan(str(tmp_path / "*.parquet")), "y", **EXACT)
    np.testing.assert_array_equal(fit.w, want.w)
    nothing = gdfast.scan(tmp_path / "aa.parquet")
    assert "the scan has no rows" in refused(lambda: gdfast.fit(nothing, "y", **EXACT))
    some = gdfast.scan([(X[:0], Y[:0]), (X, Y), (X[:0], Y[:0])])
    for plan in ("moments", "stream"):
        fit = gdfast.fit(some, optimizer="cg", plan=plan)
        np.testing.assert_allclose(fit.w, gdfast.fit(X, Y, optimizer="cg", plan=plan).w, rtol=1e-7)
    assert "source has no pieces" in refused(lambda: gdfast.fit(gdfast.scan(lambda: iter([])), **EXACT))


def test_an_iterator_serves_one_pass() -> None:
    def parts() -> Iterator[Any]:
        yield X[:500], Y[:500]
        yield X[500:], Y[500:]

    fit = gdfast.fit(gdfast.scan(parts()), optimizer="cg", fit_intercept=True)
    assert (fit.report.plan, fit.report.passes) == ("moments", 1)
    message = refused(lambda: gdfast.fit(gdfast.scan(parts()), optimizer="cg", plan="stream"))
    assert "can't be started again: hand in a function" in message
    used = gdfast.scan(parts())
    gdfast.fit(used, **EXACT)
    assert "was read already" in refused(lambda: gdfast.fit(used, **EXACT))


def test_a_function_that_shuffles_is_noticed() -> None:
    rng = np.random.default_rng(0)

    def shuffled() -> Iterator[Any]:
        order = rng.permutation(1000)
        yield X[order[:500]], Y[order[:500]]
        yield X[order[500:]], Y[order[500:]]

    message = refused(lambda: gdfast.fit(gdfast.scan(shuffled), optimizer="cg", plan="stream"))
    assert "piece 0 is not what it was in the pass before" in message
    for lengths, changed in (([2, 2, 3], 2), ([2, 2, 1], 1)):  # of a look at the first piece, then of two passes
        left = iter(lengths)

        def other_lengths(left: Iterator[int] = left) -> Iterator[Any]:
            for _ in range(next(left)):
                yield X[:500], Y[:500]

        scan = gdfast.scan(other_lengths)
        message = refused(partial(gdfast.fit, scan, optimizer="cg", plan="stream"))
        assert f"piece {changed} is not" in message


@pytest.mark.parametrize(
    ("second", "kind", "message"),
    [
        ((X[:9, :3], Y[:9]), ValueError, "piece 1 has x of shape (9, 3), accepted is (n, 4)"),
        ((X[:9].astype(np.float32), Y[:9]), ValueError, "piece 1 has x of float32, and piece 0 of float64"),
        ((X[:9], Y[:8]), ValueError, "y of piece 1 has shape (8,) and x has shape (9, 4)"),
        ((X[:9], Y[:9], Y[:9] ** 2), ValueError, "piece 1 has sample_weight, unlike piece 0"),
        (X[:9], TypeError, "piece 1 is of type numpy.ndarray, accepted are tables, (x, y)"),
        ((X[:9], Y[:9], 1, 2), TypeError, "piece 1 is a tuple of 4"),
        (([["a"]], [1.0]), TypeError, "piece 1: x has dtype"),
    ],
)
def test_pieces_that_differ_are_named(second: Any, kind: type[Exception], message: str) -> None:
    assert message in refused(lambda: gdfast.fit(gdfast.scan([(X[:9], Y[:9]), second]), **EXACT), kind)


def test_tables_that_differ_are_named() -> None:
    first, second = scans.table(slice(0, 9)), scans.table(slice(9, 18))
    scan = gdfast.scan([first, second.drop_columns(["c"])])
    assert "piece 1 lacks column 'c', which piece 0 has" in refused(lambda: gdfast.fit(scan, "y", **EXACT))
    scan = gdfast.scan([first, second.append_column("e", second["a"])])
    assert "piece 1 has column 'e', which piece 0 hasn't" in refused(lambda: gdfast.fit(scan, "y", **EXACT))
    assert "piece 1 is of type tuple and piece 0 was a table" in refused(
        lambda: gdfast.fit(gdfast.scan([first, (X, Y)]), "y", **EXACT), TypeError
    )
    arrays = gdfast.scan([(X, Y)])
    assert "the pieces are arrays: yield (x, y)" in refused(lambda: gdfast.fit(arrays, "y", **EXACT))


def test_weights_are_checked_piece_by_piece() -> None:
    s = np.ones(1000)
    s[700] = -1
    scan = gdfast.scan([(X[:500], Y[:500], s[:500]), (X[500:], Y[500:], s[500:])])
    assert "piece 1: sample_weight[200] is -1.0" in refused(lambda: gdfast.fit(scan, **EXACT))
    none = gdfast.scan([(X, Y, np.zeros(1000))])
    for options in (EXACT, {"optimizer": "cg", "plan": "stream"}):
        assert "adds up to 0 over all rows" in refused(partial(gdfast.fit, none, **options))
    some = gdfast.scan([(X, Y, np.zeros(1000)), (X, Y, np.ones(1000))])
    for plan in ("moments", "stream"):
        fit = gdfast.fit(some, optimizer="cg", plan=plan)
        np.testing.assert_allclose(fit.w, gdfast.fit(X, Y, optimizer="cg", plan=plan).w, rtol=1e-7)


def test_what_a_source_raises_comes_out_and_its_thread_ends() -> None:
    def broken() -> Iterator[Any]:
        yield X, Y
        raise KeyError("of the source")

    with pytest.raises(KeyError, match="of the source"):
        gdfast.fit(gdfast.scan(broken), **EXACT)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gdfast-scan")]


def test_an_interrupted_fit_hands_out_what_it_has() -> None:
    def stop(step: gdfast.Step) -> None:
        if step.iteration == 2:
            raise KeyboardInterrupt

    scan = gdfast.scan([(X[:500], Y[:500]), (X[500:], Y[500:])])
    with pytest.raises(KeyboardInterrupt) as interrupt:
        gdfast.fit(scan, learning_rate=1e-9, plan="stream", callback=stop)
    fit: gdfast.Fit = interrupt.value.fit  # type: ignore[attr-defined]
    assert (fit.n_iters, fit.stop_reason) == (3, "interrupted")


def test_divergence_is_diagnosed() -> None:
    scan = gdfast.scan([(X[:500], Y[:500]), (X[500:], Y[500:])])
    for plan in ("moments", "stream"):
        message = refused(partial(gdfast.fit, scan, learning_rate=1.0, plan=plan), gdfast.DivergenceError)
        assert "The largest stable learning rate is" in message
        assert "largest scale (root mean square): x[:, 1]" in message
