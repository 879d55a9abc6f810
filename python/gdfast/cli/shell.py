"""What a user is told to type, quoted so that a shell reads it as it is meant."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from gdfast.cli.console import printable


def quoted(word: str) -> str:
    r"""A word for a command line. Options that take names of columns know them in this form, too.

    Examples
    --------
    >>> from gdfast.cli.shell import quoted
    >>> print(quoted("age"), quoted("Individual ID"), quoted("tab\there"))
    age 'Individual ID' 'tab\there'
    """
    return shlex.quote(printable(word))


def option(name: str, value: str) -> str:
    """An option with its value; joined by = where the value would be read as another option.

    Examples
    --------
    >>> from gdfast.cli.shell import option
    >>> print(option("--missing", "?"), option("--missing", "-"))
    --missing '?' --missing=-
    """
    return f"{name}={quoted(value)}" if value.startswith("-") else f"{name} {quoted(value)}"


def exclude(names: Sequence[str], all_names: Collection[str]) -> str:
    """The options that leave these columns out.

    Examples
    --------
    >>> from gdfast.cli.shell import exclude
    >>> print(exclude(["a", "b c"], ["a", "b c", "y"]))
    --exclude 'a,b c'
    >>> print(exclude(["a,b", "c"], ["a,b", "c", "y"]))
    --exclude c --exclude a,b
    """
    alone = [name for name in names if "," in name]
    together = [name for name in names if "," not in name]
    words = [",".join(together)] if together else []
    if len(together) > 1 and words[0] in all_names:  # there is a column of that name
        words = together
    return " ".join(option("--exclude", word) for word in [*words, *alone])


def missing(words: Sequence[str]) -> list[str]:
    """The options that take these words for missing values.

    Examples
    --------
    >>> from gdfast.cli.shell import missing
    >>> missing(["?", "n.a."]), missing([])
    (["--missing '?,n.a.'"], [])
    """
    return [option("--missing", ",".join(words))] if words else []
