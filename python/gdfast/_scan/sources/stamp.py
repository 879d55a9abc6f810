"""Whether a file is still the one that a scan began with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    path: Path
    size: int
    modified: int
    inode: int

    def check(self) -> None:
        """Raise if the file has changed since.

        Raises
        ------
        ValueError
        """
        try:
            now = stamp(self.path)
        except OSError as error:
            raise ValueError(f"{self.path} is gone since the scan began: {error.strerror or error}") from None
        if now != self:
            sizes = f" (it had {self.size:,} bytes and has {now.size:,})" if now.size != self.size else ""
            raise changed(self.path, sizes)


def changed(path: object, sizes: str = "") -> ValueError:
    """What is said of a file that isn't what it was."""
    return ValueError(
        f"{path} has changed since the scan began{sizes}: the passes would be over different data. Write "
        "gdfast.scan(…) anew once nothing writes to it"
    )


def stamp(path: Path) -> Stamp:
    """The state of a file."""
    status = path.stat()
    return Stamp(path, status.st_size, status.st_mtime_ns, status.st_ino)
