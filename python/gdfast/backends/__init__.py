"""The implementations of the model, by name: `native` (C++), and `numpy` and `torch` to compare it with and to read.

Each is a module of this package with the same four functions; `base.Backend` puts them, and `fit`, behind one object.
A module is imported when its backend is asked for, so torch is imported by those who use it only.
"""

from __future__ import annotations

from importlib.util import find_spec

from gdfast import checks
from gdfast.backends.base import Backend, load

__all__ = ["Backend", "backend", "backends"]

_ALL = ("native", "numpy", "torch")  # best first


def backend(name: str) -> Backend:
    """One implementation of the model, with the functions `forward`, `loss`, `gradient`, `loss_and_gradient` and `fit`.

    Parameters
    ----------
    name : {"native", "numpy", "torch"}
        ``"native"`` is what the functions of `gdfast` run. The other two are references, written to be read.

    Returns
    -------
    Backend
        One object a name.

    Raises
    ------
    ValueError
        When there is no such backend.
    ImportError
        When the backend can't run here. Nothing falls back to another one.

    Examples
    --------
    >>> import gdfast
    >>> reference = gdfast.backend("numpy")
    >>> reference.loss_and_gradient([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], 0.0)
    (30.0, -30.0)
    """
    checks.one_of("backend", name, _ALL)
    try:
        return load(name)
    except ImportError as error:
        if name != "torch":
            raise
        message = f"the backend 'torch' can't run ({error}): pip install 'gdfast[torch]'"
        raise ImportError(message, name="torch") from error


def backends() -> list[str]:
    """Names of the backends that can run here, the fastest first.

    Returns
    -------
    list of str
        ``"torch"`` is among them where it is installed.

    Examples
    --------
    >>> import gdfast
    >>> gdfast.backends()[:2]
    ['native', 'numpy']
    """
    return [name for name in _ALL if name != "torch" or find_spec("torch") is not None]
