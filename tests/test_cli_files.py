"""Files that can't be read or written, and a stdout that nobody reads: one line, and nothing is lost."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from commands import done, refused, run, text, write
from gdfast import cli
from gdfast.cli.model import Model, load
from gdfast.whole_files import write_whole

COLUMNS: dict[str, Any] = {"a": range(9), "b": [(7 * i) % 5 for i in range(9)], "y": [2 * i + 3 for i in range(9)]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "data.csv", COLUMNS)


def gdfast(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "gdfast", *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=120, **options)


# --- stdout


WIDE = {f"column {j}": [(i * j) % 7 for i in range(9)] for j in range(200)} | {"y": range(9)}


@pytest.mark.parametrize("command", ["fit", "predict", "info", "tutorial"])
@pytest.mark.parametrize("stdout", ["closed pipe", "full disk", "closed"])
def test_a_stdout_that_takes_nothing(command: str, stdout: str, tmp_path: Path) -> None:
    table, path = write(tmp_path / "wide.csv", WIDE), tmp_path / "m.json"
    Model(("column 1",), np.array([2.0]), None, "y").save(tmp_path / "other.json")
    commands: dict[str, list[object]] = {
        "fit": ["fit", table, "--target", "y", "--n-iters", 3, "--model", path, "--chart", tmp_path / "m.png"],
        "predict": ["predict", tmp_path / "other.json", table],
        "info": ["info"],
        "tutorial": ["tutorial"],
    }
    arguments = commands[command]
    if stdout == "closed":
        result = gdfast(*arguments, preexec_fn=lambda: os.close(1))
        assert result.returncode == (1 if command == "predict" else 0)  # whose predictions would be lost
        assert command != "predict" or "name a file with --output" in result.stderr
    elif stdout == "full disk":
        with open("/dev/full", "w") as full:
            result = gdfast(*arguments, stdout=full)
        assert result.returncode == 1
        assert "stdout can't be written to: No space left on device" in result.stderr
    else:
        reader, writer = os.pipe()
        os.close(reader)
        result = gdfast(*arguments, stdout=writer)
        os.close(writer)
        assert result.returncode == 141
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
    if command == "fit":
        assert len(load(path).names) == 200
        assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_an_encoding_that_lacks_letters(data: Path) -> None:
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = gdfast("fit", data, "--target", "y", stdout=subprocess.PIPE, env=env)
    assert result.returncode == 0, result.stderr
    assert r"R\xb2 1 " in result.stdout


def test_a_stderr_that_takes_nothing(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "gdfast", "fit", str(tmp_path / "none.csv")]
        assert subprocess.run(command, stderr=full, stdout=subprocess.PIPE, timeout=120).returncode == 2


# --- writing


@pytest.mark.parametrize("suffix", [".json", ".npz", ".png"])
def test_a_full_disk_leaves_what_was_there(suffix: str, tmp_path: Path) -> None:
    table, path = write(tmp_path / "wide.csv", WIDE), tmp_path / f"m{suffix}"
    arguments = ["fit", table, "--target", "y", "--n-iters", 3, "--chart" if suffix == ".png" else "--model", path]
    done(*arguments)
    before, there = path.read_bytes(), sorted(tmp_path.iterdir())

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    result = gdfast(*arguments, stdout=subprocess.PIPE, preexec_fn=limit)
    assert result.returncode == 1
    assert "is not written: File too large" in result.stderr
    assert "R²" in result.stdout
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize("suffix", [".csv", ".npy"])
def test_predictions_on_a_full_disk(suffix: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((10_000, 1)))
    Model(("0",), np.array([2.0]), None, "1").save(tmp_path / "m.json")
    path = tmp_path / f"out{suffix}"
    path.write_text("before")
    result = gdfast(
        "predict", tmp_path / "m.json", tmp_path / "a.npy", "--output", path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )  # fmt: skip
    assert result.returncode == 1
    assert "--output: " in result.stderr
    assert path.read_text() == "before"


def test_what_is_written_replaces_the_whole_at_once(tmp_path: Path) -> None:
    path = text(tmp_path / "a.txt", "before")
    seen: list[str] = []

    def content(file: Any) -> None:
        file.write(b"af")
        file.flush()
        seen.append(path.read_text())
        file.write(b"ter")

    write_whole(path, content)
    assert seen == ["before"]
    assert path.read_text() == "after"


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a.txt", interrupted)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_are_the_usual_ones(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "new", lambda file: file.write(b"x"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~umask
    (tmp_path / "new").chmod(0o640)
    write_whole(tmp_path / "new", lambda file: file.write(b"y"))
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def _put(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, real = tmp_path / "link.json", tmp_path / "folder" / "real.json"
    link.symlink_to(real)
    for content in (b"new", b"newer"):  # at first it leads nowhere
        write_whole(link, partial(_put, content))
        assert link.is_symlink()
        assert real.read_bytes() == content
    assert list((tmp_path / "folder").iterdir()) == [real]


def test_devices_are_written_as_they_are(tmp_path: Path) -> None:
    link = tmp_path / "out.csv"
    link.symlink_to("/dev/null")
    write_whole(link, lambda file: file.write(b"x"))
    assert stat.S_ISCHR(link.stat().st_mode)


def test_predictions_are_as_many_as_rows(tmp_path: Path) -> None:
    Model(("a",), np.array([2.0]), 1.0, "y").save(tmp_path / "m.json")
    table = text(tmp_path / "a.csv", 'a,id\n1,a\n\n,b\nNA,c\ninf,d\n-1e999,e\n4,"f\n\ng"\n')
    for output in ("p.csv", "p.npy"):
        assert "(6 predictions" in done("predict", tmp_path / "m.json", table, "--output", tmp_path / output)
    assert (tmp_path / "p.csv").read_text().splitlines() == ["prediction", "3.0", "nan", "nan", "inf", "-inf", "9.0"]
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), [3, np.nan, np.nan, np.inf, -np.inf, 9])


# --- files that are none


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy", ".json", ".npz"])
def test_what_is_no_file(suffix: str, tmp_path: Path, data: Path) -> None:
    def message(path: Path) -> str:
        return refused("predict", path, data) if suffix in (".json", ".npz") else refused("fit", path)

    assert "there is no file" in message(tmp_path / f"none{suffix}")
    assert "there is no file" in message(data / f"none{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    assert "is a folder" in message(tmp_path / f"folder{suffix}")
    os.mkfifo(tmp_path / f"pipe{suffix}")
    assert "can't be read more than once" in message(tmp_path / f"pipe{suffix}")
    assert "can't be opened" in message(tmp_path / f"{'long' * 100}{suffix}")
    (tmp_path / f"loop{suffix}").symlink_to(tmp_path / f"loop{suffix}")
    assert "can't be opened" in message(tmp_path / f"loop{suffix}")
    (tmp_path / f"empty{suffix}").touch()
    assert "can't be read" in message(tmp_path / f"empty{suffix}")


def test_a_file_that_may_not_be_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "permission denied" in refused("fit", data, "--target", "y")


# --- the terminal


EVIL = "red\x1b[31m\x07\u202e\x9b"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_names_never_reach_the_terminal_raw(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder\x1b[31m"
    folder.mkdir()
    table, path = write(folder / f"\x07{suffix}", {EVIL: range(9), "b" + EVIL: [1, 2] * 4 + [3]}), folder / "m.json"

    def harmless(result: Any, status: int = 0) -> str:
        assert result.exit_code == status, result.output
        assert all(c.isprintable() or c == "\n" for c in result.stdout + result.stderr), result.output
        return str(result.output)

    output = harmless(run("fit", table, "--target", EVIL, "--model", path, "--chart", folder / "m.svg"))
    assert r"bred\x1b[31m\x07\u202e\x9b" in output
    harmless(run("predict", path, table))
    harmless(run("predict", path, table, "--output", folder / "p.csv"))
    for options in (["--target", "none"], ["--target", EVIL, "--columns", "none"], []):
        harmless(run("fit", table, *options), status=2)
    words = write(folder / f"words{suffix}", {EVIL: [EVIL] * 9, "b" + EVIL: range(9), "c": range(9)})
    harmless(run("fit", words, "--target", "c"), status=2)
    harmless(run("predict", path, folder / "none\x1b.csv"), status=2)
    harmless(run("predict", path, write(folder / "other.csv", {"c" + EVIL: [1]})), status=2)


def test_names_that_look_like_formulas_are_drawn(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", {r"$\frac$": range(9), "y$^$": [2 * i for i in range(9)]})
    done("fit", table, "--target", "y$^$", "--chart", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


RunPython = Callable[..., str]


def test_memory_that_does_not_suffice_is_one_line(tmp_path: Path, run_python: RunPython) -> None:
    code = """
