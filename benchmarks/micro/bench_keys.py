"""What API keys add to a request, in microseconds of CPU of the whole process.

    python -m benchmarks.micro.bench_keys [ROUNDS]

The calls of bench_call, plain and streamed, without keys, with a key that allows everything, and
with one that has every limit there is. Arms take turns in every round. Prints the differences from
the arm without keys: of the least of all rounds, since noise only ever adds, and the median of the
rounds' own.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable

import msgspec

from benchmarks.micro.bench_call import (
    CHUNK,
    PLAIN,
    REQUEST_BODY,
    REQUEST_HEAD,
    STREAM_END,
    STREAM_HEAD,
    Case,
    scene,
)
from proxy.core import keys
from proxy.core.account import Calendar, Span
from proxy.core.keys import Credential, Key
from proxy.edge.gate import Gate
from proxy.flow.books import Books
from proxy.flow.guard import Guard, Tariff
from proxy.settings.keys import Price, rates

CALLS = 500
LOT = 50
ENOUGH = 10**9
FREE = Key(name="team", credentials=(Credential(digest=keys.digest("x")),))
LIMITED = msgspec.structs.replace(
    FREE,
    models=("m", "other-*"),
    requests_per_minute=ENOUGH,
    tokens_per_minute=ENOUGH,
    concurrency=ENOUGH,
    budget_tokens=ENOUGH * 1000,
    budget_money=1e12,
)
ANSWERS = {
    "plain": (b"false", (PLAIN,)),
    "streamed": (b"true", (STREAM_HEAD, STREAM_END)),
    "streamed, 64 pieces": (b"true", (STREAM_HEAD, *([CHUNK] * 62), STREAM_END)),
}

MINUTELY = msgspec.structs.replace(FREE, requests_per_minute=ENOUGH, tokens_per_minute=ENOUGH)

KEYS: dict[str, Key | None] = {
    "no keys": None,
    "a key": FREE,
    "a key, limits a minute": MINUTELY,
    "a key with every limit": LIMITED,
}

Act = Callable[[], None]


def cases() -> list[Case]:
    """Return the plain calls, to be counted. Needs a running loop."""
    stream, answer = ANSWERS["plain"]
    return [
        Case(name=f"plain call, {name}", act=_arm(key, stream, answer))
        for name, key in KEYS.items()
    ]


def _arm(key: Key | None, stream: bytes, answer: tuple[bytes, ...]) -> Act:
    spans = [Span(name=name, ends_at=2e9) for name in ("2026-11-22", "2026-11")]
    guard = Guard(Calendar(wall=time.time(), day=spans[0], month=spans[1]))
    readers = () if key is None else (Books(guard, time.monotonic),)
    client, upstream, tell = scene(*readers)
    if key is not None:
        guard.renew([key])
        guard.tariff = Tariff({"m": rates(Price(input=0.5, output=1.5))})
        edge = client._edge  # noqa: SLF001 - a scene has no other handle
        course = edge.course
        course.guard = guard
        course.observers = (guard, *course.observers)
        edge.guarded_by(Gate(course, pass_through=False))
    body = REQUEST_BODY % stream
    ask = REQUEST_HEAD % len(body) + body
    made = 0

    def act() -> None:
        nonlocal made
        client.data_received(ask)
        for piece in answer:
            upstream.data_received(piece)
        made += 1
        if made % LOT == 0:
            tell()

    return act


def _cost(act: Act) -> float:
    start = time.process_time_ns()
    for _ in range(CALLS):
        act()
    return (time.process_time_ns() - start) / CALLS / 1000


async def _measure(rounds: int) -> None:
    for name, (stream, answer) in ANSWERS.items():
        arms = {arm: _arm(key, stream, answer) for arm, key in KEYS.items()}
        costs: dict[str, list[float]] = {arm: [] for arm in arms}
        for act in arms.values():
            _cost(act)
        for _ in range(rounds):
            for arm in random.sample(list(arms), len(arms)):
                costs[arm].append(_cost(arms[arm]))
        bare = costs.pop("no keys")
        least, median = min(bare), statistics.median(bare)
        print(f"{name + ', no keys':44} least {least:7.2f} us   median {median:7.2f} us")
        for arm, mine in costs.items():
            added = [cost - base for cost, base in zip(mine, bare, strict=True)]
            print(
                f"{name + ', ' + arm:44} least {min(mine) - least:+7.2f} us"
                f"   median {statistics.median(added):+7.2f} us"
            )


def main() -> None:
    """Measure and print."""
    asyncio.run(_measure(int(sys.argv[1]) if len(sys.argv) > 1 else 40))


if __name__ == "__main__":
    main()
