"""The plan of a fit: what it would cost, which is chosen, and what the report says that happened."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle
from gdfast import plan

pytestmark = pytest.mark.filterwarnings("ignore::gdfast.ConvergenceWarning")


def work(n: int, d: int, n_iters: int, itemsize: int = 4, **other: Any) -> plan.Work:
    base: dict[str, Any] = {
        "n": n,
        "d": d,
        "data_bytes": n * (d + 1) * itemsize,
        "n_validation": 0,
        "validation_bytes": 0,
        "n_iters": n_iters,
        "finds_rate": False,
        "finds_scales": False,
        "batches": False,
        "given_moments": False,
        "solves": False,
    }
    return plan.Work(**{**base, **other})


# --- which plan -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "d", "n_iters", "wanted"),
    [
        (4, 1, 10, "stream"),  # there is nothing to save
        (1_000_000, 16, 1_000, "moments"),
        (1_000_000, 16, 1, "stream"),
        (100_000_000, 1, 100, "moments"),
        (1_000, 1_000, 10, "stream"),  # adding up d² / 2 products a row is dearer than a few passes
        (1_000, 20_000, 10_000, "stream"),  # moments larger than the data
        (1_000_000, 16, 0, "stream"),
    ],
)
def test_the_cheaper_is_chosen(n: int, d: int, n_iters: int, wanted: str) -> None:
    assert plan.choose(work(n, d, n_iters), "auto", plan.NATIVE, reference=False) == wanted


def test_moments_have_to_be_worth_it() -> None:
    """The rule is 0.8 times the stream's time, whatever the constants are."""
    for n_iters in range(1, 200):
        explained = plan.explain(work(1_000_000, 64, n_iters), "auto", plan.NATIVE, reference=False)
        cheaper = explained.costs["moments"].seconds < 0.8 * explained.costs["stream"].seconds
        assert explained.plan == ("moments" if cheaper else "stream")
    assert plan.choose(work(1_000_000, 64, 200), "auto", plan.NATIVE, reference=False) == "moments"
    slow = dataclasses.replace(plan.NATIVE, moments_product_s=1.0)
    assert plan.choose(work(1_000_000, 64, 200), "auto", slow, reference=False) == "stream"


def test_the_plan_that_was_asked_for_is_taken(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 3, np.float64)
    for asked in ("stream", "moments"):
        assert backend.fit(x, y, plan=asked).report.plan == asked
        explained = gdfast.explain(x, y, plan=asked, backend=backend.name)
        assert explained.plan == asked
        assert "was asked for" in explained.why


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_references_stream(name: str) -> None:
    if name not in gdfast.backends():
        pytest.skip("not installed")
    x = np.broadcast_to(np.float32(1), (10**9, 16))
    assert gdfast.explain(x, x[:, 0], n_iters=1_000, backend=name).plan == "stream"


def test_mini_batches_stream() -> None:
    x = np.broadcast_to(np.float32(1), (10**6, 16))
    explained = gdfast.explain(x, x[:, 0], n_iters=1_000, batch_size=32)
    assert (explained.plan, list(explained.costs)) == ("stream", ["stream"])


def test_explain_reads_nothing() -> None:
    x = np.broadcast_to(np.float32(1), (10**12, 1_000))  # 4 PB
    gdfast.explain(x, x[:, 0], n_iters=10, learning_rate="auto", standardize=True)


# --- what it would cost -----------------------------------------------------------------------------------------------


def test_bytes_of_a_plan() -> None:
    x = np.broadcast_to(np.float32(1), (1_000_000, 16))
    explained = gdfast.explain(x, x[:, 0], sample_weight=x[:, 1], n_iters=99)
    one_read = 4 * 1_000_000 * 18
    assert explained.costs["stream"].bytes_read == 100 * one_read
    assert explained.costs["moments"].bytes_read == one_read


def test_validation_costs_as_well() -> None:
    x = np.broadcast_to(np.float32(1), (1_000_000, 16))
    explained = gdfast.explain(x, x[:, 0], validation=(x[:1000], x[:1000, 0]), n_iters=10)
    assert explained.costs["stream"].bytes_read == 11 * 68_000_000 + 10 * 68_000
    assert explained.costs["moments"].bytes_read == 68_068_000


def test_the_plan_is_the_same_for_any_number_of_threads() -> None:
    """Else the bits of a fit would differ."""
    for n, d in ((300, 64), (100, 4), (1_000, 256), (100_000, 16)):
        x = np.broadcast_to(np.float32(1), (n, d))
        found = set()
        for k in (1, 2, 8, 64):
            gdfast.set_num_threads(k)
            found.add(str(gdfast.explain(x, x[:, 0])))
        assert len(found) == 1


def test_exact_solves_from_moments(backend: Any) -> None:
    x = np.broadcast_to(np.float32(1), (1_000, 16))
    explained = gdfast.explain(x, x[:, 0], optimizer="exact", backend=backend.name)
    assert (explained.plan, list(explained.costs)) == ("moments", ["moments"])


def test_an_explanation_is_a_small_table() -> None:
    x = np.broadcast_to(np.float32(1), (1_000_000, 16))
    lines = str(gdfast.explain(x, x[:, 0], n_iters=1_000)).splitlines()
    assert lines[0].startswith("plan: moments, because moments are expected to take ")
    assert len(lines) == 4
    assert [line[:10].strip() for line in lines[2:]] == ["stream", "* moments"]
    assert all(len(line) < 100 for line in lines)


# --- what happened ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_report_of_streaming(backend: Any, batch_size: int | None, weighted: bool) -> None:
    x, y, _ = oracle.normal(50, 3, np.float32)
    s = np.ones(50, np.float32) if weighted else None
    fit = backend.fit(x, y, sample_weight=s, n_iters=9, batch_size=batch_size, plan="stream")
    report = fit.report
    assert (report.plan, report.passes) == ("stream", 10)
    assert report.bytes_read == 10 * 4 * 50 * (5 if weighted else 4)
    assert report.seconds > 0
    assert report.gb_per_s == pytest.approx(report.bytes_read / report.seconds / 1e9)


def test_a_report_of_moments(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 3, np.float64)
    report = backend.fit(x, y, n_iters=1_000, plan="moments").report
    assert (report.plan, report.passes, report.bytes_read) == ("moments", 1, x.nbytes + y.nbytes)


def test_a_report_of_validation(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 3, np.float64)
    report = backend.fit(x, y, validation=(x[:20], y[:20]), n_iters=4, plan="stream").report
    assert report.bytes_read == 5 * (x.nbytes + y.nbytes) + 4 * 8 * 20 * 4


def test_a_report_says_what_computed(backend: Any) -> None:
    report = backend.fit([1.0], [1.0]).report
    if backend.name == "native":
        assert (report.isa, report.threads) == (gdfast.config()["isa"], gdfast.get_num_threads())
    else:
        assert (report.isa, report.threads, report.peak_bytes) == (backend.name, None, 0)


def test_a_report_is_shown_in_lines(backend: Any) -> None:
    x, y, _ = oracle.normal(50, 2, np.float64)
    lines = str(backend.fit(x * [1, 1e4], y, learning_rate="auto", n_iters=0).report).splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        *("plan", "passes", "bytes read", "seconds", "GB/s", "threads", "ISA"),
        *(("form",) if backend.name == "native" else ()),
        *("peak bytes", "advice"),
    ]
