"""How long a fit of Parquet files takes, beside reading them with pyarrow alone and beside what else fits them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gdfast
from gdfast.bench.scale_rivals import RIVALS, TARGET, groups
from gdfast.bench.verify import DisagreementError

Array = NDArray[Any]

COLUMNS = 20
GROUP = 250_000  # rows of a row group
ROUNDS = 3
_CLOSE = 1e-6  # of a coefficient of 1, where a way leads to the optimum


class Sizes(NamedTuple):
    """Of the files."""

    files: int
    rows: int  # of each

    @classmethod
    def of(cls, nbytes: float) -> Sizes:
        """Eight files that have about so many bytes, as float64."""
        return cls(8, max(round(nbytes / (8 * 8 * (COLUMNS + 1))), 1_000))

    @property
    def nbytes(self) -> int:
        return self.files * self.rows * (COLUMNS + 1) * 8


QUICK = Sizes(2, 20_000)


class Way(NamedTuple):
    """To go over the files."""

    coefficients: Callable[[Sequence[Path]], Array | None]
    remark: str
    rounds: int = ROUNDS


class Taken(NamedTuple):
    """One way, and the quickest of its rounds; or why there is none."""

    name: str
    remark: str
    seconds: float | None = None
    of_reading: float | None = None  # the seconds that pyarrow takes to read the same columns, by these
    error: float | None = None  # of the coefficients, the largest; None where there are none

    def as_dict(self) -> dict[str, Any]:
        return self._asdict()


OWN = {
    "pyarrow alone": Way(lambda paths: _read(paths), "reads the columns"),
    "gdfast, moments": Way(lambda paths: _fitted(paths), "optimum, one read"),
    "gdfast, one pass": Way(lambda paths: _pass(paths), "loss and gradient"),
}


def _ways() -> dict[str, Way]:
    """gdfast's, and those of rivals that are there."""
    return OWN | {
        rival.name: Way(rival.coefficients, rival.remark, 1 if rival.slow else ROUNDS)
        for rival in RIVALS
        if rival.installed
    }


def steps() -> int:
    """How often `run` ticks."""
    return 1 + sum(way.rounds for way in _ways().values())


def run(sizes: Sizes, tick: Callable[[str], None]) -> list[Taken]:
    """Write the files, check each way, and time it; the files are removed. Rivals that aren't there have a row, too.

    Raises
    ------
    DisagreementError
        When a way that leads to the optimum ends elsewhere.
    """
    ways, timed = _ways(), _Timed({}, {}, {})
    with tempfile.TemporaryDirectory(prefix="gdfast-scale-") as folder:
        tick(f"writing {sizes.nbytes / 1e9:.2g} GB")
        paths = _write(Path(folder), sizes)
        for k in range(ROUNDS):
            for name, way in ways.items():
                if k < way.rounds and name not in timed.broken:
                    tick(f"round {k + 1}: {name}")
                    timed.once(name, way, paths)
    reading = timed.best["pyarrow alone"]
    rows = [
        Taken(name, ways[name].remark, seconds, reading / seconds, _error(name, timed.found))
        for name, seconds in timed.best.items()
    ]
    rows += [Taken(name, why) for name, why in timed.broken.items()]
    return rows + [Taken(rival.name, f"not installed: {rival.package}") for rival in RIVALS if not rival.installed]


class _Timed(NamedTuple):
    """Of each way by its name: the quickest time, the coefficients, or why it fails."""

    best: dict[str, float]
    found: dict[str, Array | None]
    broken: dict[str, str]

    def once(self, name: str, way: Way, paths: Sequence[Path]) -> None:
        began = time.perf_counter()
        try:
            self.found[name] = way.coefficients(paths)
        except Exception as error:
            if name in OWN:
                raise
            first = next(iter(str(error).splitlines()), "")
            self.broken[name] = f"fails: {type(error).__name__}: {first}"
            return
        self.best[name] = min(self.best.get(name, np.inf), time.perf_counter() - began)


def _error(name: str, found: dict[str, Array | None]) -> float | None:
    """How far the coefficients are from the optimum."""
    w, optimum = found[name], found["gdfast, moments"]
    if w is None or optimum is None:
        return None
    error = float(np.abs(w - optimum).max())
    if any(rival.name == name and rival.optimal for rival in RIVALS) and not error <= _CLOSE:
        raise DisagreementError(f"the coefficients of gdfast and {name} differ by {error:.2g}")
    return error


def _write(folder: Path, sizes: Sizes) -> list[Path]:
    import pyarrow as pa
    from pyarrow import parquet

    w = np.linspace(-1, 1, COLUMNS)
    schema = pa.schema([(name, pa.float64()) for name in (*(f"x{j}" for j in range(COLUMNS)), TARGET)])
    paths = []
    for k in range(sizes.files):
        rng = np.random.default_rng(k)
        paths.append(folder / f"{k}.parquet")
        with parquet.ParquetWriter(paths[-1], schema) as writer:
            for start in range(0, sizes.rows, GROUP):
                rows = min(GROUP, sizes.rows - start)
                x = rng.standard_normal((COLUMNS, rows))
                columns = [*x, w @ x + rng.standard_normal(rows)]
                writer.write_table(pa.table(columns, schema=schema), row_group_size=GROUP)
    return paths


def _scan(paths: Sequence[Path]) -> gdfast.Scan:
    return gdfast.scan(list(paths))


def _read(paths: Sequence[Path]) -> None:
    for _ in groups(paths):
        pass


def _fitted(paths: Sequence[Path]) -> Array:
    return np.asarray(gdfast.fit(_scan(paths), TARGET, optimizer="exact").w)


def _pass(paths: Sequence[Path]) -> None:
    gdfast.loss_and_gradient(_scan(paths), TARGET, np.zeros(COLUMNS))
