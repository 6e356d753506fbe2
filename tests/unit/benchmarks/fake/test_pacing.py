"""Steps in time, on a loop whose clock the test moves."""

import asyncio
from collections.abc import Callable
from typing import cast

from benchmarks.fake.batching import Batch, Sequence
from benchmarks.fake.pacing import Pacer
from benchmarks.fake.profile import Profile


class Clock:
    """As much of a loop as a pacer uses."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.Handle:
        self.due.append((when, callback))
        return cast("asyncio.Handle", self)

    def call_soon(self, callback: Callable[[], None]) -> asyncio.Handle:
        return self.call_at(self.now, callback)

    def run(self, late: float = 0.0) -> float:
        when, callback = self.due.pop()
        self.now = when + late
        callback()
        return when


class Silent:
    def admitted(self) -> None:
        pass

    def tokens(self, first: int, count: int) -> None:
        pass

    def finished(self) -> None:
        pass


def paced(profile: Profile, total: int) -> tuple[Clock, Pacer, list[tuple[int, float]]]:
    clock, batch, emitted = Clock(), Batch(profile), list[tuple[int, float]]()
    sequence = Sequence(Silent(), prompt_tokens=1, cached=0, total=total, whole=False)
    batch.add(sequence)
    pacer = Pacer(clock, batch, lambda n, s: emitted.append((n, s)))  # type: ignore[arg-type]
    return clock, pacer, emitted


def test_a_late_step_is_caught_up_with_but_a_missed_one_is_not() -> None:
    clock, pacer, emitted = paced(Profile(pace=1.0), 5)
    pacer.wake()
    pacer.wake()

    assert [clock.run(late=0.25), clock.run(late=7.0), clock.run()] == [101.0, 102.0, 110.0]
    assert emitted == [(1, 1.0)] * 3


def test_an_idle_engine_has_no_timer() -> None:
    clock, pacer, emitted = paced(Profile(), 2)
    pacer.wake()
    clock.run()
    clock.run()

    assert clock.due == []
    assert [tokens for tokens, _ in emitted] == [1, 1]
