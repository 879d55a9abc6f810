"""``gdfast bench``: its reports, printed and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import gdfast
from gdfast.bench import chart, machine, report, suite, table, training
from gdfast.bench import paths as paths_report
from gdfast.bench import roofline as roofline_report
from gdfast.bench import scale as scale_report
from gdfast.bench import targets as targets_report
from gdfast.bench import time_to_loss as time_report
from gdfast.bench.problems import DtypeName, Order, Shape
from gdfast.bench.threads import blas_is_limited
from gdfast.bench.verify import DisagreementError
from gdfast.cli.console import fail, out, progress

_QUICK_SECONDS = 8.0
_TIME_TO_LOSS_SECONDS = 20.0


def compare(
    output: Path | None,
    *,
    dtype: DtypeName,
    order: Order,
    threads: int,
    shapes: str | None,
    seconds: float,
    quick: bool,
) -> Path:
    """Time gdfast beside its rivals: a table, a JSON file and a chart."""
    json_path, png_path = _paths(output, "gdfast-bench")
    settings = suite.Settings(
        shapes=_shapes(shapes, dtype, quick=quick),
        dtype=dtype,
        order=order,
        threads=threads,
        seconds=min(seconds, _QUICK_SECONDS) if quick else seconds,
    )
    _refuse_what_memory_cannot_hold(settings)
    with _measuring(), progress(settings.steps) as tick:
        rows = suite.run(settings, tick)
    console = out()
    console.print(machine.headline())
    console.print(
        f"Checked before timing, on every shape: {', '.join(gdfast.backends())} and the rivals agree with float64; "
        f"the largest error is {max(r.error_used for r in rows):.2f} of what rounding may cause."
    )
    console.print(table.bench_table(rows))
    for line in table.missing_peers(rows):
        console.print(line)
    if not blas_is_limited():
        console.print("NumPy's BLAS ran on as many threads as it likes: threadpoolctl is not installed.")
    report.write_json(
        json_path,
        "bench",
        {"dtype": dtype, "order": order, "threads": threads, "seconds": seconds, "blas_limited": blas_is_limited()},
        [row.as_dict() for row in rows],
    )
    chart.bench_chart(rows, png_path)
    console.print(f"Written: {json_path}, {png_path}")
    return json_path


def roofline(output: Path | None, *, quick: bool) -> Path:
    """Measure gdfast against the read bandwidth for every d, order, dtype, ISA and number of threads."""
    json_path, png_path = _paths(output, "gdfast-roofline")
    sweep = roofline_report.default_sweep(quick=quick)
    isas: Sequence[str] = gdfast.config()["isas_supported"]
    with _measuring(), progress(sweep.steps * len(isas)) as tick:
        rows = roofline_report.run(sweep, isas, tick)
    console = out()
    console.print(machine.headline())
    for part in table.roofline_tables(rows):
        console.print(part)
    settings = {"columns": sweep.columns, "bytes": sweep.nbytes, "threads": sweep.threads, "seconds": sweep.seconds}
    report.write_json(json_path, "roofline", settings, [row.as_dict() for row in rows])
    chart.roofline_chart(rows, png_path)
    console.print(f"Written: {json_path}, {png_path}")
    return json_path


def targets(output: Path | None, *, quick: bool) -> Path:
    """Measure every target and say which are reached."""
    json_path, _ = _paths(output, "gdfast-bench-targets")
    plan, isas = targets_report.default_plan(quick=quick), targets_report.isas()
    missing = training.missing()
    if missing:
        raise fail(
            f"--targets: training is compared with {' and '.join(missing)}: pip install 'gdfast[bench]'", status=1
        )
    with _measuring(), progress(plan.steps * len(isas)) as tick:
        verdicts = targets_report.run(plan, tick, isas)
    console = out()
    console.print(machine.headline())
    for part in table.targets_tables(verdicts):
        console.print(part)
    if quick:
        console.print("A trial run: x is not beyond the caches, so the shares of R mean little.")
    settings = {"bytes": plan.nbytes, "quick": quick, "isas": isas}
    report.write_json(json_path, "targets", settings, [verdict.as_dict() for verdict in verdicts])
    console.print(f"Written: {json_path}")
    return json_path


def time_to_loss(output: Path | None, *, quick: bool) -> Path:
    """Time every way to train to the same error: a table and a JSON file."""
    json_path, _ = _paths(output, "gdfast-bench-time-to-loss")
    missing = training.missing()
    if missing:
        raise fail(f"--time-to-loss compares with {' and '.join(missing)}: pip install 'gdfast[bench]'", status=1)
    shape = Shape(20_000 if quick else 1_000_000, 16)
    with _measuring(), progress(time_report.steps()) as tick:
        arrivals = time_report.run(shape, _QUICK_SECONDS / 4 if quick else _TIME_TO_LOSS_SECONDS, tick)
    console = out()
    console.print(machine.headline())
    console.print(table.time_to_loss_table(shape, arrivals))
    report.write_json(json_path, "time to loss", {"shape": str(shape)}, [arrival.as_dict() for arrival in arrivals])
    console.print(f"Written: {json_path}")
    return json_path


def paths(output: Path | None, *, quick: bool) -> Path:
    """Time cross-validated paths beside scikit-learn's: a table and a JSON file."""
    json_path, _ = _paths(output, "gdfast-bench-path")
    missing = paths_report.missing()
    if missing:
        raise fail(f"--path compares with {' and '.join(missing)}: pip install 'gdfast[bench]'", status=1)
    sizes = paths_report.QUICK if quick else paths_report.Sizes()
    with _measuring(), progress(sizes.steps) as tick:
        verdicts = paths_report.run(sizes, tick)
    console = out()
    console.print(machine.headline())
    console.print(table.targets_table(verdicts))
    if quick:
        console.print("A trial run: so little data that the ratios mean little.")
    report.write_json(json_path, "path", {"quick": quick}, [verdict.as_dict() for verdict in verdicts])
    console.print(f"Written: {json_path}")
    return json_path


