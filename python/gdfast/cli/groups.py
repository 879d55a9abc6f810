"""Groups of options that several commands have: a command takes each as one argument, and Typer sees the options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple


class Group(NamedTuple):
    """Options that belong together.

    Attributes
    ----------
    of : callable
        Its parameters are the options, as Typer reads them. It returns what the command gets in their place.
    """

    of: Callable[..., Any]

    @property
    def parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.of, eval_str=True).parameters.values())


def takes(**groups: Group) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator: the command's parameters of these names stand for the options of the groups.

    Examples
    --------
    >>> import inspect
    >>> from gdfast.cli.groups import Group, takes
    >>> @takes(point=Group(lambda x=1, y=2: (x, y)))
    ... def command(name, point):
    ...     print(name, point)
    >>> inspect.signature(command)
    <Signature (name, x=1, y=2)>
    >>> command(name="a", y=5)
    a (1, 5)
    """

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            group = groups.get(parameter.name)
            parameters += [parameter] if group is None else group.parameters

        @functools.wraps(command)
        def run(**given: Any) -> None:
            made = {}
            for name, group in groups.items():
                own = {p.name: given.pop(p.name) for p in group.parameters if p.name in given}
                made[name] = group.of(**own)
            command(**given, **made)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        del run.__wrapped__
        return run

    return decorated
