"""The command line: its output, its files, and one clean line for whatever goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import gdfast
from gdfast import tutorial

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("matplotlib")

from typer.testing import CliRunner, Result

from gdfast.bench import machine, peers
from gdfast.cli import main
from gdfast.cli.app import app

RunPython = Callable[..., str]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def error_line(result: Result, status: int) -> str:
    """The one line on stderr of a command that failed as it should."""
    assert result.exit_code == status, result.output
    assert isinstance(result.exception, SystemExit | None)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("gdfast: ")
    return lines[0]


def test_the_script_is_installed() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="gdfast")
    assert script.load() is main


def test_importing_gdfast_imports_nothing_of_the_command_line(run_python: RunPython) -> None:
    heavy = ["typer", "rich", "matplotlib", "pyarrow", "torch", "numba", "sklearn", "gdfast.bench", "gdfast.cli"]
    assert run_python(f"import sys, gdfast; print([m for m in {heavy} if m in sys.modules])").strip() == "[]"


@pytest.mark.parametrize("missing", ["typer", "rich", "matplotlib", "pyarrow"])
def test_without_the_extra_it_says_what_to_install(missing: str, run_python: RunPython) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None
from gdfast.cli import main
try:
    main()
except SystemExit as end:
    print("status", end.code)
"""
    output = run_python(code, check=False)
    assert f"needs {missing}; install with: pip install 'gdfast[cli]'" in output
    assert "status 2" in output
    assert "Traceback" not in output


# --- tutorial, info


@pytest.mark.parametrize("name", gdfast.backends())
def test_the_tutorial_prints_both_transcripts(name: str) -> None:
    result = run("tutorial", "--backend", name)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines.count("Prediction before training: f(5) = 0.000") == 2
    assert lines.count("Prediction after training: f(5) = 10.000") == 2
    assert lines.count("epoch 1: w = 1.200, loss = 30.00000000") == 1
    assert lines.count("epoch 1: w = 0.300, loss = 30.00000000") == 1
    assert lines[-1] == tutorial.WHY_THEY_DIFFER
    headings = [line for line in lines if name in line]
    assert len(headings) == 2


def test_the_tutorial_prints_every_backend() -> None:
    result = run("tutorial", "--backend", "all")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for name in gdfast.backends():
        for transcript in (tutorial.hand_written, tutorial.autograd):
            assert "\n".join(transcript(name)) in result.stdout
    assert lines.count(tutorial.WHY_THEY_DIFFER) == 1


def test_an_unknown_backend_is_one_line() -> None:
    line = error_line(run("tutorial", "--backend", "jax"), status=2)
    assert "'jax'" in line
    assert "native, numpy, torch or all" in line


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    working = gdfast.backend

    def backend(name: str) -> Any:
        if name == "torch":
            raise ImportError("the backend 'torch' can't run: pip install 'gdfast[torch]'", name="torch")
        return working(name)

    monkeypatch.setattr(gdfast, "backend", backend)


@pytest.mark.usefixtures("no_torch")
def test_a_missing_torch_is_one_line() -> None:
    assert "pip install 'gdfast[torch]'" in error_line(run("tutorial", "--backend", "torch"), status=1)


@pytest.mark.usefixtures("no_torch")
def test_all_backends_are_those_there_are() -> None:
    result = run("tutorial", "--backend", "all")
    assert result.exit_code == 0
    assert "torch: left out" in result.stderr
    assert "pip install 'gdfast[torch]'" in result.stderr
    assert result.stdout.count("epoch 1:") == 4


def test_torch_that_is_not_there_at_all(run_python: RunPython) -> None:
    code = """
import sys
sys.modules["torch"] = None
sys.argv = ["gdfast", "tutorial", "--backend", "torch"]
from gdfast.cli import main
try:
    main()
except SystemExit as end:
    print("status", end.code)
"""
    output = run_python(code, check=False)
    assert "status 1" in output
    assert "pip install 'gdfast[torch]'" in output
    assert "Traceback" not in output


def test_info_is_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    gdfast.show_config()
    assert run("info").stdout == capsys.readouterr().out


def test_no_command_is_help() -> None:
    output = run().output
    for command in ("tutorial", "info", "bench", "fit", "predict"):
        assert command in output


# --- bench


def test_bench_prints_a_table_and_writes_its_files(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    result = run("bench", "--shapes", "4x1,60x3", "--seconds", "0.2", "--dtype", "f64", "--order", "F",
                 "--output", str(path))  # fmt: skip
    assert result.exit_code == 0, result.output
    for expected in (
        "native, numpy",
        "agree with float64",
        "f64, F order, 1 thread each",
        "60 × 3",
        "of R",
        "Written:",
    ):
        assert expected in result.stdout
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [(row["n"], row["d"], row["order"], row["dtype"]) for row in content["rows"]] == [
        (4, 1, "F", "f64"),
        (60, 3, "F", "f64"),
    ]
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_bench_writes_into_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("bench", "--shapes", "4x1", "--seconds", "0.05").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gdfast-bench.json", "gdfast-bench.png"]


@pytest.mark.parametrize("name", ["torch", "numba"])
def test_a_rival_that_is_missing_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (peer,) = (p for p in peers.RIVALS if p.name == name)
    monkeypatch.setattr(type(peer), "installed", lambda self: False)
    result = run("bench", "--shapes", "60x3", "--seconds", "0.05", "--output", str(tmp_path / "a.json"))
    assert result.exit_code == 0, result.output
    assert "missing" in result.stdout
    assert f"{peer.title} is not installed" in result.stdout
    (row,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["rows"]
    assert name not in row["timings"]


def test_wrong_results_are_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers.NumPy, "prepare", lambda self, problem, threads=1: lambda: (0.0, problem.w))
    result = run("bench", "--shapes", "60x3", "--seconds", "0.05", "--output", str(tmp_path / "a.json"))
    assert result.exit_code == 1
    assert "NumPy disagrees with the float64 reference on 60 × 3" in result.stderr
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_bad_shapes_are_one_line() -> None:
    assert "such as 1000x16; got '4'" in error_line(run("bench", "--shapes", "4"), status=2)


def test_a_problem_larger_than_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: 1_000_000)
    assert "more than half" in error_line(run("bench", "--shapes", "100000x16"), status=2)


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    line = error_line(run("bench", "--output", str(missing / "a.json")), status=2)
    assert "there is no folder" in line


def test_two_reports_at_once_are_one_line() -> None:
    assert "one at a time" in error_line(run("bench", "--roofline", "--targets"), status=2)


@pytest.mark.parametrize("option", [("--dtype", "f16"), ("--order", "A"), ("--threads", "0"), ("--seconds", "0")])
def test_an_option_out_of_range_is_refused(option: tuple[str, str]) -> None:
    result = run("bench", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr
    assert "Traceback" not in result.output
