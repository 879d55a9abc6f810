"""Files to read."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def refuse_what_is_no_file(path: Path, error: type[Exception]) -> None:
    """Raise `error` with a message if `path` is no file that can be read, and read again.

    Raises
    ------
    Exception
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a zero byte in a name is a ValueError
        raise error(f"there is no file {str(path)!r}") from None
    except OSError as reason:
        raise error(f"{str(path)!r} can't be opened: {reason.strerror}") from None
    if stat.S_ISDIR(mode):
        raise error(f"{str(path)!r} is a folder: name a file in it")
    if not stat.S_ISREG(mode):
        raise error(f"{str(path)!r} can't be read more than once: write what comes from it into a file first")
    if not os.access(path, os.R_OK):
        raise error(f"{str(path)!r} may not be read: permission denied")
