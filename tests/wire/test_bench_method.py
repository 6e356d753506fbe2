"""The method on real sockets: relays with known effect, blocks over several engines."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.client.target import Stamp, Target
from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile, Stamps
from benchmarks.load.planned import Planned, Schedule
from benchmarks.method import holding
from benchmarks.method.blocks import Bench, measure
from benchmarks.method.lanes import Lane
from benchmarks.method.relay import Burning, Delaying, Pass, Relay, straight
from benchmarks.method.sending import prepare
from benchmarks.report.record import Arm

MODEL = "m"
ENGINE = Profile(models=(MODEL,), pace=0.004, stamps=Stamps.FIELD, output_tokens=1000)


def schedule(requests: int = 6, tokens: int = 5) -> Schedule:
    return Schedule(
        requests=tuple(
            Planned(at=place * 0.01, input_tokens=16, output_tokens=tokens)
            for place in range(requests)
        ),
        span=requests * 0.01,
    )


def target(port: int) -> Target:
    return Target(name="x", url=f"http://127.0.0.1:{port}", model=MODEL, stamp=Stamp.FIELD)


@asynccontextmanager
async def relaying(engines: list[int], onward: Pass) -> AsyncIterator[int]:
    """Run a relay on this loop; gives its port."""
    loop = asyncio.get_running_loop()
    relay = Relay(engines, onward)
    server = await loop.create_server(relay.accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_requests_reach_both_engines_and_all_answers_come_back() -> None:
    async with running(ENGINE) as one, running(ENGINE) as two:
        joint = await prepare([target(one.port), target(two.port)], schedule(), warm=2, timeout=60)
        try:
            trial = await joint.run()
        finally:
            await joint.close()

        counts = [
            len([r for r in e.requests if r.path.endswith("completions")]) for e in (one, two)
        ]

    assert [seen.index for seen in trial.observed] == list(range(6))
    assert {seen.failure for seen in trial.observed} == {""}
    assert all(len(seen.emitted) == 5 for seen in trial.observed)
    assert all(seen.taken_ns > seen.sent_ns for seen in trial.observed)
    assert counts == [4, 4]
    assert trial.client.ran_ns > 0


async def test_a_block_through_a_relay_has_figures() -> None:
    async with running(ENGINE) as engine, relaying([engine.port], straight) as port:
        lane = Lane(arm=Arm(name="floor", role="floor"), targets=(target(port),))
        bench = Bench(prepare=prepare, warm=2, timeout=60.0, settle=0.0)

        one = await measure(bench, lane, schedule(), 3)

    row = one.row(one.began_ns)
    assert (row.round, row.arm, row.requests, row.failures, row.tokens) == (3, "floor", 6, 0, 30)
    assert (one.figures["token_p50_us"] or 0) > 0
    assert (one.figures["first_token_p50_ms"] or 0) > 0
    assert one.figures["cpu_us_per_request"] is None
    assert one.figures["segments_per_chunk"] is not None


async def test_a_relay_turns_from_engine_to_engine() -> None:
    async with running(ENGINE) as one, running(ENGINE) as two:
        async with relaying([one.port, two.port], straight) as port:
            for _ in range(2):
                joint = await prepare([target(port)], schedule(1, 2), warm=0, timeout=60.0)
                await joint.run()
                await joint.close()

        # A client that waits for a busy machine may open one more.
        assert min(one.accepted, two.accepted) >= 1
        assert abs(one.accepted - two.accepted) <= 1


async def test_a_known_delay_shows_in_every_token() -> None:
    held_ns = 30_000_000
    loop = asyncio.get_running_loop()
    due: list[Callable[[], None]] = []
    delaying = Delaying(held_ns, lambda after: loop.call_later(after, due[0]), time.monotonic_ns)
    due.append(delaying.due)
    async with running(ENGINE) as engine, relaying([engine.port], delaying) as port:
        joint = await prepare([target(port)], schedule(2, 5), warm=0, timeout=60.0)
        trial = await joint.run()
        await joint.close()

    paths = [
        received - emitted
        for seen in trial.observed
        for received, emitted in zip(seen.received, seen.emitted, strict=True)
    ]
    assert len(paths) == 10
    assert min(paths) >= held_ns


async def test_a_known_burn_is_spent_for_every_piece() -> None:
    ledger = bytearray(8)
    burning = Burning(100_000, ledger)
    async with running(ENGINE) as engine, relaying([engine.port], burning) as port:
        joint = await prepare([target(port)], schedule(1, 5), warm=0, timeout=60.0)
        trial = await joint.run()
        await joint.close()

    assert not trial.observed[0].failure
    assert int.from_bytes(ledger, "little") >= 5 * 100_000


async def test_an_engine_that_cannot_be_reached_closes_the_client() -> None:
    async with relaying([1], straight) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        assert await reader.read() == b""
        writer.close()


async def test_streams_are_held_weighed_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "SETTLE_S", 0.02)
    async with running(ENGINE) as engine, relaying([engine.port], straight) as port:
        arm = Arm(name="mine", role="proxy", pids=(os.getpid(),))
        refusing = Arm(name="other", role="proxy", pids=(os.getpid(),))
        found, notes = await holding.weigh(
            [
                Lane(arm=arm, targets=(target(port),)),
                Lane(arm=refusing, targets=(target(1),)),
            ],
            [engine.port],
            steps=(3, 6),
        )
        asked = [one for one in engine.requests if one.path.endswith("completions")]

    assert list(found) == ["mine"]
    assert found["mine"].open_streams == [0, 3, 6, 0]
    assert found["mine"].closed == [0, 0, 0, 1]
    assert len(asked) == holding.WARM + 6
    assert list(engine.faults) == []
    assert notes[0].startswith("other: its connections cannot be held")


async def test_an_engine_that_is_not_simulated_is_not_silenced() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        found, notes = await holding.weigh([], [server.sockets[0].getsockname()[1]])

    assert (found, len(notes)) == ({}, 1)
