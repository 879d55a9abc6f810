"""A module that measures, run in a process of its own: the instruction set is chosen when gdfast is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any


def lines_of(module: str, argument: Mapping[str, Any], isa: str) -> Iterator[dict[str, Any]]:
    """Run a module on an instruction set, and hand on what it prints.

    Parameters
    ----------
    module : str
        Run as ``python -m module JSON``; prints a JSON object a line.
    argument : mapping
        What it is given, as JSON.
    isa : str

    Yields
    ------
    dict
        Each line as soon as it is printed.

    Raises
    ------
    RuntimeError
        If the process fails; with the end of what it wrote.
    """
    command = [sys.executable, "-m", module, json.dumps(argument)]
    environment = os.environ | {"GDFAST_ISA": isa}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            yield json.loads(line)
        message = process.stderr.read().strip()
    if process.returncode:
        raise RuntimeError(f"measuring {isa} failed: {message.splitlines()[-1] if message else process.returncode}")
