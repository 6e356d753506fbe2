"""How a flag is made: its panel in the help, its parser, and how its value is called there."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer

from benchmarks.cli import words

Value = TypeVar("Value")

ARMS, LOAD, SHAPE = "Arms", "Load", "Shape"
ENDPOINT, DESIGN, OUTPUT = "Endpoint", "Design", "Budget and output"


def option(*names: str, panel: str, help: str, **more: Any) -> Any:  # noqa: A002, ANN401 - as typer
    """Return a flag that stands in `panel` of the help."""
    if "parser" in more:
        more["parser"] = _of_words(more["parser"])
    return typer.Option(*names, rich_help_panel=panel, help=help, show_default=False, **more)


def _of_words(parser: Callable[[str], Value]) -> Callable[[str | Value], Value]:
    """Return the parser such that it leaves defaults alone: typer hands it those, too."""

    def parse(value: str | Value) -> Value:
        return parser(value) if isinstance(value, str) else value

    return parse


def timed(*names: str, panel: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer
    """Return a flag that takes a duration."""
    return option(*names, panel=panel, help=help, parser=words.duration, metavar="TIME")


def lasting(*names: str, panel: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer
    """Return a flag that takes a duration above 0."""
    return option(*names, panel=panel, help=help, parser=words.span, metavar="TIME")


def counted(*names: str, panel: str, help: str, metavar: str = "N") -> Any:  # noqa: A002, ANN401
    """Return a flag that takes a whole number of at least 1."""
    return option(*names, panel=panel, help=help, parser=words.count, metavar=metavar)
