"""Makes the thread pool of gdfast known to threadpoolctl, where that is installed."""

from __future__ import annotations

import ctypes
from typing import Any


def register() -> None:
    """Let `threadpoolctl.threadpool_limits` limit the threads of gdfast, under the name "gdfast".

    joblib and scikit-learn limit the libraries of their workers in this way. Without threadpoolctl nothing happens.
    """
    try:
        import threadpoolctl
    except ImportError:
        return
    threadpoolctl.register(_controller(threadpoolctl.LibController))


def _controller(base: Any) -> Any:
    class GdfastController(base):  # type: ignore[misc]
        """How threadpoolctl finds and drives the pool, through the C functions that the extension exports."""

        user_api = "gdfast"
        internal_api = "gdfast"
        filename_prefixes = ("_core",)
        # Other packages have a file `_core` too. threadpoolctl looks for these symbols after it has made the object, so
        # `get_version` has to live with a library that has none of them.
        check_symbols = ("gdfast_get_num_threads", "gdfast_set_num_threads", "gdfast_version")

        def get_num_threads(self) -> int:
            return int(self.dynlib.gdfast_get_num_threads())

        def set_num_threads(self, num_threads: int) -> None:
            self.dynlib.gdfast_set_num_threads(num_threads)

        def get_version(self) -> str | None:
            version = getattr(self.dynlib, "gdfast_version", None)
            if version is None:
                return None
            version.restype = ctypes.c_char_p
            return str(version().decode())

    return GdfastController
