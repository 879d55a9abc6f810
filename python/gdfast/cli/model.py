"""Model files: JSON for people, .npz for programs, both with a version of their format."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gdfast
from gdfast.cli.tables import listed

FORMAT = "gdfast linear model"
VERSION = 1
SUFFIXES = (".json", ".npz")


class ModelError(ValueError):
    """A file that holds no model that this version can read."""


@dataclass(frozen=True, eq=False)
class Model:
    """Coefficients with the names of their columns.

    Attributes
    ----------
    names : tuple of str
        Of the d columns.
    w : ndarray of shape (d,)
        In the units of the columns, whether or not training standardised them.
    b : float or None
    target : str
        What is predicted.
    training : dict
        How the model came about, for people: nothing depends on it.
    gdfast_version : str
        What wrote the file.

    Examples
    --------
    >>> import numpy as np
    >>> from gdfast.cli.model import Model
    >>> Model(("rooms", "area"), np.array([10.0, 2.0]), 5.0, "price").predict(np.array([[3.0, 50.0]]))
    array([135.])
    """

    names: tuple[str, ...]
    w: NDArray[Any]
    b: float | None
    target: str
    training: dict[str, Any] = field(default_factory=dict)
    gdfast_version: str = gdfast.__version__

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """A prediction for each row of x, (n, d), whose columns are those of `names`."""
        return gdfast.forward(x, self.w, self.b)

    def save(self, path: Path) -> None:
        """Write a .json or an .npz file, as the suffix says."""
        head = {"format": FORMAT, "format_version": VERSION, "gdfast_version": self.gdfast_version}
        if path.suffix == ".json":
            content = head | {
                "target": self.target,
                "dtype": self.w.dtype.name,
                "intercept": self.b,
                "coefficients": dict(zip(self.names, map(float, self.w), strict=True)),
                "training": self.training,
            }
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            return
        arrays: dict[str, Any] = {name: np.array(value) for name, value in head.items()}
        arrays |= {"target": np.array(self.target), "names": np.array(self.names), "w": self.w}
        arrays["training"] = np.array(json.dumps(self.training))
        if self.b is not None:
            arrays["b"] = np.array(self.b)
        with path.open("wb") as file:
            np.savez(file, **arrays)


def load(path: Path) -> Model:
    """Read what `Model.save` wrote.

    Raises
    ------
    ModelError
        When there is no such file, no model in it, or one of a later format.
    """
    if not path.is_file():
        raise ModelError(f"there is no file {str(path)!r}")
    if path.suffix not in SUFFIXES:
        raise ModelError(f"{path} is of no kind that can be read here: models are .json and .npz files")
    try:
        content = _from_json(path) if path.suffix == ".json" else _from_npz(path)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError):
        raise ModelError(f"{path} can't be read: no model that `gdfast fit --model` wrote") from None
    if content.get("format") != FORMAT or not isinstance(content.get("format_version"), int):
        raise ModelError(f"{path} holds no model that `gdfast fit --model` wrote")
    if content["format_version"] > VERSION:
        raise ModelError(
            f"{path} has version {content['format_version']} of the format, written by gdfast "
            f"{content.get('gdfast_version')}: this is gdfast {gdfast.__version__}, which reads up to {VERSION}"
        )
    try:
        return _checked(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} is damaged: {type(error).__name__} {error}") from None


def _from_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("no object")
    coefficients = content.get("coefficients", {})
    if isinstance(coefficients, dict):
        content["names"], content["w"] = list(coefficients), list(coefficients.values())
    content["b"] = content.get("intercept")
    return content


def _from_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        content = {name: file[name].tolist() for name in file.files}
        content["dtype"] = file["w"].dtype.name if "w" in file.files else None
    content["training"] = json.loads(content.get("training", "{}"))
    return content


def _checked(content: dict[str, Any]) -> Model:
    dtype = content["dtype"]
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype {dtype!r}")
    w = np.array(content["w"], dtype=dtype)
    names = tuple(map(str, content["names"]))
    if w.ndim != 1 or w.size == 0 or len(names) != len(w):
        raise ValueError(f"{w.shape} coefficients for the columns {listed(names)}")
    b = content.get("b")
    training = dict(content.get("training") or {})
    version = str(content["gdfast_version"])
    return Model(names, w, None if b is None else float(b), str(content["target"]), training, version)
