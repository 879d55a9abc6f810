"""The three reports, on tiny problems: the suite, the roofline and the targets, as tables, charts and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import gdfast
from gdfast.bench import chart, machine, peers, report, roofline, suite, table, targets, training, verdict
from gdfast.bench.problems import Shape
from gdfast.bench.verify import DisagreementError

pytest.importorskip("rich")
pytest.importorskip("matplotlib")

TINY = (Shape(4, 1), Shape(50, 3))


@pytest.fixture(scope="module")
def bench_rows() -> list[report.Row]:
    return suite.run(suite.Settings(TINY, seconds=0.2))


def test_the_suite_measures_everyone_on_every_shape(bench_rows: list[report.Row]) -> None:
    assert [row.shape for row in bench_rows] == list(TINY)
    names = {peer.name for peer in peers.PEERS if peer.installed()} | {"read"}
    for row in bench_rows:
        assert set(row.timings) == names
        assert set(row.times_native) == names - {"native"}
        assert 0 < row.error_used < 1
        for timing in row.timings.values():
            assert 0 < timing.p20 <= timing.p50 <= timing.p80


def test_progress_is_told_as_often_as_announced() -> None:
    told: list[str] = []
    settings = suite.Settings(TINY[:1], seconds=0.02)
    suite.run(settings, told.append)
    assert told == ["checking 4 × 1", "timing 4 × 1"]
    assert settings.steps == 2


def test_a_wrong_backend_stops_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        def loss_and_gradient(self, *_: Any) -> tuple[float, float]:
            return 0.0, 0.0

    monkeypatch.setattr(gdfast, "backends", lambda: ["numpy"])
    monkeypatch.setattr(gdfast, "backend", lambda name: Wrong())
    with pytest.raises(DisagreementError, match="the numpy backend"):
        suite.run(suite.Settings(TINY[:1], seconds=0.02))


def test_default_shapes_reach_from_the_tutorial_to_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "beyond_cache_bytes", lambda: 256 * machine.MIB)
    shapes = suite.default_shapes("f32")
    assert shapes[0] == Shape(4, 1)
    assert max(shape.arena_bytes("f32") for shape in shapes) == pytest.approx(256 * machine.MIB, rel=0.1)
    assert max(shape.arena_bytes("f64") for shape in suite.default_shapes("f64", quick=True)) < 20 * machine.MIB


def test_rows_survive_json(bench_rows: list[report.Row], tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report.write_json(path, "bench", {"seconds": 0.2}, [row.as_dict() for row in bench_rows])
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [report.Row.from_dict(row) for row in content["rows"]] == bench_rows
    assert content["kind"] == "bench"
    assert content["machine"]["versions"]["gdfast"] == gdfast.__version__
    assert {"p20", "p50", "p80", "gb_per_s"} <= content["rows"][0]["timings"]["native"].keys()


def text_of(*tables: Any) -> str:
    from rich.console import Console

    console = Console(width=160, force_terminal=False)
    with console.capture() as captured:
        console.print(*tables)
    return captured.get()


def test_the_table_names_what_is_missing(bench_rows: list[report.Row]) -> None:
    plain = bench_rows[1].as_dict()
    del plain["timings"]["numpy"], plain["times_native"]["numpy"]
    without = [report.Row.from_dict(plain)]
    assert "missing" in text_of(table.bench_table(without))
    assert any(line.startswith("NumPy is not installed") for line in table.missing_peers(without))
    assert "50 × 3" in text_of(table.bench_table(bench_rows))


def test_an_error_that_shows_stands_beside_the_time(bench_rows: list[report.Row]) -> None:
    plain = bench_rows[1].as_dict()
    assert "off" not in text_of(table.bench_table([report.Row.from_dict(plain)])).split("R: read", maxsplit=1)[0]
    plain["loss_errors"]["numpy"] = 0.0041
    assert ", off 4e-03" in text_of(table.bench_table([report.Row.from_dict(plain)]))


def test_loops_of_one_thread_are_not_compared_with_two() -> None:
    (row,) = suite.run(suite.Settings(TINY[:1], seconds=0.02, threads=2))
    assert "numba_plain" not in row.timings


@pytest.fixture(scope="module")
def swept_rows() -> list[report.Row]:
    isas = gdfast.config()["isas_supported"]
    sweep = roofline.Sweep(columns=(1, 16), nbytes=20_000, threads=(1, 2), dtypes=("f32",), seconds=0.01)
    told: list[str] = []
    rows = roofline.run(sweep, isas, told.append)
    assert len(rows) == len(told) == sweep.steps * len(isas)
    return rows


def test_the_roofline_runs_on_every_isa(swept_rows: list[report.Row]) -> None:
    assert {row.isa for row in swept_rows} == set(gdfast.config()["isas_supported"])
    assert {(row.threads, row.order, row.shape.d) for row in swept_rows} == {
        (count, order, d) for count in (1, 2) for order in ("C", "F") for d in (1, 16)
    }
    printed = " ".join(text_of(*table.roofline_tables(swept_rows)).split())
    for isa in gdfast.config()["isas_supported"]:
        assert f"loss_and_gradient on {isa}, 2 threads" in printed


def test_a_failing_process_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = roofline.Sweep(columns=(1,), nbytes=100, threads=(1,))
    with pytest.raises(RuntimeError, match=r"measuring no-such-isa failed: .*no-such-isa"):
        roofline.run(sweep, ["no-such-isa"])


@pytest.mark.parametrize("kind", ["bench", "roofline"])
def test_charts_are_drawn(
    kind: str, bench_rows: list[report.Row], swept_rows: list[report.Row], tmp_path: Path
) -> None:
    path = tmp_path / "chart.png"
    draw: Callable[[], None] = {
        "bench": partial(chart.bench_chart, bench_rows, path),
        "roofline": partial(chart.roofline_chart, swept_rows, path),
    }[kind]
    draw()
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000


@pytest.mark.parametrize("isa", targets.isas())
def test_every_target_is_judged(isa: str) -> None:
    plan = targets.Plan(
        nbytes=120_000,
        c_columns=(1, 7, 16, 17),
        f_columns=(2, 300, 1_001),
        rival_columns=(1, 2, 100),
        sweep_seconds=0.005,
        rival_seconds=0.5,
        sizes=training.Sizes(n=2_000, seconds=0.02, crossings=((4, 1, 3),)),
    )
    told: list[str] = []
    verdicts = targets.run(plan, told.append, [isa])
    assert len(told) == plan.steps
    assert {verdict.isa for verdict in verdicts} == {isa}
    works = " | ".join(verdict.work for verdict in verdicts)
    for expected in (
        "C order, d = 1, f32, offsets 0 and 16",
        "C order, 2 ≤ d < 16, f64",
        "C order, d ≥ 16, f32",
        "median",
        "error of the loss",
        "Fortran order, d ≤ 256, f32",
        "Fortran order, d > 1,000, f64",
        "beside a sum over x and y",
        "against Numba, plain, d = 1",
        "against torch, 2 ≤ d",
        "against NumPy",
        "2 threads against 1",
        "1,024 × 64, f32",
        "the quicker Numba loop, 1,024 × 100",
        "a call, 4 × 1 f32",
        "a call, 1,000 × 1 f32, against NumPy",
        "a shuffled pass of batches of 256",
    ):
        assert expected in works
    printed = text_of(*table.targets_tables(verdicts))
    assert f"gdfast on {isa}" in printed
    assert printed.count("reached") + printed.count("short") >= 30


def test_targets_are_measured_on_avx2_beside_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for isa, both in (("avx512", ("avx512", "avx2")), ("avx2", ("avx2",)), ("neon", ("neon",))):
        monkeypatch.setattr(gdfast, "config", lambda isa=isa: {"isa": isa, "isas_supported": ["avx512", "avx2"]})
        assert targets.isas() == both


def test_a_verdict_survives_json() -> None:
    judged = verdict.Verdict("work", "target", "measured", 1.0, 2.0, at_most=True, isa="avx2")
    assert verdict.Verdict.from_dict(json.loads(json.dumps(judged.as_dict()))) == judged


def test_a_verdict_knows_its_side() -> None:
    assert verdict.Verdict("", "", "", value=2.0, bound=1.0).reached
    assert not verdict.Verdict("", "", "", value=2.0, bound=1.0, at_most=True).reached
    assert not verdict.Verdict("", "", "", value=float("nan"), bound=1.0).reached


@pytest.mark.parametrize(
    ("value", "text"), [(2.9e-7, "290 ns"), (3.476e-6, "3.48 µs"), (0.0829, "82.9 ms"), (12.3, "12.3 s")]
)
def test_durations_have_three_digits(value: float, text: str) -> None:
    assert table.duration(value) == text


@pytest.mark.parametrize(("value", "text"), [(32, "32 B"), (6_800_000, "6.8 MB"), (1_010_000_000, "1.01 GB")])
def test_sizes_have_three_digits(value: int, text: str) -> None:
    assert table.size(value) == text
