"""The sdist builds without git, holds what it should, and a wheel built twice is the same file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import gdfast

ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not in a source tree"),
]

BUILD_SDIST = """
import os, sys
from scikit_build_core.build import build_sdist
os.chdir(sys.argv[1])
print(build_sdist(sys.argv[2]))
"""


def run(*command: object, path: str | None = None, **more: str) -> str:
    env = os.environ | ({"PATH": path} if path else {}) | {"SOURCE_DATE_EPOCH": "1700000000"} | more
    done = subprocess.run([*map(str, command)], env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def path_without_git(folder: Path) -> str:
    """A PATH on which `git` is a command that fails."""
    (folder / "git").write_text("#!/bin/sh\nexit 127\n")
    (folder / "git").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of a copy of this tree that is no git repository."""
    folder = tmp_path_factory.mktemp("sdist")
    tree = folder / "tree"
    ignored = shutil.ignore_patterns(".*", "build", "dist", "__pycache__", "*.so", "*.egg-info")
    shutil.copytree(ROOT, tree, ignore=ignored)
    shutil.copy(ROOT / ".gitignore", tree)
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "scikit-build-core>=1.1", "pybind11>=3.1")
    (folder / "bin").mkdir()
    name = run(python, "-c", BUILD_SDIST, tree, folder, path=path_without_git(folder / "bin")).split()[-1]
    return folder / name


def build_wheel(sdist: Path, folder: Path, **env: str) -> Path:
    """A wheel from the sdist, unpacked in a folder of its own, with the kernels that compile soonest."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = (entry for entry in folder.iterdir() if entry.is_dir())
    (folder / "bin").mkdir()
    wheels = folder / "wheels"
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-C", "cmake.define.GDFAST_ISAS=scalar"]
    run(*pip, "-w", wheels, source, path=path_without_git(folder / "bin"), **env)
    (wheel,) = wheels.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheels(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    one = build_wheel(sdist, tmp_path_factory.mktemp("one"))
    # Compiled again, and not handed out by a cache of the compiler's that may be in use.
    return [one, build_wheel(sdist, tmp_path_factory.mktemp("another_folder"), CCACHE_RECACHE="1")]


def test_the_sdist_holds_sources_tests_and_licence(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    expected = {"pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "tests/oracle.py", "python/gdfast/py.typed"}
    assert expected <= names
    assert any(name.startswith("cpp/kernels/") for name in names)
    assert not [name for name in names if name.endswith((".so", ".pyc")) or name.startswith((".git/", "build/"))]


def test_the_wheel_holds_the_package(wheels: list[Path]) -> None:
    names = zipfile.ZipFile(wheels[0]).namelist()
    assert any(name.startswith("gdfast/_core.") and name.endswith(".so") for name in names)
    for name in ("gdfast/__init__.py", "gdfast/py.typed", "gdfast/_core.pyi"):
        assert name in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    stray = [name for name in names if not name.startswith(("gdfast/", f"gdfast-{gdfast.__version__}.dist-info/"))]
    assert stray == []


def test_a_wheel_built_twice_is_the_same_file(wheels: list[Path]) -> None:
    one, another = (hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    assert one == another


def test_the_wheel_carries_no_path_of_the_machine_that_built_it(wheels: list[Path]) -> None:
    with zipfile.ZipFile(wheels[1]) as archive:
        library = next(name for name in archive.namelist() if name.endswith(".so"))
        assert str(wheels[1].parent.parent).encode() not in archive.read(library)