def scale(output: Path | None, *, gigabytes: float, quick: bool) -> Path:
    """Time fits of Parquet files beside reading them, and beside rivals: a table and a JSON file."""
    json_path, _ = _paths(output, "gdfast-bench-scale")
    sizes = scale_report.QUICK if quick else scale_report.Sizes.of(gigabytes * 1e9)
    with _measuring(), progress(scale_report.steps()) as tick:
        rows = scale_report.run(sizes, tick)
    console = out()
    console.print(machine.headline())
    console.print(table.scale_table(sizes.nbytes, rows))
    if quick:
        console.print("A trial run: so little data that the ratios mean little.")
    settings = {"files": sizes.files, "rows": sizes.rows, "quick": quick}
    report.write_json(json_path, "scale", settings, [row.as_dict() for row in rows])
    console.print(f"Written: {json_path}")
    return json_path


def _paths(output: Path | None, name: str) -> tuple[Path, Path]:
    """Where the JSON file and the chart go; asked for before anything is measured."""
    path = output if output is not None else Path(f"{name}.json")
    if not path.parent.is_dir():
        raise fail(f"--output: there is no folder {str(path.parent)!r}")
    path = path if path.suffix == ".json" else path.with_name(path.name + ".json")
    return path, path.with_suffix(".png")


def _shapes(text: str | None, dtype: DtypeName, *, quick: bool) -> tuple[Shape, ...]:
    if text is None:
        return suite.default_shapes(dtype, quick=quick)
    try:
        return tuple(Shape.parse(part) for part in text.split(","))
    except ValueError as error:
        raise fail(f"--shapes: {error}") from None


def _refuse_what_memory_cannot_hold(settings: suite.Settings) -> None:
    free = machine.available_memory()
    if settings.arena_bytes > free // 2:
        needed, there = table.size(settings.arena_bytes), table.size(free)
        raise fail(f"--shapes: x and y take {needed}, more than half of the {there} of memory that are free")


@contextmanager
def _measuring() -> Iterator[None]:
    """Turn what may go wrong into one line."""
    try:
        yield
    except DisagreementError as error:
        raise fail(f"not timed, because results are wrong: {error}", status=1) from None
    except RuntimeError as error:
        raise fail(str(error), status=1) from None
