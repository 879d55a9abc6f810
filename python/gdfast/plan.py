"""Whether to read the data once a pass, or once in all for its moments: what each would cost, and which is cheaper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

PlanName = Literal["stream", "moments"]
Asked = Literal["auto", "stream", "moments"]


@dataclass(frozen=True)
class CostModel:
    """What work costs on some machine with some kernels, in seconds of one thread unless it says otherwise.

    A pass over the data takes the time to read it, from the cache if it fits there and from memory if not. Moments take
    one read, in which each row adds its outer product to the Gram matrix, and then a product with that matrix a pass.
    """

    memory_bytes_per_s: float
    memory_bytes_per_s_at_most: float  # of all threads
    cache_bytes_per_s: float
    cache_bytes: int
    pass_s: float  # what a pass costs beside its reading
    moments_s: float  # what moments cost beside their reading and adding up
    moments_number_s: float  # one of the d + 2 numbers of a row, to make it float64 and put it in place
    moments_product_s: float  # one of the (d + 2)² / 2 products that a row adds
    gram_s: float  # one of the (d + 2)² numbers of the Gram matrix, in a pass over the moments
    gram_pass_s: float  # what such a pass costs beside that


# Measured on two quiet cores of a Zen 4: passes and moments of 4 to 500 columns are within half as much again of this.
NATIVE = CostModel(
    memory_bytes_per_s=25e9,
    memory_bytes_per_s_at_most=49e9,
    cache_bytes_per_s=30e9,
    cache_bytes=24 * 2**20,
    pass_s=150e-9,
    moments_s=3e-6,
    moments_number_s=0.19e-9,
    moments_product_s=0.042e-9,
    gram_s=0.15e-9,
    gram_pass_s=15e-9,
)

# NumPy and torch on the same machine: two products with x a pass, and Python between them.
REFERENCE = CostModel(
    memory_bytes_per_s=5e9,
    memory_bytes_per_s_at_most=10e9,
    cache_bytes_per_s=20e9,
    cache_bytes=24 * 2**20,
    pass_s=30e-6,
    moments_s=50e-6,
    moments_number_s=2e-9,
    moments_product_s=0.2e-9,
    gram_s=0.3e-9,
    gram_pass_s=30e-6,
)

# The plan, and with it the bits of a fit, must not depend on how many threads there are just now.
THREADS = 2

# The estimates are rough, and streaming keeps every promise about single steps: moments have to be worth it.
WORTH = 0.8

# Reading so much, and its products, take less than the microseconds that go by before.
TINY_BYTES = 1024

# Lanczos' method needs about so many products for learning_rate="auto".
PRODUCTS = 8

# Memory that moments may take when nobody asked for them: 4 MiB, or this share of the data.
GRAM_BYTES = 4 * 2**20
GRAM_SHARE = 1 / 16


class Work(NamedTuple):
    """What there is to do, as far as it costs time."""

    n: int
    d: int
    data_bytes: int  # of x, y and sample_weight
    n_validation: int
    validation_bytes: int
    n_iters: int
    finds_rate: bool  # learning_rate="auto"
    finds_scales: bool  # standardize=True
    batches: bool
    given_moments: bool  # there are no samples
    solves: bool  # optimizer="exact"


class Cost(NamedTuple):
    """What a plan is expected to read, and how long it takes."""

    bytes_read: int
    seconds: float


@dataclass(frozen=True)
class Explanation:
    """Which plan a fit follows, and why.

    Attributes
    ----------
    plan : {"stream", "moments"}
        Read the data once a pass, or once in all for its moments.
    why : str
        What decided.
    costs : dict of str to Cost
        ``bytes_read`` and ``seconds`` expected of each plan that is possible.

    Examples
    --------
    >>> import numpy as np
    >>> import gdfast
    >>> x = np.broadcast_to(np.float32(1), (1_000_000, 16))
    >>> explanation = gdfast.explain(x, x[:, 0], n_iters=1_000)
    >>> explanation.plan
    'moments'
    >>> explanation.costs["stream"].bytes_read // explanation.costs["moments"].bytes_read
    1001
    """

    plan: PlanName
    why: str
    costs: dict[PlanName, Cost]

    def __str__(self) -> str:
        lines = [f"plan: {self.plan}, because {self.why}"]
        if self.costs:
            lines.append(f"{'':2}{'':8} {'bytes read':>20} {'seconds':>10}")
        for name, cost in self.costs.items():
            mark = "*" if name == self.plan else ""
            lines.append(f"{mark:2}{name:8} {cost.bytes_read:20,} {cost.seconds:10.3g}")
        return "\n".join(lines)


def of_a_tiny_fit(data_bytes: int, d: int, passes: int, model: CostModel) -> PlanName | None:
    """The plan where there is so little data that only passes count; None where `choose` has to be asked.

    A tiny fit shouldn't take longer to plan than to do.
    """
    if data_bytes > TINY_BYTES:
        return None
    moments = model.moments_s + passes * (model.gram_pass_s + (d + 2) ** 2 * model.gram_s)
    return "moments" if moments < WORTH * passes * model.pass_s else "stream"


def choose(work: Work, asked: Asked, model: CostModel, reference: bool) -> PlanName:
    """The plan for `work`, where `asked` is what the user chose."""
    forced = _forced(work, asked, reference)
    if forced is not None:
        return forced[0]
    return "moments" if _moments(work, model).seconds < WORTH * _stream(work, model).seconds else "stream"


def explain(work: Work, asked: Asked, model: CostModel, reference: bool) -> Explanation:
    """The plan that `choose` takes, and why."""
    costs: dict[PlanName, Cost] = {}
    if not (work.given_moments or work.solves):
        costs["stream"] = _stream(work, model)
    if not work.batches:
        costs["moments"] = _moments(work, model)
    forced = _forced(work, asked, reference)
    if forced is not None:
        return Explanation(*forced, costs)
    stream, moments = costs["stream"].seconds, costs["moments"].seconds
    why = f"moments are expected to take {moments:.2g} s, and {work.n_iters + 1:,} passes {stream:.2g} s"
    return Explanation(choose(work, asked, model, reference), why, costs)


def _forced(work: Work, asked: Asked, reference: bool) -> tuple[PlanName, str] | None:
    """The plan where there is nothing to compare, and why."""
    if work.given_moments:
        return "moments", "there are moments and no samples"
    if work.batches:
        return "stream", "mini-batches need single rows"
    if work.solves:
        again = "" if reference else ", and reads nearly collinear float64 samples once more"
        return "moments", f"optimizer='exact' solves for the optimum from moments{again}"
    if asked != "auto":
        return asked, f"plan={asked!r} was asked for"
    if reference:
        return "stream", "the reference backends follow the formulas unless told otherwise"
    if not moments_fit(work.d, work.data_bytes):
        return "stream", f"the moments of {work.d:,} columns would take {8 * (work.d + 2) ** 2:,} bytes"
    return None


def moments_fit(d: int, data_bytes: int) -> bool:
    """Whether moments of d columns take so little memory, for data of that size, that nobody need be asked."""
    gram_bytes = 8 * (d + 2) ** 2
    return gram_bytes <= GRAM_BYTES or gram_bytes <= GRAM_SHARE * data_bytes


def _stream(work: Work, model: CostModel) -> Cost:
    passes = work.n_iters + 1 + (PRODUCTS if work.finds_rate else 0) + (1 if work.finds_scales else 0)
    seconds = passes * (model.pass_s + _reading(work.data_bytes, model))
    seconds += work.n_iters * _reading(work.validation_bytes, model)
    return Cost(passes * work.data_bytes + work.n_iters * work.validation_bytes, seconds)


def _moments(work: Work, model: CostModel) -> Cost:
    size = (work.d + 2) ** 2
    row = (work.d + 2) * model.moments_number_s + size / 2 * model.moments_product_s
    rows = 0 if work.given_moments else work.n + work.n_validation
    read = 0 if work.given_moments else work.data_bytes + work.validation_bytes
    adding = rows * row / THREADS
    once = model.moments_s + max(adding, _reading(read, model))
    evaluations = work.n_iters + 1 + (work.n_iters if work.n_validation else 0) + (PRODUCTS if work.finds_rate else 0)
    return Cost(read, once + evaluations * (model.gram_pass_s + size * model.gram_s))


def of_moments(n: int, d: int, data_bytes: int, model: CostModel) -> float:
    """Seconds that the moments of so many rows take."""
    return _moments(Work(n, d, data_bytes, 0, 0, 0, False, False, False, False, True), model).seconds


def of_a_pass(data_bytes: int, model: CostModel) -> float:
    """Seconds that a pass takes."""
    return model.pass_s + _reading(data_bytes, model)


def _reading(data_bytes: int, model: CostModel) -> float:
    if data_bytes <= model.cache_bytes:
        return data_bytes / (model.cache_bytes_per_s * THREADS)
    return data_bytes / min(model.memory_bytes_per_s * THREADS, model.memory_bytes_per_s_at_most)
