"""How many attempts a request costs while 30 % of the engines fail, or 30 % of all answers."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from benchmarks.driver.workload import MODEL
from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.sending import Sender
from tests.beside.scorecard.stage import proxied

ENGINES, BAD = 10, 3
RATE, SECONDS = 100.0, 15.0
TOKENS, PACE = 20, 0.02  # 0.4 s an answer: 40 requests under way
MOST = 1.2
REFUSE = Fault(kind=Kind.STATUS, status=503)
SOME = Fault(kind=Kind.STATUS, status=503, fraction=BAD / ENGINES)


async def tried(faults: Sequence[Fault | None]) -> tuple[float, str]:
    """Return attempts per request with one fault for each engine, and what clients saw."""
    async with AsyncExitStack() as stack:
        profile = Profile(models=(MODEL,), pace=PACE)
        engines: list[Engine] = [await stack.enter_async_context(running(profile)) for _ in faults]
        urls = [f"http://127.0.0.1:{engine.port}" for engine in engines]
        stage = await stack.enter_async_context(proxied(urls))
        for engine, fault in zip(engines, faults, strict=True):
            if fault is not None:
                engine.faults.set(fault)
        before = sum(engine.requests.received for engine in engines)
        asked = await Sender(stage.port, RATE, TOKENS).run(SECONDS)
        made = sum(engine.requests.received for engine in engines) - before
        errors = sum(bool(each.error) for each in asked)
        return made / len(asked), f"{errors} of {len(asked):,} requests failed"


async def measure() -> list[Row]:
    """Measure both ways in which a third of the answers can be bad."""
    dead, saw_dead = await tried([REFUSE] * BAD + [None] * (ENGINES - BAD))
    ill, saw_ill = await tried([SOME] * ENGINES)
    return [
        Row(
            figure="attempts a request while 3 of 10 engines refuse (503)",
            target=f"{MOST} at most",
            measured=f"{dead:.3f}; {saw_dead}",
            met=dead <= MOST,
        ),
        Row(
            figure="the same while each of 10 engines refuses 30 % of its requests",
            target="none: the budget is a fifth of what is under way, and a refusal soon gone",
            measured=f"{ill:.3f}; {saw_ill}",
        ),
    ]
