"""Advice as messages give it, and how to follow it to the letter."""

from __future__ import annotations

import ast
import json
import os
import re
import types
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = {"np": "numpy", "pd": "pandas", "pl": "polars", "pa": "pyarrow", "torch": "torch"}


# Where messages are noted whose advice is followed: see test_advice_complete.py.
LOG = "GDFAST_TEST_ADVICE_LOG"


def followed(message: str) -> None:
    """Called for each message whose advice a test follows."""
    log = os.environ.get(LOG)
    if log is not None:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(str(message)) + "\n")


def written(message: str) -> list[str]:
    """Every expression that a message says to write: after "write", one or several, as Python reads them."""
    followed(message)
    found: list[str] = []
    for match in re.finditer(r"\bwrite ", message):
        rest = message[match.end() :]
        found += _alternatives(next(filter(_compiles, (rest[:end] for end in range(len(rest), 0, -1))), ""))
    return found


def kept(message: str) -> tuple[str, list[str]] | None:
    """What a message says about rows to be left out: which to keep, and how they are taken."""
    followed(message)
    match = re.search(r"\(keep = (.*), then ", message)
    if match is None:
        return None
    rest = message[match.end() :]
    taken = next(rest[:end] for end in range(len(rest), 0, -1) if rest[end : end + 1] == ")" and _compiles(rest[:end]))
    return match[1], _alternatives(taken)


def options(message: str) -> list[dict[str, Any]]:
    """Every option that a message says to write: ``batch_size=None``."""
    followed(message)
    said = message.partition("write ")[2] or message.partition("Write ")[2]
    return [{name: ast.literal_eval(value)} for name, value in re.findall(r"(\w+)=(None|True|False|\d+|'[^']*')", said)]


def follow(code: str, names: dict[str, Any]) -> Any:
    """The value of `code`, where packages have their usual names."""
    return eval(code, _packages() | names)


def _packages() -> dict[str, types.ModuleType]:
    import importlib

    import gdfast

    known = {"gdfast": gdfast, "np": np}
    for short, name in PACKAGES.items():
        try:
            known[short] = importlib.import_module(name)
        except ImportError:
            continue
    return known


def _compiles(code: str) -> bool:
    try:
        ast.parse(code, mode="eval")
    except (SyntaxError, ValueError):
        return False
    return code.strip() == code


def _alternatives(code: str) -> list[str]:
    """The expressions that are put side by side: three of "a, b or c"."""
    if not code:
        return []
    tree = ast.parse(code, mode="eval").body

    def parts(node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.Tuple):
            return [part for element in node.elts for part in parts(element)]
        if isinstance(node, ast.BoolOp):
            return [part for value in node.values for part in parts(value)]
        return [node]

    return [ast.unparse(part) for part in parts(tree) if not isinstance(part, ast.Name)]  # a name is prose: "write it"
