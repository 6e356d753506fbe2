"""The command `capacity`: its limits, its loads, and a search over made rounds."""

import io
from collections.abc import Callable, Sequence

import pytest
from typing_extensions import override

from benchmarks.commands.attempting import UnmeasurableError
from benchmarks.commands.capacity import Of, Options, Path, Searcher, account, at, limits
from benchmarks.load.planned import Schedule
from benchmarks.method.blocks import Bench, Measured
from benchmarks.method.lanes import Lane
from benchmarks.method.pinning import Pins
from benchmarks.method.probing import Said
from benchmarks.method.rounds import Design, Played, Rounds
from benchmarks.method.search import Bracket, Outcome
from benchmarks.method.sending import prepare
from benchmarks.method.session import Session
from benchmarks.method.stage import Stage
from benchmarks.report.budget import BudgetError
from benchmarks.report.progress import Watch
from tests.fixtures.trials import Cost, Instrument, lanes, schedule


class Saturating(Session, kw_only=True):
    """A session whose proxy adds more than its limit above 300 requests a second."""

    instrument: Instrument

    @override
    async def play(
        self,
        schedule_of: Callable[[int], Schedule],
        design: Design,
        *,
        lanes: Sequence[Lane] | None = None,
        tell: object = None,
    ) -> Played:
        load = len(schedule_of(1).requests) / schedule_of(1).span
        slow = 3000.0 if load > 300 else 100.0
        self.instrument.costs = {"mine": Cost(token_us=slow)}

        async def measure(lane: Lane, _plan: Schedule, turn: int) -> Measured:
            return await self.instrument(lane, schedule(24, 4), turn)

        return await Rounds(
            lanes or (), measure, schedule_of, design, clock=self.instrument.clock
        ).play()


def session() -> Saturating:
    return Saturating(
        stage=Stage(lanes=[]),
        lanes=list(lanes("direct", "mine")),
        bench=Bench(prepare=prepare),
        pins=Pins(),
        stolen_s=0.0,
        instrument=Instrument({}),
    )


def test_limits_are_what_a_proxy_may_add() -> None:
    assert limits("ttft.p99=2ms,token.p50=300us") == {
        "first_token_p99_ms": pytest.approx(2),
        "token_p50_us": pytest.approx(300),
    }


@pytest.mark.parametrize("text", ["cpu_per_1k=30ms", "nonsense", "ttft.p99=2"])
def test_other_limits_are_refused(text: str) -> None:
    with pytest.raises(BudgetError):
        limits(text)


def test_a_rate_makes_an_open_loop() -> None:
    found = at(Options(block=2.0), 100.0, 1)

    assert found.concurrency is None
    assert found.span == 2.0
    assert 150 < len(found.requests) < 250


def test_streams_make_a_closed_loop() -> None:
    found = at(Options(of=Of.STREAMS), 40.0, 1)

    assert found.concurrency == 40
    assert len(found.requests) == 80


async def test_the_search_brackets_the_load_that_is_too_much() -> None:
    made = session()
    options = Options(limits="token.p50=1ms", block=1.0)
    with Watch(quiet=True, file=io.StringIO()) as watch:
        path = await Searcher(made, options, watch).through(made.lanes[1])

    assert path.bracket.low is not None
    assert path.bracket.high is not None
    assert 180 < path.bracket.low < path.bracket.high < 420
    assert path.ended == ""
    rounds = [row.round for row in path.blocks]
    assert len(set(rounds)) * 2 == len(rounds)


async def test_no_time_is_told() -> None:
    made = session()
    with Watch(quiet=True, file=io.StringIO()) as watch:
        path = await Searcher(made, Options(max_time=-1.0), watch).through(made.lanes[1])

    assert path.bracket == Bracket(low=None, high=None)
    with pytest.raises(UnmeasurableError, match="the time was up"):
        account([path], made, Options())


def test_the_record_holds_bracket_and_path() -> None:
    path = Path(arm="mine", bracket=Bracket(low=200, high=210))
    path.tried = [(200.0, Said(outcome=Outcome.KEPT, why=""))]

    record = account([path], session(), Options())

    assert record.figures["mine"] == {"capacity_rate_low": 200, "capacity_rate_high": 210}
    assert record.series["search:mine"]["verdict"] == [1.0]
    assert [arm.name for arm in record.arms] == ["direct", "mine"]
