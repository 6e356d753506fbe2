"""`make gray`: how much traffic an engine gets that fails no check and is a burden all the same.

    python -m benchmarks.driver.gray [--seconds N] [--rate N] [--only NAME]...

Four simulated engines with one model, headrace in front with everything at its default, requests at
random times. After five seconds one engine turns bad. Counted is where the requests after that are
sent, attempts that failed included, in the first ten seconds and afterwards; an equal share is a
quarter.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.driver import engines, yardsticks
from benchmarks.driver.client import connect
from benchmarks.driver.procs import REPOSITORY, Process, free_port
from benchmarks.driver.workload import MODEL, chat, prompt
from benchmarks.fake.launch import command
from benchmarks.fake.profile import Profile

FLEET: Final = 4
WELL: Final = 5.0  # seconds before one turns bad
SETTLED: Final = 10.0  # seconds after that until it must be known
STEP: Final = 0.01  # seconds of an engine step
PATIENCE: Final = 5.0  # seconds until a client gives a request up
TOKENS: Final = 16


class Evil(msgspec.Struct, frozen=True, kw_only=True):
    """A way to be a burden: faults of an engine, or how many times slower it is at all times."""

    name: str
    faults: Sequence[dict[str, object]] = ()
    slow: float = 1.0


EVILS: Final = (
    Evil(name="answers 500 at once", faults=({"kind": "status", "status": 500},)),
    Evil(name="answers 429 at once", faults=({"kind": "status", "status": 429},)),
    Evil(name="closes before it answers", faults=({"kind": "close"},)),
    Evil(name="silent after 3 tokens", faults=({"kind": "silence", "after": 3},)),
    Evil(name="three times slower", slow=3.0),
)


class Count:
    """Requests sent in a span of time, and to whom."""

    __slots__ = ("all", "bad", "broken")

    def __init__(self) -> None:
        self.all = 0  # attempts, at all engines
        self.bad = 0  # those at the bad one
        self.broken = 0  # requests whose client got no whole answer

    @property
    def share(self) -> float:
        """Return the share of attempts that the bad one got."""
        return self.bad / self.all if self.all else 0.0


class _Seen(msgspec.Struct):
    requests: list[dict[str, object]]


async def seen(port: int) -> int:
    """Return how many requests an engine has been sent since it started."""
    found = msgspec.json.decode(await engines.ask(port, "GET", "requests"), type=_Seen)
    return len(found.requests)


async def send(port: int) -> bool:
    """Send one streamed request; tell whether its answer came whole."""
    done = asyncio.get_running_loop().create_future()
    try:
        line = await connect(port)
    except OSError:
        return False
    line.send(chat(port, prompt(400), tokens=TOKENS, stream=True), done.set_result, keep=True)
    try:
        async with asyncio.timeout(PATIENCE):
            await done
    except TimeoutError:
        return False
    finally:
        line.hang_up()
    whole = b"".join(piece for _, piece in line.pieces)
    return not line.failure and line.status == 200 and b"[DONE]" in whole


async def load(port: int, seconds: float, rate: float, luck: random.Random) -> int:
    """Send requests at random times for so long; return how many came to no whole answer.

    Those that still run afterwards are waited for.
    """
    until = time.monotonic() + seconds
    running: list[asyncio.Task[bool]] = []
    async with asyncio.TaskGroup() as clients:
        while (now := time.monotonic()) < until:
            running.append(clients.create_task(send(port)))
            await asyncio.sleep(min(luck.expovariate(rate), until - now))
    return sum(not each.result() for each in running)


async def measure(evil: Evil, seconds: float, rate: float, folder: Path) -> tuple[Count, Count]:
    """Return what one evil got in the first ten seconds, and after them."""
    luck = random.Random(1)
    with ExitStack() as stack:
        taken: set[int] = set()
        ports = [free_port(taken) for _ in range(FLEET)]
        doors = [free_port(taken) for _ in range(FLEET)]  # which no fault closes
        env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        for port, door in zip(ports, doors, strict=True):
            step = STEP * (1.0 if port != ports[0] else evil.slow)
            profile = Profile(port=port, admin_port=door, models=(MODEL,), pace=step, prefill=step)
            engine = Process(f"engine-{port}", command(profile), folder, env=env)
            await stack.enter_context(engine).await_port(port, 30.0)
        subject, admin = free_port(taken), free_port(taken)
        proxy = Process("headrace", yardsticks.headrace(subject, admin, ports), folder, env=env)
        await stack.enter_context(proxy).await_port(subject, 30.0)
        await asyncio.sleep(1.0)  # every engine has been recognised
        await load(subject, WELL, rate, luck)
        if evil.faults:
            await engines.switch(doors[0], *evil.faults)
        return (
            await _counted(subject, doors, SETTLED, rate, luck),
            await _counted(subject, doors, seconds, rate, luck),
        )


async def _counted(
    subject: int, doors: Sequence[int], seconds: float, rate: float, luck: random.Random
) -> Count:
    count = Count()
    before = [await seen(door) for door in doors]
    count.broken = await load(subject, seconds, rate, luck)
    asked = [await seen(door) - old for door, old in zip(doors, before, strict=True)]
    count.bad, count.all = asked[0], sum(asked)
    return count


def table(rows: Sequence[tuple[str, Count, Count]]) -> str:
    """Return the figures as text."""
    lines = [f"{'one of four engines':<26} {'first 10 s':>10} {'after 10 s':>10} {'broken':>8}"]
    lines += [
        f"{name:<26} {first.share:>10.1%} {after.share:>10.1%} {first.broken + after.broken:>8}"
        for name, first, after in rows
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure what `words` ask for and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks gray", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="after the first ten")
    parser.add_argument("--rate", type=float, default=25.0, help="requests a second")
    parser.add_argument("--only", action="append", help="a part of the name of a fault")
    ask = parser.parse_args(words)
    rows = []
    with tempfile.TemporaryDirectory(prefix="headrace-gray-") as folder:
        for evil in EVILS:
            if ask.only and not any(part in evil.name for part in ask.only):
                continue
            found = asyncio.run(measure(evil, ask.seconds, ask.rate, Path(folder)))
            rows.append((evil.name, *found))
            print(table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
