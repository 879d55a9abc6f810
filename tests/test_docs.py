"""The pages of docs/: their code runs and prints what they say, their tables and links are right."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parent.parent / "docs"

if not (DOCS / "refresh.py").exists():
    pytest.skip("the pages are not here", allow_module_level=True)


def module(name: str) -> ModuleType:
    """A script of docs/, imported."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


refresh = module("refresh")


@pytest.mark.parametrize("page", refresh.PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_prints_what_it_says(page: Path) -> None:
    """Where this fails although the page is right, `python docs/refresh.py` writes its outputs and tables anew."""
    text = page.read_text(encoding="utf-8")
    if "import torch" in text:
        pytest.importorskip("torch")
    if "import sklearn" in text or "from sklearn" in text:
        pytest.importorskip("sklearn", minversion="1.6")
    if "import polars" in text:
        pytest.importorskip("polars")
    if ".summary(" in text:
        pytest.importorskip("scipy")
    if ".plot(" in text:
        pytest.importorskip("matplotlib")
    assert refresh.refreshed(text, str(page)) == text


def test_the_tutorial_has_code_and_outputs() -> None:
    text = (DOCS / "from-the-tutorial.md").read_text(encoding="utf-8")
    found = list(refresh.blocks(text))
    assert len(found) > 15
    assert all(block.output for block in found if "print(" in block.code and "report" not in block.code)


@pytest.mark.parametrize("page", refresh.PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert target.startswith("https://") or (DOCS / target).exists(), target


@pytest.mark.parametrize("module", ["gdfast", "gdfast.sklearn", "gdfast.torch", "gdfast.dask"])
def test_the_reference_has_every_public_name(module: str) -> None:
    pytest.importorskip(module.removeprefix("gdfast.") if "." in module else "numpy")
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    shown: set[str] = set()
    current = ""
    for line in text.splitlines():
        if line.startswith(".. currentmodule:: "):
            current = line.split()[-1]
        elif current == module and line.startswith(".. auto"):
            shown.add(line.split()[-1])
    assert shown == set(importlib.import_module(module).__all__) - {"__version__"}


def test_every_picture_is_drawn_and_shown() -> None:
    pytest.importorskip("matplotlib")
    drawn = {path.stem for path in (DOCS / "figures").glob("*.png")}
    shown = set(re.findall(r"\(figures/(\w+)\.png\)", "".join(page.read_text("utf-8") for page in refresh.PAGES)))
    assert drawn == shown
    figures = module("figures")
    assert all(callable(getattr(figures, name)) for name in drawn)


def test_the_cost_model_has_every_constant() -> None:
    from gdfast.plan import CostModel

    text = (DOCS / "training.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in CostModel.__dataclass_fields__)
