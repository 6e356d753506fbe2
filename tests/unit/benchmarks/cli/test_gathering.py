"""Groups of flags become single flags, and come back as groups."""

from typing import Annotated

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.cli.gathering import add, gathered


class Size(msgspec.Struct, frozen=True, kw_only=True):
    width: Annotated[int, typer.Option("--width", "--breadth")] = 3
    name: Annotated[list[str] | None, typer.Option("--name")] = None


class Colour(msgspec.Struct, frozen=True, kw_only=True):
    red: Annotated[bool, typer.Option("--red/--no-red")] = True
    tags: list[str] = msgspec.field(default_factory=list)


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    width: int = 1


def painted(words: list[str]) -> tuple[int, list[object]]:
    seen: list[object] = []
    app = typer.Typer()

    @add(app, "paint", "Paint.")
    def paint(what: str, size: Size, colour: Colour) -> int:
        seen.extend([what, size, colour])
        return 7

    @app.command("other")
    def other() -> None:
        """Make this an app of several commands."""

    return CliRunner().invoke(app, ["paint", *words]).exit_code, seen


def test_flags_reach_their_groups() -> None:
    code, seen = painted(["wall", "--breadth", "5", "--no-red", "--name", "a", "--name", "b"])
    assert code == 7
    assert seen == ["wall", Size(width=5, name=["a", "b"]), Colour(red=False)]


def test_what_is_not_given_has_the_default_of_the_group() -> None:
    _, seen = painted(["wall"])
    assert seen[1:] == [Size(), Colour()]


def test_a_wrong_value_is_a_wrong_word() -> None:
    assert painted(["wall", "--width", "x"]) == (2, [])


def test_two_groups_with_one_flag_are_refused() -> None:
    def paint(size: Size, clash: Clash) -> int:
        return 0

    with pytest.raises(TypeError, match="in two groups: width"):
        gathered(paint)
