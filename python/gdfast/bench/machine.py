"""What a measurement was made on: processor, caches, memory, versions."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import gdfast
from gdfast.bench.peers import PEERS
from gdfast.bench.problems import DtypeName, Shape

MIB = 1_048_576
GIB = 1_073_741_824

# Where a cache's size can't be read.
_ASSUMED_L3 = 32 * MIB
# x and y of the largest problem take at most this share of the memory that is free: beside them, torch needs up to
# three times as much for the temporaries of d = 1, and a benchmark shall leave three quarters of the memory alone.
_SHARE_OF_MEMORY = 16
# "Beyond the cache" is this many times the last level, within bounds that keep it quick on any machine.
_TIMES_THE_CACHE = 2
_LEAST_BEYOND = 256 * MIB
_MOST_BEYOND = GIB


def describe() -> dict[str, Any]:
    """The machine and the software, for the head of a report.

    Returns
    -------
    dict
        Strings and numbers only, ready for JSON.
    """
    return {
        "cpu": cpu_name(),
        "cpus": usable_cpus(),
        "memory_bytes": _total_memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {peer.title: peer.version() for peer in PEERS},
        "config": gdfast.config(),
    }


def headline() -> str:
    """The machine in one line."""
    config = gdfast.config()
    caches = ", ".join(
        f"L{level} {_size(size)}" for level in (1, 2, 3) if (size := int(config.get(f"l{level}_bytes", 0) or 0))
    )
    return f"{cpu_name()}, {usable_cpus()} CPUs, {caches}; gdfast {gdfast.__version__} ({config['isa']})"


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def usable_cpus() -> int:
    """CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int:
    """Bytes that can be used without disturbing others: what the system calls available, within a cgroup's limit."""
    available = _meminfo("MemAvailable") or _total_memory() // 2
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return available
    return min(available, max(0, int(limit) - used)) if limit.isdecimal() else available


def beyond_cache_bytes() -> int:
    """Size of x and y that no cache holds, as far as memory allows."""
    l3 = int(gdfast.config()["l3_bytes"] or _ASSUMED_L3)
    wanted = min(max(_TIMES_THE_CACHE * l3, _LEAST_BEYOND), _MOST_BEYOND)
    return min(wanted, available_memory() // _SHARE_OF_MEMORY)


def level_of(shape: Shape, dtype: DtypeName) -> str:
    """The cache that x and y fit in: ``"L1"``, ``"L2"``, ``"L3"`` or ``"memory"``."""
    config = gdfast.config()
    for level in (1, 2, 3):
        if shape.arena_bytes(dtype) <= int(config[f"l{level}_bytes"] or 0):
            return f"L{level}"
    return "memory"


def _total_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _meminfo(key: str) -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _size(nbytes: int) -> str:
    return f"{nbytes / MIB:.3g} MiB" if nbytes >= MIB else f"{nbytes // 1024} KiB"
