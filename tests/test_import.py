"""What `import gdfast` brings, and what it leaves alone."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path

import pytest

import gdfast

RunPython = Callable[..., str]

PUBLIC = {
    *("forward", "loss", "gradient", "loss_and_gradient", "fit", "Fit", "Step", "backend", "backends"),
    *(
        "explain",
        "Explanation",
        "Report",
        "ConvergenceWarning",
        "DivergenceError",
        "Moments",
        "Summary",
        "Path",
        "path",
        "Scan",
        "scan",
    ),
    *("get_num_threads", "set_num_threads", "config", "show_config", "__version__"),
}
HEAVY = ["torch", "sklearn", "pandas", "matplotlib", "scipy", "numba", "typer", "rich"]


def test_public_names() -> None:
    assert set(gdfast.__all__) == PUBLIC
    assert all(hasattr(gdfast, name) for name in PUBLIC)


def test_every_public_name_is_documented() -> None:
    for name in PUBLIC - {"__version__"}:
        documentation = getattr(gdfast, name).__doc__
        assert documentation, name
        assert len(documentation.strip().splitlines()) > 1, name


def test_import_brings_nothing_heavy(run_python: RunPython) -> None:
    code = f"import sys, gdfast; gdfast.backends(); gdfast.config(); print([m for m in {HEAVY} if m in sys.modules])"
    assert run_python(code) == "[]\n"


def test_the_version_has_one_place() -> None:
    assert gdfast.__version__ == metadata.version("gdfast") == gdfast.config()["version"]
    project = Path(__file__).parent.parent / "pyproject.toml"
    if project.exists():
        assert gdfast.__version__ == tomllib.loads(project.read_text())["project"]["version"]


def test_functions_keep_their_names_beside_modules() -> None:
    for module in ("fit", "path", "scan", "config", "backends", "backends.numpy", "tutorial"):
        import_module(f"gdfast.{module}")
    for name in ("fit", "path", "config", "backends", "backend"):
        assert callable(getattr(gdfast, name)), name


def test_config(capsys: pytest.CaptureFixture[str]) -> None:
    config = gdfast.config()
    assert config["isa"] in config["isas_supported"]
    assert set(config["isas_supported"]) <= set(config["isas_compiled"])
    assert config["threads"] == gdfast.get_num_threads()
    assert config["backends"] == gdfast.backends()
    gdfast.show_config()
    shown = capsys.readouterr().out
    for key in ("compiler", "isa", "threads", "backends", "numpy"):
        assert f"  {key} " in shown
        value = config[key]
        assert (", ".join(value) if isinstance(value, list) else str(value)) in shown


KERNELS_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


@pytest.mark.skipif(not (KERNELS_CACHES / "index0/size").exists(), reason="no files about caches on this system")
def test_cache_sizes_are_the_kernels() -> None:
    """Of L3 in particular, which the C library may take for that of the whole socket."""
    sizes = {"l1_bytes": 0, "l2_bytes": 0, "l3_bytes": 0}
    for cache in KERNELS_CACHES.glob("index*"):
        level, kind, size = ((cache / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            sizes[f"l{level}_bytes"] = int(size.removesuffix("K")) * 1024
    config = gdfast.config()
    assert {level: config[level] for level in sizes if sizes[level]} == {k: v for k, v in sizes.items() if v}


WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None  # what an import finds where the package is not installed
import gdfast
"""


def test_without_torch(run_python: RunPython) -> None:
    code = (
        WITHOUT
        + """
print(gdfast.backends())
for ask in (lambda: gdfast.backend("torch"), lambda: gdfast.fit([1.0], [1.0], backend="torch")):
    try:
        ask()
    except ImportError as error:
        print(error.name, "gdfast[torch]" in str(error))
print(gdfast.fit([1.0], [1.0], backend="numpy").n_iters)
"""
    )
    assert run_python(code, "torch").splitlines() == [
        "['native', 'numpy']",
        "torch True",
        "torch True",
        "100",
    ]


def test_without_threadpoolctl(run_python: RunPython) -> None:
    assert run_python(WITHOUT + "print(gdfast.get_num_threads() > 0)", "threadpoolctl") == "True\n"
