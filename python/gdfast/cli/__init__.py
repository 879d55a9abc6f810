"""The command ``gdfast``."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("typer", "rich", "matplotlib", "pyarrow")


def main() -> None:
    """Run the command line, or say what it needs; Ctrl-C ends it with status 130 before a command has begun, too.

    Raises
    ------
    SystemExit
        Always; with status 2 if a package of the extra ``cli`` is missing, and with 141 if a pipe that reads stdout was
        closed. By then every file that was asked for is written.
    """
    try:
        _run()
    except KeyboardInterrupt:  # while modules are imported; commands have their own answer
        print("gdfast: interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def _run() -> None:
    missing = [name for name in _NEEDED if not _is_installed(name)]
    if missing:
        print(
            f"gdfast: the command line needs {', '.join(missing)}; install with: pip install 'gdfast[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2)

    from gdfast.cli import console
    from gdfast.cli.app import app

    try:
        with console.guarded_stdout():
            app()
    except console.OutputLostError as lost:
        raise SystemExit(lost.end()) from None
    except MemoryError as error:
        console.note(f"there is not enough memory: {error}")
        raise SystemExit(1) from None


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
