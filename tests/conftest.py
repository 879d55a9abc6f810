"""What the tests share: one parameter list each for backend, dtype, layout and ISA, and a way to run another Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gdfast
import oracle

RunPython = Callable[..., str]


@pytest.fixture(params=gdfast.backends())
def backend(request: pytest.FixtureRequest) -> Any:
    """Every implementation that can run here."""
    return gdfast.backend(request.param)


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype[Any]:
    return np.dtype(str(request.param))


@pytest.fixture(params=list(oracle.LAYOUTS))
def layout(request: pytest.FixtureRequest) -> oracle.Layout:
    """Puts a C-ordered matrix elsewhere in memory: see `oracle.LAYOUTS`."""
    return oracle.LAYOUTS[request.param]


@pytest.fixture(params=list(oracle.LAYOUTS_1D))
def layout_1d(request: pytest.FixtureRequest) -> oracle.Layout:
    """Puts a vector elsewhere in memory: see `oracle.LAYOUTS_1D`."""
    return oracle.LAYOUTS_1D[request.param]


@pytest.fixture(params=gdfast.config()["isas_supported"])
def isa(request: pytest.FixtureRequest) -> str:
    """Every instruction set that this CPU runs. It is chosen at import, so a test hands it to a Python of its own."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """A test may call `set_num_threads`: the number is put back for the next."""
    before = gdfast.get_num_threads()
    yield
    gdfast.set_num_threads(before)


def _hear_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore Ctrl-C, and so all that is started from there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def run_python() -> RunPython:
    """Runs code in a fresh Python and gives its output; fails with its stderr, or when it hangs."""

    def run(
        code: str, *args: object, env: dict[str, str] | None = None, timeout: float = 120, check: bool = True
    ) -> str:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("GDFAST_", "OMP_"))}
        path = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, args)],
            env=clean | {"PYTHONPATH": os.pathsep.join(path)} | (env or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            preexec_fn=_hear_ctrl_c,
        )
        if check:
            assert done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}"
            return done.stdout
        return done.stdout + done.stderr

    return run


@pytest.fixture
def columns() -> dict[str, Any]:
    """The columns of a small table, the target last."""
    from commands import COLUMNS

    return dict(COLUMNS)


@pytest.fixture(params=[".csv", ".parquet", ".npy"])
def table(request: pytest.FixtureRequest, tmp_path: Path, columns: dict[str, Any]) -> Path:
    """The same as a file."""
    from commands import write

    return write(tmp_path / f"data{request.param}", columns)
