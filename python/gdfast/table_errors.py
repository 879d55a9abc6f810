"""What is said of a table that can't be trained on, in the words of its package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gdfast.containers import (
    ARROW_TABLE,
    COLUMNS,
    PANDAS_COLUMN,
    PANDAS_TABLE,
    POLARS_TABLE,
    TABLES,
    Container,
    container,
    written,
)
from gdfast.errors import Argument, Message
from gdfast.wording import shown

if TYPE_CHECKING:
    from gdfast._tables.opened import Opened

_NAMED = 10  # columns that a message names
_ACCEPTED = "accepted are numbers and Booleans"


def renamed(name: str, value: Any) -> str:
    """What to write so that each column has a name of its own."""
    fresh = f"map(str, range({name}.shape[1]))"
    kind = container(value)
    if kind is PANDAS_TABLE:
        return f", or write {name}.set_axis(list({fresh}), axis=1)"
    if kind is ARROW_TABLE:
        return f", or write {name}.rename_columns(list(map(str, range({name}.num_columns))))"
    return ""


def _columns(value: Any) -> list[Any] | None:
    """The columns of a table, in its package's own class; None of a package that isn't known."""
    kind = container(value)
    if kind in COLUMNS:
        return [value]
    if kind is PANDAS_TABLE:
        return [value.iloc[:, j] for j in range(value.shape[1])]
    if kind in TABLES:
        return list(value.get_columns() if kind is POLARS_TABLE else value.columns)
    return None


class Spelled(NamedTuple):
    """How x, y or weights are written: as an argument, or as columns of a table."""

    code: str
    kind: Container
    table: str | None = None  # of which it is a column, or columns; None: it is an argument of its own
    table_kind: Container | None = None
    label: Any = None  # of a single column
    whole: bool = True  # it is the table, but for what else was named


def no_numbers(
    name: str, opened: Opened, kinds: Sequence[Any], how: Spelled | None = None, needed: bool = False
) -> TypeError:
    """Columns that hold something else; `kinds` has a word for each of them, and a dtype for the others.

    `needed`: there is no leaving them out.
    """
    bad = [j for j, kind in enumerate(kinds) if isinstance(kind, str)]
    labels, value, columns = opened.labels, opened.given, _columns(opened.given)
    table = name if how is None or how.table is None else how.table
    if labels is None and how is not None and how.label is not None and columns:
        remedy = _table_remedy(table, how.table_kind, [how.label], columns, kinds, bad, True)
        return TypeError(f"{name}, the column {str(how.label)!r}, has dtype {kinds[0]}, {_ACCEPTED}{remedy}")
    if labels is None:
        remedy = _column_remedy(name, value, kinds[0]) if columns else ""
        return TypeError(f"{name} has dtype {kinds[0]}, {_ACCEPTED}{remedy}")
    described = [f"{str(labels[j])!r} ({kinds[j]})" for j in bad[:_NAMED]]
    more = f" and {len(bad) - _NAMED:,} more" if len(bad) > _NAMED else ""
    some = "columns" if len(bad) > 1 else "column"
    remedy = (
        _table_remedy(table, container(value), labels, columns, kinds, bad, needed)
        if columns
        else _other_remedy(labels, bad)
    )
    return TypeError(f"{name} holds no numbers in the {some} {', '.join(described)}{more}, {_ACCEPTED}{remedy}")


def _table_remedy(
    name: str,
    kind: Container | None,
    labels: list[Any],
    columns: list[Any],
    kinds: Sequence[Any],
    bad: list[int],
    needed: bool,
) -> str:
    remedies = []
    chosen = [labels[j] for j in bad]
    if len(bad) < len(kinds) and not needed:
        remedies.append(f"write {name}.{_drop(kind, chosen)} to leave {_them(bad)} out")
    if all(_reads_as_numbers(columns[j]) for j in bad):
        remedies.append(f"write {_cast(name, kind, chosen)} to read {_them(bad)} as numbers")
    elif needed:
        return ": convert what is meant as a number where the table is made"
    elif kind is PANDAS_TABLE and not remedies and all(_is_time(kinds[j]) for j in bad):
        remedies.append(f'write ({name} - {name}.min()) / np.timedelta64(1, "s") for seconds')
    elif kind is PANDAS_TABLE and all(_is_text(kinds[j]) for j in bad):
        remedies.append(f"write pd.get_dummies({name}) for a column of 0 and 1 for each value")
    elif kind is POLARS_TABLE and all(_is_text(kinds[j]) for j in bad):
        remedies.append(f"write {name}.to_dummies({written(chosen)}) for a column of 0 and 1 for each value")
    elif kind is not PANDAS_TABLE and all(_is_struct(kinds[j]) for j in bad):
        way = f"unnest({written(chosen)})" if kind is POLARS_TABLE else "flatten()"
        remedies.append(f"write {name}.{way} for a column of each field")
    return f": {', or '.join(remedies)}" if remedies else ""


def _other_remedy(labels: list[Any], bad: list[int]) -> str:
    numbers = [label for j, label in enumerate(labels) if j not in set(bad)]
    chosen = f", or name the columns of numbers: columns={shown(numbers)}" if numbers else ""
    return f": convert what is meant as a number where the table is made{chosen}"


def _them(bad: list[int]) -> str:
    return "them" if len(bad) > 1 else "it"


def _drop(kind: Container | None, names: list[Any]) -> str:
    way = {PANDAS_TABLE: "drop(columns={})", POLARS_TABLE: "drop({})"}.get(kind or ARROW_TABLE, "drop_columns({})")
    return way.format(written(names))


def _cast(name: str, kind: Container | None, names: list[Any]) -> str:
    if kind is ARROW_TABLE:
        return _of_arrow(name, names, 'cast("float64")')
    types = "{" + ", ".join(f"{written(key)}: float" for key in names) + "}"
    return f"{name}.astype({types})" if kind is PANDAS_TABLE else f"{name}.cast({types})"


def _of_arrow(name: str, names: list[Any], way: str) -> str:
    """A table in which these columns are others."""
    columns = f"{name}[key].{way} if key in {written(names)} else {name}[key]"
    return f"pa.table({{key: {columns} for key in {name}.column_names}})"


def _column_remedy(name: str, value: Any, word: str) -> str:
    """What to write for a single column, so far as there is something."""
    package = container(value).kind.split()[0]
    if _is_duration(word):
        return (
            ": write "
            + {
                "pandas": f'{name} / np.timedelta64(1, "s")',
                "polars": f"{name}.dt.total_seconds()",
                "Arrow": f'np.asarray({name}) / np.timedelta64(1, "s")',
            }[package]
        )
    if _is_time(word):
        return (
            ": write "
            + {
                "pandas": f'({name} - {name}.min()) / np.timedelta64(1, "s")',
                "polars": f"({name} - {name}.min()).dt.total_seconds()",
                "Arrow": f'(np.asarray({name}) - np.min({name})) / np.timedelta64(1, "s")',
            }[package]
        )
    if _is_struct(word):
        return _field_remedy(name, value, package)
    if word.startswith("complex"):
        return f": the model is real, write np.real({name}), np.imag({name}) or np.abs({name})"
    if _reads_as_numbers(value):
        return (
            ": write "
            + {
                "pandas": f"{name}.astype(float)",
                "polars": f"{name}.cast(float)",
                "Arrow": f'{name}.cast("float64")',
            }[package]
        )
    return f": {_first_wrong(value)} is none"


def _field_remedy(name: str, value: Any, package: str) -> str:
    """What to write for a column of structs: its first field, if that holds numbers."""
    entries = [entry for entry in _values(value) if isinstance(entry, dict)]
    if not entries or not all(_is_number(entry[next(iter(entries[0]))]) for entry in entries):
        return ": choose one of its fields, of numbers"
    combined = ".combine_chunks()" if hasattr(value, "combine_chunks") else ""
    way = {"Arrow": f"{combined}.field"}.get(package, ".struct.field")
    return f": for its first field write {name}{way}({written(next(iter(entries[0])))})"


def _is_number(entry: Any) -> bool:
    return isinstance(entry, int | float)


def _is_struct(word: str) -> bool:
    return word.lower().startswith("struct")


def _is_text(word: str) -> bool:
    return not _is_struct(word) and word.lower().startswith(("str", "object", "cat", "enum", "large_string", "utf8"))


def _is_time(word: str) -> bool:
    return word.lower().startswith(("date", "timestamp"))


def _is_duration(word: str) -> bool:
    return word.lower().startswith(("timedelta", "duration"))


def _values(column: Any) -> Any:
    """The values of a column as Python objects, whatever its package."""
    convert = getattr(column, "to_pylist", None) or getattr(column, "tolist", None) or column.to_list
    return convert()


def _reads_as_numbers(column: Any) -> bool:
    try:
        return len(column) > 0 and all(np.isfinite(float(value)) for value in _values(column))
    except (TypeError, ValueError, OverflowError):
        return False


def _first_wrong(column: Any) -> str:
    """The first value that is no number."""
    for value in _values(column):
        try:
            float(value)
        except (TypeError, ValueError, OverflowError):
            return shown(value)
    return "it"


def nulls(name: str, opened: Opened, how: Spelled | None = None, may_drop: bool = False) -> ValueError:
    """Nulls: how many, where the first one is, and how to be rid of them."""
    counts, labels, value = [column.nulls for column in opened.columns], opened.labels, opened.given
    columns = _columns(value)
    bad = [j for j, count in enumerate(counts) if count]
    where: list[str] = []
    for j in bad[:_NAMED]:
        place = name
        if labels is not None:
            place = repr(str(labels[j])) if where else f"the column {str(labels[j])!r} of {name}"
        first = (
            "" if columns is None else f"{', the first' if counts[j] > 1 else ','} in row {_first_null(columns[j]):,}"
        )
        where.append(f"{place} has {counts[j]:,} null{'s' if counts[j] > 1 else ''}{first}")
    more = f", and {len(bad) - _NAMED:,} further columns have some" if len(bad) > _NAMED else ""
    how = how or Spelled(name, container(value))
    holes = {(how.label if labels is None else labels[j]): opened.columns[j].kind == np.dtype(bool) for j in bad}
    drop = ("write ", Argument("missing", "drop"), " to leave such rows out, or ") if may_drop else ()
    return ValueError(Message(f"{'; '.join(where)}{more}: ", *drop, _null_remedy(how, holes)))


def _first_null(column: Any) -> int:
    is_null = column.is_null() if hasattr(column, "is_null") else column.isna()
    return int(np.argmax(np.asarray(is_null)))


def _null_remedy(how: Spelled, holes: dict[Any, bool]) -> str:
    """`holes` are the labels of columns with nulls, and whether they are of Booleans."""
    code, kind = how.code, how.kind
    if kind not in TABLES and kind not in COLUMNS:
        return "leave such rows out where the table is made, or fill them in"
    keep = {
        "polars table": f"~np.asarray({code}.select(pl.any_horizontal(pl.all().is_null())).to_series())",
        "polars column": f"np.asarray({code}.is_not_null())",
        "Arrow table": f"np.logical_and.reduce([column.is_valid() for column in {code}.columns])",
        "Arrow column": f"np.asarray({code}.is_valid())",
        "pandas table": f"np.isfinite({kind.numbers.format(code)}).all(axis=1)",
        "pandas column": f"np.isfinite({kind.numbers.format(code)})",
    }[kind.kind]
    table, of_table = how.table or code, how.table_kind or kind
    taken = f"keep = {keep}, then {of_table.rows.format(table)}"
    fill = _fill(table, of_table, holes, how.whole) if of_table in TABLES else _fill_column(code, kind, holes)
    filled = f", or fill them in: write {fill}" if fill else ""
    return f"leave those rows out of all arguments ({taken}){filled}"


def _fill_column(code: str, kind: Container, holes: dict[Any, bool]) -> str:
    return f"{code}.{'fillna' if kind is PANDAS_COLUMN else 'fill_null'}({False if any(holes.values()) else 0})"


def _fill(name: str, kind: Container, holes: dict[Any, bool], whole: bool) -> str:
    """0 in place of nulls, or False, in a table that may have columns of which nobody asked."""
    flags = any(holes.values())
    if kind is ARROW_TABLE:
        return _of_arrow(name, list(holes), 'cast("float64").fill_null(0)')
    if kind is PANDAS_TABLE:
        values = ", ".join(f"{written(label)}: {False if flag else 0}" for label, flag in holes.items())
        return f"{name}.fillna({{{values}}})" if flags or not whole else f"{name}.fillna(0)"
    if not flags:
        return f"{name}.fill_null(0)"
    filled = [f"pl.col({written(label)}).fill_null({False if flag else 0})" for label, flag in holes.items()]
    return f"{name}.with_columns({', '.join(filled)})"
