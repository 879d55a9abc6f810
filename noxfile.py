"""Everything that is run on this project, by name: `nox -l` lists it, `nox -s tests` runs one.

`lint` and `tidy` use the environment they are called from, since they want what `pip install -e '.[dev]'` brings.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"

ROOT = Path(__file__).parent
PYTHONS = ["3.11", "3.12", "3.13"]
LINTERS = ["pre-commit==4.7.0", "mypy==2.4.1", "sp-repo-review[cli]==2026.8.14"]
CLANG_TIDY = "clang-tidy==23.1.4"


def python(session: nox.Session, *arguments: str) -> None:
    """Python of the environment that nox itself runs in."""
    session.run(sys.executable, *arguments, external=True)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The test suite; arguments go to pytest."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """What the default run leaves out: gigabytes, a thousand forks, building the package twice."""
    session.install(".[test]")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """ruff, clang-format, zizmor and whitespace over all files, mypy --strict, and the rules of sp-repo-review."""
    python(session, "-m", "pip", "install", "-q", *LINTERS)
    python(session, "-m", "pre_commit", "run", "--all-files", "--show-diff-on-failure")
    python(session, "-m", "mypy")
    python(session, "-m", "repo_review", ".")


@nox.session(venv_backend="none", default=False)
def tidy(session: nox.Session) -> None:
    """clang-tidy over the engine and the kernels."""
    python(session, "-m", "pip", "install", "-q", CLANG_TIDY, "cmake", "ninja")
    python(session, "-m", "cmake", "--preset", "tidy")
    scripts = Path(sys.executable).parent
    command = [str(scripts / "run-clang-tidy.py"), f"-clang-tidy-binary={scripts / 'clang-tidy'}", "-quiet"]
    python(session, *command, "-p", "build/tidy", r"cpp/(engine|kernels)/.*\.cpp$")


@nox.session(default=False)
def sanitize(session: nox.Session) -> None:
    """The core's tests under AddressSanitizer and UndefinedBehaviorSanitizer."""
    session.run(str(ROOT / ".ci" / "run"), "sanitize", external=True)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The benchmark suites; arguments go to pytest."""
    session.install(".[test,bench]")
    session.run("pytest", "benchmarks", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The pages, in build/docs; a warning is an error. The outputs on them are tested by tests/test_docs.py."""
    session.install(".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "build/docs")


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """sdist and wheel, in dist/."""
    session.install("build")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build")
