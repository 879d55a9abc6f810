"""Columns as a user names them."""

from __future__ import annotations

from collections.abc import Sequence

from gdfast.cli import shell
from gdfast.cli.console import printable
from gdfast.cli.tables import Heading, TableError, listed

# What to know of a first line that begins with #.
IS_COMMENT = "its first line was taken for the names of columns: where it is a comment, write the file without it"


def one(table: Heading, given: str, option: str) -> str:
    """The name of the one column that `option` was given.

    Raises
    ------
    TableError
        When there is no such column, or more than one.
    """
    (name,) = known(table, [given], option)
    if table.names.count(name) > 1:
        raise TableError(
            f"{option}: {table.path} has more than one column called {listed([name])}: give each a name of its own in "
            "its first line"
        )
    return name


def many(table: Heading, given: Sequence[str], option: str) -> list[str]:
    """Names as they were given: several in one word with commas between them, or one that has a comma.

    Raises
    ------
    TableError
        When there is no such column, or one is named twice.
    """
    whole = {*table.names, *map(printable, table.names)}
    names = [name for word in given for name in ([word] if word in whole else word.split(","))]
    found = known(table, names, option)
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise TableError(f"{option} names {listed(twice)} more than once: name each column once")
    return found


def known(table: Heading, names: Sequence[str], option: str) -> list[str]:
    """`names` as the table has them. A name that a message can't print as it is may be given as it is printed.

    Raises
    ------
    TableError
        When there is no such column.
    """
    printed = {printable(name): name for name in table.names}
    unknown = [name for name in names if name not in table.names and name not in printed]
    if unknown:
        comment = f"; {IS_COMMENT}" if table.names[0].startswith("#") else ""
        raise TableError(
            f"{option}: {table.path} has no column {listed(unknown)}; it has {listed(table.names)}{comment}"
        )
    return [name if name in table.names else printed[name] for name in names]


def refuse_twice(table: Heading, names: Sequence[str], *, can_leave_out: bool = True) -> None:
    """Raise if one of `names` is that of more than one column.

    Raises
    ------
    TableError
    """
    twice = sorted({name for name in names if table.names.count(name) > 1}) if _any_twice(table.names) else []
    if not twice:
        return
    others = set(names) - set(twice)
    leave_out = f"{shell.exclude(twice, table.names)} leaves the columns out, or " if others and can_leave_out else ""
    raise TableError(
        f"{table.path} has more than one column called {listed(twice)}: {leave_out}give each a name of its own in its "
        "first line"
    )


def _any_twice(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)
