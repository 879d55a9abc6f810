"""Messages that know their parts: what an argument is called in Python has another name on the command line.

A `Message` is a string, and goes wherever a string goes: into any exception, into `Report.advice`. It also keeps the
parts that it was made of, so that whoever calls `gdfast.fit` on behalf of others can say the same in their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class _Unsaid:
    """Stands for the value of an argument that is only named."""


UNSAID = _Unsaid()


class Argument(NamedTuple):
    """An argument of `gdfast.fit` in a message: `n_iters`, or with a value `optimizer='adam'`.

    Examples
    --------
    >>> from gdfast.errors import Argument
    >>> print(Argument("n_iters"), Argument("optimizer", "adam"))
    n_iters optimizer='adam'
    """

    name: str
    value: Any = UNSAID

    def __str__(self) -> str:
        if self.value is UNSAID:
            return self.name
        value = format(self.value, ".6g") if type(self.value) is float else repr(self.value)
        return f"{self.name}={value}"


class Entry(NamedTuple):
    """A number in an array that came as an argument: `sample_weight[3]`, `x[0, 2]`.

    Examples
    --------
    >>> from gdfast.errors import Entry
    >>> print(Entry("x", (0, 2)))
    x[0, 2]
    """

    name: str
    at: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.at))}]"


Part = Argument | Entry


class Message(str):
    """A message, with the arguments in it.

    Parameters
    ----------
    *parts : object
        Strings, arguments and other messages. Anything else is formatted by `str`.

    Examples
    --------
    >>> from gdfast.errors import Argument, Message
    >>> message = Message("write a number, or ", Argument("optimizer", "nesterov"))
    >>> print(message)
    write a number, or optimizer='nesterov'
    >>> message.said(lambda part: f"--{part.name} {part.value}")
    'write a number, or --optimizer nesterov'
    """

    parts: tuple[str | Part, ...]

    def __new__(cls, *parts: object) -> Message:
        self = super().__new__(cls, "".join(map(str, parts)))
        self.parts = tuple(flat for part in parts for flat in _flat(part))
        return self

    def __getnewargs__(self) -> tuple[str | Part, ...]:  # type: ignore[override]
        return self.parts  # an exception may cross to another process

    def said(self, spell: Callable[[Part], str]) -> str:
        """The message with its arguments and entries as `spell` writes them."""
        return "".join(part if isinstance(part, str) else spell(part) for part in self.parts)


def joined(parts: Iterable[object], separator: str = " ") -> Message:
    """A message of those parts that aren't empty."""
    spaced = [piece for part in parts if str(part) for piece in (separator, part)]
    return Message(*spaced[1:])


def said(error: object, spell: Callable[[Part], str]) -> str:
    """The text of an exception, or of anything else, with the arguments in it as `spell` writes them."""
    text = error.args[0] if isinstance(error, BaseException) and error.args else error
    return text.said(spell) if isinstance(text, Message) else str(error)


def _flat(part: object) -> tuple[str | Part, ...]:
    if isinstance(part, Message):
        return part.parts
    return (part,) if isinstance(part, Argument | Entry) else (str(part),)
