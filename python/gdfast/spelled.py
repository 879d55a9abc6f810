"""How a message writes x, y and weights: as the arguments that they are, or as columns of a table that x came as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from gdfast import table_errors, tables
from gdfast._tables.opened import opened
from gdfast.containers import (
    ARROW_COLUMN,
    ARROW_TABLE,
    OTHER_TABLE,
    PANDAS_COLUMN,
    PANDAS_TABLE,
    POLARS_COLUMN,
    POLARS_TABLE,
    Container,
    container,
    labels,
    written,
)
from gdfast.table_errors import Spelled

NAMES = "x", "y", "sample_weight"
VALIDATION = "validation[0]", "validation[1]", "validation[2]"

_COLUMN_OF = {
    PANDAS_TABLE: PANDAS_COLUMN,
    POLARS_TABLE: POLARS_COLUMN,
    ARROW_TABLE: ARROW_COLUMN,
    OTHER_TABLE: ARROW_COLUMN,
}


class Asked(NamedTuple):
    """x, y, weights and the columns of x, as they came: y and weights may be names of columns."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    columns: Sequence[str] | None = None

    @classmethod
    def of(cls, given: Sequence[Any], columns: Sequence[str] | None) -> Asked:
        """Of (x, y) or (x, y, sample_weight)."""
        return cls(given[0], given[1], given[2] if len(given) == 3 else None, columns)


def spelled(asked: Asked, names: Sequence[str] = NAMES) -> list[Spelled]:
    """Each of the three, whose arguments are called so."""
    x, y, s, columns = asked
    by_name = columns is not None or isinstance(y, str) or isinstance(s, str)
    found = labels(x) if by_name else None
    if found is None:
        return [Spelled(name, _kind(value)) for name, value in zip(names, asked[:3], strict=True)]
    table, kind, by_text = names[0], _kind(x), {str(label): label for label in found}
    named = [value for value in (y, s) if isinstance(value, str)]
    others = [text for text in by_text if text not in named]
    wanted = others if columns is None else list(map(str, columns))
    chosen = [by_text[text] for text in wanted if text in by_text]
    return [
        Spelled(table, kind, table, kind)
        if wanted == others
        else Spelled(*_columns(table, kind, chosen), table, kind, whole=False),
        *(
            Spelled(*_column(table, kind, by_text[value]), table, kind, by_text[value], whole=False)
            if isinstance(value, str) and value in by_text
            else Spelled(name, _kind(value))
            for name, value in zip(names[1:], (y, s), strict=True)
        ),
    ]


def kept_rows(asked: Asked, names: Sequence[str] = NAMES) -> list[str]:
    """The expressions that take the rows `keep` of each argument: a column of x comes along with it."""
    given = [(name, value) for name, value in zip(names, asked[:3], strict=True) if value is not None]
    return [_kind(value).rows.format(name) for name, value in given if not isinstance(value, str)]


def refuse(
    given: tables.Named,
    asked: Asked,
    names: Sequence[str] = NAMES,
    *,
    missing: str | None = None,
    needed: bool = False,
) -> None:
    """Raise where a table or column holds no numbers, or nulls, and say what to write to whoever wrote `asked`.

    For the way on which something else said so, that knows less: x alone, or y as what it is. `missing` is the option
    of that name, where there is one, and `needed` whether no column of x may be left out.
    """
    for how, name, value in zip(spelled(asked, names), names, given, strict=True):
        if not tables.is_table(value):
            continue
        found = opened(value, container(value))
        kinds = [column.kind for column in found.columns]
        if any(isinstance(kind, str) for kind in kinds):
            raise table_errors.no_numbers(name, found, kinds, how, needed) from None
        if found.nulls and (missing in (None, "error") or any(column.empty for column in found.columns)):
            raise table_errors.nulls(name, found, how, missing == "error") from None


@contextmanager
def needed(name: str, x: Any, columns: tuple[str, ...] | None) -> Iterator[Any]:
    """These columns of x, none of which may be left out: for whatever reads them."""
    given = tables.once(name, x)
    chosen = tables.by_name(name, given, columns)
    try:
        yield chosen
    except (TypeError, ValueError):
        asked = Asked(given, columns=None if chosen is given else columns)
        refuse(tables.Named(chosen, None, None), asked, (name, *NAMES[1:]), needed=True)
        raise


def _kind(value: Any) -> Container:
    return container(getattr(value, "given", value))


def _columns(table: str, kind: Container, chosen: list[Any]) -> tuple[str, Container]:
    if kind is ARROW_TABLE or kind is OTHER_TABLE:
        return f"{_indexed(table, kind)}.select({written(chosen)})", ARROW_TABLE
    return f"{table}[{written(chosen)}]", kind


def _column(table: str, kind: Container, label: Any) -> tuple[str, Container]:
    return f"{_indexed(table, kind)}[{written(label)}]", _COLUMN_OF.get(kind, kind)


def _indexed(table: str, kind: Container) -> str:
    return f"pa.table({table})" if kind is OTHER_TABLE else table
