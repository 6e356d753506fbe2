"""Falling behind: seen in a queue that grows, not in one that fills up, nor in long answers."""

import random

import msgspec

from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Planned, Schedule
from benchmarks.method.keeping import Behind, behind

S = 1_000_000_000


def schedule(count: int, span: float, concurrency: int | None = None) -> Schedule:
    one = Planned(input_tokens=1, output_tokens=1)
    return Schedule(requests=(one,) * count, span=span, concurrency=concurrency)


def seen(at: float, took: float, tokens: int = 10, failure: str = "") -> Observed:
    return Observed(
        index=0,
        intended_ns=int(at * S),
        sent_ns=int(at * S),
        ended_ns=int((at + took) * S),
        tokens_out=tokens,
        failure=failure,
    )


def trial(observed: list[Observed]) -> Trial:
    return Trial(observed=observed, began_ns=0, wall_ns=10 * S)


def test_a_queue_that_grows_gives_the_served_rate() -> None:
    dice = random.Random(1)
    rows = [seen(i / 40, 0.5 + i / 40 + dice.uniform(-0.1, 0.1)) for i in range(400)]

    found = behind(trial(rows), schedule(400, 10.0))

    assert found is not None
    assert 19 < found.served < 21
    assert found.words().startswith("40 requests a second were sent and about ")
    assert 0.48 < found.share < 0.52


def test_where_all_share_the_engine_the_first_are_as_slow_as_the_last() -> None:
    dice = random.Random(3)
    rows = [seen(i / 1000, 5.0 + 2 * i / 1000 + dice.uniform(-0.1, 0.1)) for i in range(500)]

    found = behind(trial(rows), schedule(500, 0.5))

    assert found is not None
    assert 75 < found.served < 90


def test_what_keeps_up_is_not_behind() -> None:
    dice = random.Random(2)
    rows = [seen(i / 40, 0.5 * dice.lognormvariate(0, 0.5)) for i in range(400)]

    assert behind(trial(rows), schedule(400, 10.0)) is None


def test_a_batch_that_fills_up_is_not_behind() -> None:
    rows = [seen(i / 50, 0.6 + 0.2 * min(1.0, i / 25)) for i in range(50)]

    assert behind(trial(rows), schedule(50, 1.0)) is None


def test_longer_answers_at_the_end_are_not_behind() -> None:
    rows = [seen(i / 40, 0.01 * (10 + i), tokens=10 + i) for i in range(400)]

    assert behind(trial(rows), schedule(400, 10.0)) is None


def test_a_closed_loop_and_a_few_answers_tell_nothing() -> None:
    rows = [seen(i / 40, 0.5 + i / 40) for i in range(400)]
    refused = [msgspec.structs.replace(one, failure="503") for one in rows[:-5]]

    assert behind(trial(rows), schedule(400, 10.0, concurrency=8)) is None
    assert behind(trial([*refused, *rows[-5:]]), schedule(400, 10.0)) is None


def test_the_share_is_that_of_what_was_asked() -> None:
    assert Behind(asked=80.0, served=20.0).share == 0.25