import sys
from gdfast.cli import main, fit
def too_large(*arguments, **options):
    raise MemoryError("Unable to allocate 8 TiB")
fit.samples_of = too_large
sys.argv = ["gdfast", "fit", sys.argv[1], "--target", "y"]
try:
    main()
except SystemExit as end:
    print("status", end.code)
"""
    output = run_python(code, write(tmp_path / "a.csv", COLUMNS), check=False)
    assert "status 1" in output
    assert "gdfast: there is not enough memory: Unable to allocate 8 TiB" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("suffix", [".parquet", ".npy"])
def test_a_name_that_hides_what_is_in_a_file(suffix: str, tmp_path: Path) -> None:
    hidden = tmp_path / "data.csv"
    write(tmp_path / f"data{suffix}", COLUMNS).rename(hidden)
    assert refused("fit", hidden, "--target", "y").endswith(f"give it a name that ends in {suffix}")
    done("fit", hidden.rename(tmp_path / f"data{suffix}"), "--target", "2" if suffix == ".npy" else "y")


def test_a_column_named_twice(data: Path) -> None:
    said = refused("fit", data, "--target", "y", "--columns", "a,b,a")
    assert said.endswith("--columns names 'a' more than once: name each column once")
    done("fit", data, "--target", "y", "--columns", "a,b")


def test_ctrl_c_before_a_command_has_begun(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(name: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_is_installed", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "gdfast: interrupted\n"
