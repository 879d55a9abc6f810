"""The command ``gdfast``."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("typer", "rich", "matplotlib", "pyarrow")


def main() -> None:
    """Run the command line, or say what it needs.

    Raises
    ------
    SystemExit
        Always; with status 2 if a package of the extra ``cli`` is missing.
    """
    missing = [name for name in _NEEDED if not _is_installed(name)]
    if missing:
        print(
            f"gdfast: the command line needs {', '.join(missing)}; install with: pip install 'gdfast[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2)

    from gdfast.cli.app import app

    app()


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
