"""From flags to the options of commands with arms."""

import pytest
import typer

from benchmarks.cli import comparing, flags
from benchmarks.client.target import Stamp
from benchmarks.commands import capacity, overhead
from benchmarks.load.shape import Shape


def compared(arms: flags.Arms = flags.Arms(), **design: object) -> overhead.Options:  # noqa: B008
    return comparing.compared(arms, flags.Endpoint(), flags.Design(**design), stream=True)  # type: ignore[arg-type]


def test_without_flags_everything_is_as_usual() -> None:
    made, usual = compared(), overhead.Options()
    assert (made.rounds, made.block, made.max_time) == (usual.rounds, usual.block, usual.max_time)
    assert made.direct == made.via == ()


def test_arms_are_passed_on() -> None:
    arms = flags.Arms(direct=["http://e"], via=["n=http://p"], via_pid=["n=7"], aa=False)
    made = compared(arms, rounds=20, stamp="content")
    assert made.direct == ("http://e",)
    assert made.via == ("n=http://p",)
    assert made.via_pid == (("n", 7),)
    assert not made.aa
    assert made.rounds == 20
    assert made.stamp is Stamp.CONTENT


def test_an_unknown_place_of_stamps_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="sidelog"):
        compared(stamp="header")


@pytest.mark.parametrize(
    ("asked", "rate", "size"),
    [
        (Shape(), 50.0, "128"),
        (Shape(rate=5.0), 5.0, "128"),
        (Shape(input="9"), 50.0, "9"),
        (Shape(concurrency=4), None, "128"),
        (Shape(concurrency=4, rate=9.0), 9.0, "128"),
        (Shape(ramp="1..2@3s"), None, "128"),
        (Shape(preset="code-like"), None, ""),
    ],
)
def test_the_usual_load_gives_way_to_what_is_asked(
    asked: Shape, rate: float | None, size: str
) -> None:
    made = comparing.usual_but(asked)
    assert made.rate == rate
    assert made.input == size


def test_a_search_takes_the_budget_as_its_limits() -> None:
    arms = comparing.with_common(
        compared(), flags.Seed(), flags.Engines(), flags.Output(budget="ttft.p99=5ms")
    )
    made = comparing.searched(arms, Shape(), flags.Search(of="streams"), flags.Design())
    assert made.limits == "ttft.p99=5ms"
    assert made.output.budget == ""
    assert made.of is capacity.Of.STREAMS
