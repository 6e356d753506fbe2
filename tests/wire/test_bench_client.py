"""The load-making client on real sockets, against the simulated engine."""

import asyncio
import socket
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from benchmarks.client.drive import drive
from benchmarks.client.pool import route
from benchmarks.client.target import Api, EndpointError, Stamp, Target
from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.ledger import Stage
from benchmarks.fake.profile import Dialect, Profile, Stamps
from benchmarks.load.planned import Planned, Schedule
from tests.fixtures.stack import eventually

TOKENS = 12


def profile(stamps: Stamps = Stamps.NONE, **more: object) -> Profile:
    return Profile(models=("m",), stamps=stamps, pace=0.002, output_tokens=1000, **more)  # type: ignore[arg-type]


def target(engine: Engine, **more: object) -> Target:
    return Target(name="direct", url=engine.url, model="m", **more)  # type: ignore[arg-type]


def schedule(*requests: Planned, **more: object) -> Schedule:
    return Schedule(requests=requests, span=1.0, **more)  # type: ignore[arg-type]


def planned(**more: object) -> Planned:
    return Planned(input_tokens=40, output_tokens=TOKENS, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("stamp", list(Stamp))
async def test_every_way_of_stamping_is_read(stamp: Stamp) -> None:
    requests = [planned(at=0.01 * at) for at in range(5)]
    async with running(profile(Stamps(stamp))) as engine:
        trial = await drive(target(engine, stamp=stamp), schedule(*requests), warm=2, timeout=60)

    assert [one.failure for one in trial.observed] == [""] * 5
    assert [one.index for one in trial.observed] == [0, 1, 2, 3, 4]
    for one in trial.observed:
        assert (one.chunks, one.tokens_out, one.tokens_in) == (TOKENS, TOKENS, 40)
        assert (one.lost, one.duplicated, one.reordered) == (0, 0, 0)
        assert one.engine
        assert one.finish == "length"
        assert one.intended_ns <= one.sent_ns < one.first_ns == one.received[0] <= one.ended_ns
        if stamp is not Stamp.NONE:
            assert one.sent_ns < one.taken_ns < one.emitted[0]
            assert all(e < r for e, r in zip(one.emitted, one.received, strict=True))


async def test_the_digest_leaves_stamps_out() -> None:
    digests = set()
    for stamp in (Stamp.NONE, Stamp.FIELD, Stamp.CONTENT):
        async with running(profile(Stamps(stamp))) as engine:
            trial = await drive(target(engine, stamp=stamp), schedule(planned()), timeout=60)
        digests.add(trial.observed[0].digest)

    assert len(digests) == 1


@pytest.mark.parametrize("api", list(Api))
@pytest.mark.parametrize("stream", [True, False])
async def test_streams_and_documents_of_every_api(api: Api, stream: bool) -> None:
    dialect = Dialect.OLLAMA if api is Api.OLLAMA else Dialect.VLLM
    for stamp in Stamp:
        async with running(profile(Stamps(stamp), dialect=dialect)) as engine:
            to = target(engine, api=api, stream=stream, stamp=stamp)
            trial = await drive(to, schedule(planned()), timeout=60)

        (one,) = trial.observed
        assert (stamp, one.failure) == (stamp, "")
        assert one.chunks == (TOKENS if stream else 1)
        assert one.tokens_out == TOKENS
        assert (stamp, one.lost, one.duplicated) == (stamp, 0, 0)
        assert len(one.emitted) == (0 if stamp is Stamp.NONE else one.chunks)
        assert bool(one.taken_ns) == bool(one.emitted)


async def test_connections_are_open_before_they_are_needed_and_used_again() -> None:
    requests = [planned(at=0.2 * at) for at in range(9)]
    async with running(profile()) as engine:
        await drive(target(engine), schedule(*requests), timeout=60)
        used = {record.connection for record in engine.requests}

    assert len(engine.requests) == 9
    assert len(used) < 6, "idle connections were not used again"


async def test_a_fresh_connection_is_used_once() -> None:
    requests = [planned(at=0.02 * at, fresh=at % 2 == 1) for at in range(6)]
    async with running(profile()) as engine:
        # One after the other: else they may come in another order than they were sent in.
        trial = await drive(target(engine), schedule(*requests, concurrency=1), timeout=60)
        connections = [record.connection for record in engine.requests]

    assert [one.failure for one in trial.observed] == [""] * 6
    fresh = [connections[1], connections[3], connections[5]]
    assert all(connections.count(number) == 1 for number in fresh)


async def test_a_cancelled_request_resets_its_connection_and_is_no_failure() -> None:
    async with running(profile()) as engine:
        asked = Planned(input_tokens=8, output_tokens=900, cancel_after=0.05)
        trial = await drive(target(engine), schedule(asked), timeout=60)
        await eventually(lambda: [one.stage for one in engine.requests] == [Stage.ABORTED])

    (one,) = trial.observed
    assert (one.cancelled, one.failure) == (True, "")
    assert 0 < one.chunks < 900
    assert one.ended_ns - one.sent_ns >= 50_000_000


async def test_turns_follow_one_another() -> None:
    turns = [planned(session=0, turn=at, think=0.03) for at in range(3)]
    async with running(profile()) as engine:
        trial = await drive(target(engine), schedule(*turns), timeout=60)

    for before, after in pairwise(trial.observed):
        assert after.intended_ns == before.ended_ns + 30_000_000
        assert after.sent_ns >= after.intended_ns


async def test_a_closed_loop_keeps_to_its_places() -> None:
    requests = [planned() for _ in range(9)]
    async with running(profile()) as engine:
        trial = await drive(target(engine), schedule(*requests, concurrency=3), timeout=60)

    begun = [one.sent_ns for one in trial.observed]
    ended = sorted(one.ended_ns for one in trial.observed)
    assert [one.failure for one in trial.observed] == [""] * 9
    assert all(start >= end for start, end in zip(sorted(begun)[3:], ended, strict=False))
    assert all(one.sent_ns - one.intended_ns < 1_000_000_000 for one in trial.observed)


async def test_a_closed_loop_ends_with_its_duration() -> None:
    many = schedule(*[planned() for _ in range(5000)], concurrency=2)
    plan = msgspec.structs.replace(many, until=0.1)
    async with running(profile()) as engine:
        trial = await asyncio.wait_for(drive(target(engine), plan, timeout=60), 60)

    assert 2 <= len(trial.observed) < 5000
    assert {one.failure for one in trial.observed} == {""}
    assert max(one.sent_ns for one in trial.observed) < trial.began_ns + 2_000_000_000


async def test_a_slow_reader_holds_the_engine_back() -> None:
    asked = Planned(input_tokens=8, output_tokens=300, read_rate=60_000.0)
    fast = Planned(input_tokens=8, output_tokens=300)
    async with running(Profile(models=("m",), output_tokens=1000)) as engine:
        trial = await drive(target(engine), schedule(asked, fast), timeout=60)

    slow, other = trial.observed
    size = 300 * 180
    assert (slow.failure, other.failure) == ("", "")
    assert slow.ended_ns - slow.sent_ns > size / 60_000 * 1e9 / 2
    assert other.ended_ns - other.sent_ns < slow.ended_ns - slow.sent_ns


async def test_what_fails_is_told_and_the_rest_goes_on() -> None:
    requests = [planned(at=0.03 * at) for at in range(3)]
    async with running(profile(), [Fault(kind=Kind.STATUS, status=503, next=1)]) as engine:
        trial = await drive(target(engine), schedule(*requests), timeout=60)

    failures = [one.failure for one in trial.observed]
    assert failures[0].startswith("status 503: ")
    assert failures[1:] == ["", ""]


async def test_an_answer_that_does_not_end_is_given_up() -> None:
    async with running(profile(), [Fault(kind=Kind.HANG)]) as engine:
        began = time.monotonic()
        trial = await drive(target(engine), schedule(planned()), timeout=0.1)

    assert trial.observed[0].failure == "no end within 0.1 s"
    assert time.monotonic() - began < 20


async def test_a_refused_connection_fails_the_requests() -> None:
    async with running(profile()) as engine:
        to = target(engine)
    trial = await drive(to, schedule(planned(), planned()), timeout=1)

    assert all(one.failure.startswith("cannot connect") for one in trial.observed)


async def test_of_several_addresses_the_one_that_listens_is_taken(
    free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(profile()) as engine:
        places = [("127.0.0.1", free_port()), ("127.0.0.1", engine.port)]

        loop = asyncio.get_running_loop()
        ask = loop.getaddrinfo

        async def look_up(host: str, port: int, **more: Any) -> list[Any]:
            if host != "two.invalid":
                return await ask(host, port, **more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

        monkeypatch.setattr(loop, "getaddrinfo", look_up)
        found = await route(Target(name="t", url="http://two.invalid:1"))

    assert found.place == places[1]


async def test_a_host_that_does_not_exist_is_said_before_the_load() -> None:
    to = Target(name="x", url="http://host.invalid:1", model="m")

    with pytest.raises(EndpointError, match="cannot be found"):
        await drive(to, schedule(planned()), timeout=1)


async def test_progress_reaches_the_end() -> None:
    told: list[tuple[int, int]] = []
    async with running(profile()) as engine:
        await drive(
            target(engine),
            schedule(planned(), planned()),
            progress=lambda ended, total: told.append((ended, total)),
            timeout=60,
        )

    assert told[-1] == (2, 2)
