"""One measured comparison as a row, and rows as a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gdfast
from gdfast.bench.machine import describe, level_of
from gdfast.bench.measure import Measurement, Timing
from gdfast.bench.problems import DtypeName, Order, Problem, Shape

SCHEMA = 1
# Below this the time is that of the call, and a share of the bandwidth says nothing.
_LEAST_BYTES = 4_096


@dataclass(frozen=True)
class Row:
    """What one problem gave.

    Attributes
    ----------
    shape : Shape
    dtype : {"f32", "f64"}
    order : {"C", "F"}
    threads : int
    isa : str
        Instruction set that gdfast ran on.
    level : str
        Where x and y live: ``"L1"``, ``"L2"``, ``"L3"`` or ``"memory"``.
    nbytes : int
        Bytes of x and y.
    timings : dict of str to Timing
        By contender; ``"native"`` and ``"read"`` are always there.
    times_native : dict of str to float
        By contender, how many times longer it takes than gdfast: the median of the rounds' ratios. For ``"read"``
        that is gdfast's share of the read bandwidth.
    error_used : float
        The largest error seen, as a share of the bound for rounding.
    loss_errors : dict of str to float
        By contender, how far its loss is off, relative to the loss.
    offset : int
        Bytes from the start of a cache line to where x and y start.
    """

    shape: Shape
    dtype: DtypeName
    order: Order
    threads: int
    isa: str
    level: str
    nbytes: int
    timings: dict[str, Timing]
    times_native: dict[str, float]
    error_used: float
    loss_errors: dict[str, float]
    offset: int = 0

    @property
    def share_of_read(self) -> float:
        """gdfast's GB/s over the read probe's."""
        return self.times_native["read"]

    @property
    def bandwidth_matters(self) -> bool:
        """Whether there is enough to read for `share_of_read` to mean something."""
        return self.nbytes >= _LEAST_BYTES

    def gb_per_s(self, name: str = "native") -> float:
        """10⁹ bytes of x and y a second, from the median time."""
        return self.nbytes / self.timings[name].p50 / 1e9

    def as_dict(self) -> dict[str, Any]:
        """Numbers and strings only, ready for JSON."""
        plain = asdict(self)
        plain |= plain.pop("shape")
        for name, timing in plain["timings"].items():
            timing["gb_per_s"] = self.gb_per_s(name)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Row:
        """The inverse of `as_dict`."""
        fields = dict(plain)
        fields["shape"] = Shape(fields.pop("n"), fields.pop("d"))
        fields["timings"] = {
            name: Timing(**{key: value for key, value in timing.items() if key != "gb_per_s"})
            for name, timing in fields["timings"].items()
        }
        return cls(**fields)


def row_of(
    problem: Problem, threads: int, measured: Measurement, error_used: float, loss_errors: Mapping[str, float]
) -> Row:
    """Turn a measurement of a problem into a row."""
    names = list(measured.inner)
    return Row(
        shape=problem.shape,
        dtype=problem.dtype,
        order=problem.order,
        threads=threads,
        isa=str(gdfast.config()["isa"]),
        level=level_of(problem.shape, problem.dtype),
        nbytes=problem.nbytes,
        timings={name: measured.timing(name) for name in names},
        times_native={name: measured.ratio(name, "native") for name in names if name != "native"},
        error_used=error_used,
        loss_errors=dict(loss_errors),
        offset=problem.offset,
    )


def write_json(path: Path, kind: str, settings: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a report: the machine, the versions, the settings and every row.

    Parameters
    ----------
    path : Path
    kind : {"bench", "roofline", "targets"}
    settings : mapping
    rows : sequence of mappings
        `Row.as_dict` of each, or the rows of a target table.
    """
    content = {
        "schema": SCHEMA,
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "settings": dict(settings),
        "rows": list(rows),
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
