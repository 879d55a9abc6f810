"""What the pages show of gdfast itself: the output of their code, and the constants of the cost model.

A ```python block runs in the namespace of those above it on the page; a ```text block right after it is what it prints.
`python docs/refresh.py` runs all pages and writes both anew. tests/test_docs.py runs them and compares.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parent
PAGES = sorted(DOCS.glob("*.md"))

BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<output>.*?)```\n)?", re.DOTALL)
COSTS = re.compile(r"(<!-- cost model: begin -->\n).*?(<!-- cost model: end -->)", re.DOTALL)


class Block(NamedTuple):
    """A piece of code on a page."""

    code: str
    output: str | None  # what the page says that it prints; None where it says nothing
    line: int
    span: tuple[int, int]  # where the output is in the text of the page


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, from its top."""
    for found in BLOCK.finditer(text):
        yield Block(found["code"], found["output"], text.count("\n", 0, found.start()) + 2, found.span("output"))


def run(block: Block, page: str, namespace: dict[str, Any]) -> str:
    """Run a block; what it printed."""
    printed = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.code, page, "exec")  # an error names the line of the page
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    return printed.getvalue()


def cost_table() -> str:
    """The constants of `gdfast.plan` as a table, with the comments that explain them there."""
    from gdfast import plan

    why = dict(re.findall(r"^ +(\w+): \w+(?:  # (.*))?$", inspect.getsource(plan.CostModel), re.MULTILINE))
    rows = ["| constant | native | numpy, torch | seconds of one thread, or bytes |", "| --- | --- | --- | --- |"]
    for field in dataclasses.fields(plan.CostModel):
        native, reference = (getattr(model, field.name) for model in (plan.NATIVE, plan.REFERENCE))
        rows.append(f"| `{field.name}` | {native:.3g} | {reference:.3g} | {why[field.name]} |")
    return "\n".join(rows) + "\n"


def refreshed(text: str, page: str) -> str:
    """The text of a page, its outputs and its table written anew."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    parts, end = [], 0
    for block in blocks(text):
        output = run(block, page, namespace)
        if block.output is not None:
            parts += [text[end : block.span[0]], output]
            end = block.span[1]
    text = "".join([*parts, text[end:]])
    return COSTS.sub(lambda found: found[1] + cost_table() + found[2], text)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(refreshed(path.read_text(encoding="utf-8"), str(path)), encoding="utf-8")
