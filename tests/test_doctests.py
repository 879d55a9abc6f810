"""The examples in the docstrings give what they say."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

import gdfast

MODULES = ["gdfast", *(module.name for module in pkgutil.walk_packages(gdfast.__path__, "gdfast."))]


def imported(name: str) -> ModuleType:
    """The module, or a skipped test where what it needs is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("gdfast"):
            raise
        pytest.skip(f"{error.name} is not installed")


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples(name: str) -> None:
    failed, _ = doctest.testmod(imported(name))
    assert failed == 0


@pytest.mark.parametrize("module", ["gdfast", "gdfast.sklearn", "gdfast.torch", "gdfast.dask"])
def test_every_public_name_has_an_example_that_runs(module: str) -> None:
    """Those that are compiled, too, which `doctest.testmod` passes over."""
    public = imported(module)
    for name in public.__all__:
        if name == "__version__":
            continue
        examples = doctest.DocTestFinder().find(getattr(public, name), name)
        assert any(test.examples for test in examples), name
        for test in examples:
            assert doctest.DocTestRunner().run(test).failed == 0, name
