"""Model files: JSON for people, .npz for programs, both with a version of their format."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gdfast
from gdfast.cli.files import refuse_what_is_no_file
from gdfast.cli.tables import listed
from gdfast.whole_files import write_whole

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
        """Write a .json or an .npz file, as the suffix says.

        Raises
        ------
        OSError
            When it can't be written. What was in the file before is there still.
        """
        head = {"format": FORMAT, "format_version": VERSION, "gdfast_version": self.gdfast_version}
        if path.suffix == ".json":
            content = head | {
                "target": self.target,
                "dtype": self.w.dtype.name,
                "intercept": self.b,
                "coefficients": dict(zip(self.names, map(float, self.w), strict=True)),
                "training": self.training,
            }
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            write_whole(path, lambda file: file.write(text.encode("utf-8", "surrogatepass")))
            return
        arrays: dict[str, Any] = {name: np.array(value) for name, value in head.items()}
        arrays |= {"target": np.array(self.target), "names": np.array(self.names), "w": self.w}
        arrays["training"] = np.array(json.dumps(self.training))
        if self.b is not None:
            arrays["b"] = np.array(self.b)
        write_whole(path, lambda file: np.savez(file, **arrays))


def load(path: Path) -> Model:
    """Read what `Model.save` wrote.

    Raises
    ------
    ModelError
        When there is no such file, no model in it, or one of a later format.
    """
    refuse_what_is_no_file(path, ModelError)
    if path.suffix not in SUFFIXES:
        raise ModelError(f"{path} is of no kind that can be read here: models are .json and .npz files")
    try:
        content = _from_json(path) if path.suffix == ".json" else _from_npz(path)
    except Exception:  # a damaged file makes a library stumble anywhere
        raise ModelError(f"{path} can't be read: no model that `gdfast fit --model` wrote") from None
    version = content.get("format_version")
    if content.get("format") != FORMAT or type(version) is not int or version < 1:
        raise ModelError(f"{path} holds no model that `gdfast fit --model` wrote")
    if version > VERSION:
        raise ModelError(
            f"{path} has version {version} of the format, written by gdfast {content.get('gdfast_version')}: "
            f"this is gdfast {gdfast.__version__}, which reads up to {VERSION}"
        )
    try:
        return _checked(content)
    except KeyError as error:
        raise ModelError(f"{path} is damaged: it has no {error}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{path} is damaged: {error}") from None


def _from_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_object)
    if not isinstance(content, dict):
        raise ValueError("no object")
    coefficients = content.pop("coefficients", None)
    if isinstance(coefficients, dict):
        content["names"], content["w"] = list(coefficients), list(coefficients.values())
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name stands twice")
    return content


def _from_npz(path: Path) -> dict[str, Any]:
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        content = {name: file[name].tolist() for name in file.files}
        content["dtype"] = file["w"].dtype.name if "w" in file.files else None
    content["training"] = json.loads(content.get("training", "{}"))
    content["intercept"] = content.get("b")
    return content


def _checked(content: dict[str, Any]) -> Model:
    dtype, names, w, b = (content[key] for key in ("dtype", "names", "w", "intercept"))
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype {dtype!r}")
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise ValueError("it names no columns")
    if len(set(names)) < len(names):
        raise ValueError("the name of a column stands twice")
    if not isinstance(w, list) or len(w) != len(names):
        raise ValueError(f"its coefficients aren't those of the columns {listed(names)}")
    coefficients = np.array([_number(f"the coefficient of {listed([n])}", c) for n, c in zip(names, w, strict=True)])
    with np.errstate(over="ignore"):
        coefficients = coefficients.astype(dtype)
    if not np.isfinite(coefficients).all():
        raise ValueError(f"a coefficient is beyond the range of {dtype}")
    for key in ("target", "gdfast_version"):
        if not isinstance(content[key], str):
            raise ValueError(f"its {key} is no text")
    training = content.get("training", {})
    if not isinstance(training, dict):
        raise ValueError("its training is no object")
    intercept = None if b is None else _number("the intercept", b)
    return Model(tuple(names), coefficients, intercept, content["target"], training, content["gdfast_version"])


def _number(what: str, value: object) -> float:
    """A finite number: JSON can hold anything, and Python's even NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{what} is no number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{what} is {number}")
    return number
