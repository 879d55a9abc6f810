"""Files to write: whole, or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any


def write_whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file that is complete or not there: what was in it before stays until all is on the disk.

    Parameters
    ----------
    path : Path
        A link to a file is followed. What is no regular file, such as /dev/stdout, is written as it is.
    write : callable
        Writes into the file that it is given.

    Raises
    ------
    OSError
        When it can't be written. Nothing is left of the new file then.
    """
    real = Path(os.path.realpath(path))
    before = real.stat().st_mode if real.exists() else None
    if before is not None and not stat.S_ISREG(before):
        with real.open("wb") as file:
            write(file)
        return
    if before is not None and not os.access(real, os.W_OK):
        raise PermissionError(f"{str(path)!r} may not be written to")
    # In the same folder: only within one file system a file takes another's place at once.
    handle, name = tempfile.mkstemp(prefix=f".{real.name[:100]}.", suffix=".new", dir=real.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _usual_mode() if before is None else stat.S_IMODE(before))
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, real)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    _keep_entry(real.parent)


def _usual_mode() -> int:
    """That of a file which `open` makes."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _keep_entry(folder: Path) -> None:
    """Have the new name on the disk as well, where the file system can say so."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
