"""What this build of gdfast is, and what it found on this machine."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np

from gdfast import _core
from gdfast.backends import backends


def config() -> dict[str, Any]:
    """What `show_config` prints, as a dict.

    Returns
    -------
    dict
        ``version`` of gdfast, ``compiler`` that built it, the instruction sets it was compiled for (``isas_compiled``),
        those that this CPU runs (``isas_supported``, best first) and the one in use (``isa``), ``threads``, the sizes
        of the CPU's caches (``l1_bytes``, ``l2_bytes``, ``l3_bytes``), the ``backends`` that can run, and the versions
        of ``python`` and ``numpy``.

    Examples
    --------
    >>> import gdfast
    >>> info = gdfast.config()
    >>> info["isa"] in info["isas_supported"]
    True
    """
    return {
        **_core.config(),
        "backends": backends(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def show_config() -> None:
    """Print what this build of gdfast is and what it found on this machine; `config` gives it as a dict.

    Examples
    --------
    >>> import gdfast
    >>> gdfast.show_config()  # doctest: +ELLIPSIS
    gdfast ...
      compiler ...
    """
    info = config()
    print(f"gdfast {info.pop('version')}")
    for key, value in info.items():
        shown = ", ".join(value) if isinstance(value, list | tuple) else value
        print(f"  {key:<15} {shown}")
