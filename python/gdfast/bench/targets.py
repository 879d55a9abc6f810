"""``gdfast bench --targets``: every speed that the project has set itself, with what this machine gave."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import gdfast
from gdfast.bench import against_memory, against_rivals, suite, training
from gdfast.bench.isa_process import lines_of
from gdfast.bench.machine import MIB, beyond_cache_bytes
from gdfast.bench.roofline import Sweep
from gdfast.bench.suite import Tick
from gdfast.bench.verdict import Verdict

_QUICK_BYTES = 32 * MIB


@dataclass(frozen=True)
class Plan:
    """How large and how long.

    Attributes
    ----------
    nbytes : int
        Size of x and y of the large problems.
    c_columns, f_columns, rival_columns : tuple of int
        Values of d, in C and in Fortran order, and where rivals are compared with.
    sweep_seconds : float
        For each problem of the sweeps.
    rival_seconds : float
        For the comparison with the rivals.
    sizes : training.Sizes
        Of what is trained on.
    """

    nbytes: int
    c_columns: tuple[int, ...] = against_memory.C_COLUMNS
    f_columns: tuple[int, ...] = against_memory.F_COLUMNS
    rival_columns: tuple[int, ...] = against_rivals.COLUMNS
    sweep_seconds: float = 0.6
    rival_seconds: float = 40.0
    sizes: training.Sizes = training.FULL

    @property
    def _sweeps(self) -> tuple[Sweep, Sweep]:
        return (
            against_memory.in_c_order(self.c_columns, self.nbytes, self.sweep_seconds),
            against_memory.in_fortran_order(self.f_columns, self.nbytes, self.sweep_seconds),
        )

    @property
    def _settings(self) -> tuple[suite.Settings, suite.Settings]:
        return (
            against_rivals.settings(self.rival_columns, self.nbytes, self.rival_seconds),
            against_memory.l2_settings(self.rival_seconds / 10),
        )

    @property
    def steps(self) -> int:
        """How often `measure` calls `tick`."""
        parts = sum(part.steps for part in (*self._sweeps, *self._settings, self.sizes))
        return parts + against_memory.SCALING_STEPS + against_rivals.CALL_STEPS

    def measure(self, tick: Tick) -> Iterator[Verdict]:
        """Measure everything on the instruction set of this process."""
        c_order, f_order = self._sweeps
        beside_rivals, in_l2 = self._settings
        yield from against_memory.c_order(against_memory.swept(c_order, tick))
        yield from against_memory.fortran_order(against_memory.swept(f_order, tick))
        yield from against_rivals.of_settings(suite.run(beside_rivals, tick))
        yield against_memory.thread_scaling(self.nbytes, tick)
        yield from against_memory.within_l2(suite.run(in_l2, tick))
        yield from against_rivals.calls(self.rival_seconds / 20, tick)
        yield from training.run(self.sizes, tick)


def default_plan(*, quick: bool = False) -> Plan:
    """Beyond the last cache, in a few minutes; `quick` takes 32 MiB, which proves that it runs and little else."""
    if quick:
        return Plan(_QUICK_BYTES, sweep_seconds=0.02, rival_seconds=4, sizes=training.QUICK)
    return Plan(beyond_cache_bytes())


def isas() -> tuple[str, ...]:
    """The instruction set in use and, where it is a later one than that which most CPUs have, AVX2."""
    config = gdfast.config()
    later = config["isa"] == "avx512" and "avx2" in config["isas_supported"]
    return (str(config["isa"]), *(("avx2",) if later else ()))


def run(plan: Plan, tick: Tick = lambda text: None, on: Sequence[str] | None = None) -> list[Verdict]:
    """Measure everything, each instruction set in a process of its own.

    Parameters
    ----------
    plan : Plan
    tick : callable
        Called with a line on what comes next, `Plan.steps` times for each instruction set.
    on : sequence of str or None
        The instruction sets; `isas()` when None.

    Returns
    -------
    list of Verdict
        With the name of the instruction set in each.

    Raises
    ------
    RuntimeError
        If a process fails; with the end of what it wrote.
    """
    verdicts = []
    for isa in isas() if on is None else on:
        for line in lines_of("gdfast.bench.targets", asdict(plan), isa):
            if "tick" in line:
                tick(f"{isa}: {line['tick']}")
            else:
                verdicts.append(Verdict.from_dict(line))
    return verdicts


def _main() -> None:
    """The process of one ISA: a plan as JSON comes in as argument, ticks and verdicts as JSON go out, a line each."""
    fields = json.loads(sys.argv[1])
    sizes = fields.pop("sizes")
    sizes["crossings"] = tuple(map(tuple, sizes["crossings"]))
    plan = Plan(sizes=training.Sizes(**sizes), **fields)

    def tick(text: str) -> None:
        print(json.dumps({"tick": text}), flush=True)

    isa = str(gdfast.config()["isa"])
    for verdict in plan.measure(tick):
        print(json.dumps(replace(verdict, isa=isa).as_dict()), flush=True)


if __name__ == "__main__":
    _main()
