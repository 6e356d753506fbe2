"""An engine that fails before the commit is replaced; after it, a broken answer stays broken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import CONNECTION, Fault, Kind, Where
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import Stack, backends, eventually, serving
from tests.fixtures.wire import Broken, Reply, chat, connected, port_of, post

Port = Callable[[], int]
TIMES = "timeouts: {connect: 30s, first_token: 30s, idle: 30s}\n"
DONE = b"data: [DONE]\n\n"


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Engine, Engine]]:
    async with running(Profile(name="one")) as one, running(Profile(name="two")) as two:
        yield one, two


def patience(fault: Fault | None) -> str:
    """Return the one short limit that finds a fault, of the engine it strikes; mostly none."""
    if fault is None or (fault.kind is Kind.SILENCE and fault.seconds):
        return "{}"
    if fault.kind is Kind.SILENCE:
        return "{idle: 200ms}"
    hangs = {Kind.HANG_ACCEPT, Kind.HANG, Kind.HANG_HEAD, Kind.DRIP_HEAD}
    return "{first_token: 200ms}" if fault.kind in hangs else "{}"


@pytest.fixture
async def stack(
    request: pytest.FixtureRequest, pair: tuple[Engine, Engine], free_port: Port
) -> AsyncIterator[Stack]:
    """Return a proxy that prefers the first engine."""
    case = getattr(request.node, "callspec", None)
    limit = patience(case.params.get("fault") if case is not None else None)
    document = backends(*pair).replace("name: b", "name: b\n    priority: 1") + TIMES
    document = document.replace("name: a", f"name: a\n    timeouts: {limit}")
    async with serving(document, free_port) as stack:
        yield stack
        await eventually(lambda: not stack.instance.in_flight())
        assert not any(backend.in_flight for backend in stack.instance.backends())


async def ask(stack: Stack, *, stream: bool, tokens: int = 6, version: str = "1.1") -> Reply:
    async with connected(port_of(stack)) as wire:
        wire.send(post(chat(tokens, stream=stream), version=version))
        return await wire.answer()


def assert_whole(reply: Reply, *, stream: bool) -> None:
    assert reply.status == 200, reply.body
    if stream:
        assert reply.body.endswith(DONE)
        assert reply.body.count(b'"content":"') == 7
    else:
        assert reply.json["object"] == "chat.completion"
    assert b"error" not in reply.body


# What strikes before anything has been sent to the client.
BEFORE = [
    Fault(kind=Kind.REFUSE),
    Fault(kind=Kind.DOWN),
    Fault(kind=Kind.HANG_ACCEPT),
    Fault(kind=Kind.CLOSE_ACCEPT),
    Fault(kind=Kind.CLOSE_ACCEPT, reset=True),
    Fault(kind=Kind.CLOSE),
    Fault(kind=Kind.CLOSE, reset=True),
    Fault(kind=Kind.HANG),
    Fault(kind=Kind.STATUS, status=429, retry_after="7"),
    Fault(kind=Kind.STATUS, status=500),
    Fault(kind=Kind.STATUS, status=502),
    Fault(kind=Kind.STATUS, status=503, retry_after="1"),
    Fault(kind=Kind.STATUS, status=504),
    Fault(kind=Kind.STATUS, status=302),
    Fault(kind=Kind.EMPTY),
    Fault(kind=Kind.GARBAGE_STATUS),
    Fault(kind=Kind.SWITCH),
    Fault(kind=Kind.BOTH_LENGTHS),
    Fault(kind=Kind.HUGE_HEADERS, size=200_000),
    Fault(kind=Kind.BAD_HEADER, size=0),
    Fault(kind=Kind.BAD_HEADER, size=7),
    Fault(kind=Kind.DRIP_HEAD, seconds=0.01),
    Fault(kind=Kind.HANG_HEAD),
    Fault(kind=Kind.CLOSE_HEAD),
    Fault(kind=Kind.CLOSE_HEAD, reset=True),
]
BEFORE_A_STREAM = [
    Fault(kind=Kind.ERROR_FIRST),
    Fault(kind=Kind.ERROR_FIRST, done=False),
]
# What a client need never notice.
HARMLESS = [
    Fault(kind=Kind.IDLE_LIMIT, seconds=0.02),
    Fault(kind=Kind.REQUEST_LIMIT, after=1),
    Fault(kind=Kind.DELAY, seconds=0.02),
    Fault(kind=Kind.INTERIM, status=103, size=3),
    Fault(kind=Kind.HTTP10),
    Fault(kind=Kind.CONNECTION_CLOSE),
    Fault(kind=Kind.EXTRA_BYTES),
    Fault(kind=Kind.ONE_SEGMENT),
    Fault(kind=Kind.BYTE_SEGMENTS),
    Fault(kind=Kind.COMMENTS, size=3),
    Fault(kind=Kind.SILENCE, after=2, seconds=0.02),
]
# What breaks an answer whose beginning the client already has.
AFTER = [
    Fault(kind=Kind.CUT, after=3),
    Fault(kind=Kind.CUT, after=3, reset=True),
    Fault(kind=Kind.CUT_INSIDE, after=3),
    Fault(kind=Kind.BAD_CHUNK, after=3),
    Fault(kind=Kind.SILENCE, after=3),
    Fault(kind=Kind.NO_DONE),
    Fault(kind=Kind.NO_LAST_CHUNK),
]


def look(value: object) -> str | None:
    """Return the test's name for a fault."""
    if not isinstance(value, Fault):
        return None
    parts = (value.kind, value.status if value.kind is Kind.STATUS else value.size or "")
    return "-".join(str(part) for part in (*parts, "reset" * value.reset) if part != "")


@pytest.mark.parametrize("fault", BEFORE, ids=look)
async def test_what_fails_before_the_commit_is_answered_by_the_other_engine(
    stack: Stack, pair: tuple[Engine, Engine], fault: Fault
) -> None:
    if fault.kind not in CONNECTION:
        await ask(stack, stream=True)  # a connection is open, a head is known
    pair[0].faults.set(fault)

    for stream in (True, False):
        reply = await ask(stack, stream=stream)

        assert_whole(reply, stream=stream)
        assert reply.field(b"x-headrace-backend") == b"b"


@pytest.mark.parametrize("fault", BEFORE_A_STREAM, ids=look)
async def test_a_stream_that_fails_before_its_first_event_is_answered_by_the_other(
    stack: Stack, pair: tuple[Engine, Engine], fault: Fault
) -> None:
    pair[0].faults.set(fault)

    reply = await ask(stack, stream=True)

    assert_whole(reply, stream=True)
    assert reply.field(b"x-headrace-backend") == b"b"
    assert reply.field(b"x-headrace-attempts") == b"2"


@pytest.mark.parametrize("fault", HARMLESS, ids=look)
async def test_what_is_merely_odd_is_not_noticed(
    stack: Stack, pair: tuple[Engine, Engine], fault: Fault
) -> None:
    pair[0].faults.set(fault)

    for stream in (True, False, True, False):
        reply = await ask(stack, stream=stream)
        assert_whole(reply, stream=stream)
        assert reply.field(b"x-headrace-backend") == b"a"
    assert not len(pair[1].requests)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("fault", AFTER, ids=look)
async def test_what_fails_after_the_commit_is_never_ended_cleanly(
    stack: Stack, pair: tuple[Engine, Engine], fault: Fault, version: str
) -> None:
    pair[0].faults.set(fault)

    async with connected(port_of(stack)) as wire:
        wire.send(post(chat(6, stream=True), version=version))
        # A client of HTTP/1.0 would take a plain end for the whole: it gets a reset.
        with pytest.raises(Broken) as broken:
            await wire.answer()
        got = broken.value.args[0]
        assert not got.endswith(b"0\r\n\r\n")

    if fault.kind not in {Kind.CUT_INSIDE, Kind.BAD_CHUNK}:  # then the framing allows no more
        assert b'data: {"error":' in got
    if fault.kind is not Kind.NO_LAST_CHUNK:
        assert b"[DONE]" not in got
    assert not len(pair[1].requests)


async def test_an_error_inside_a_stream_is_passed_on_and_counted(
    stack: Stack, pair: tuple[Engine, Engine]
) -> None:
    pair[0].faults.set(Fault(kind=Kind.ERROR_MIDSTREAM, after=2))

    reply = await ask(stack, stream=True)

    assert b'{"error":' in reply.body
    assert [record.kind for record in stack.instance.failures()] == ["backend_error_event"]


@pytest.mark.parametrize("fault", [Fault(kind=Kind.CUT), Fault(kind=Kind.WRONG_LENGTH, size=50)])
async def test_a_plain_answer_that_is_cut_off_is_not_whole(
    stack: Stack, pair: tuple[Engine, Engine], fault: Fault
) -> None:
    pair[0].faults.set(fault)

    try:
        reply = await ask(stack, stream=False)
    except Broken:
        return
    assert_whole(reply, stream=False)  # it had not been committed: the other one answered
    assert reply.field(b"x-headrace-backend") == b"b"


def test_every_fault_is_met() -> None:
    met = {fault.kind for fault in (*BEFORE, *BEFORE_A_STREAM, *HARMLESS, *AFTER)}

    assert met == set(Kind) - {Kind.ERROR_MIDSTREAM, Kind.WRONG_LENGTH}


async def test_when_all_fail_the_last_words_are_passed_on(
    stack: Stack, pair: tuple[Engine, Engine]
) -> None:
    for engine in pair:
        engine.faults.set(Fault(kind=Kind.STATUS, status=503, retry_after="7"))

    reply = await ask(stack, stream=True)

    assert reply.status == 503
    assert b"Simulated fault" in reply.body
    assert int(reply.field(b"retry-after")) >= 7


async def test_a_clients_mistake_is_not_tried_elsewhere(
    stack: Stack, pair: tuple[Engine, Engine]
) -> None:
    pair[0].faults.set(Fault(kind=Kind.STATUS, status=422))

    assert (await ask(stack, stream=False)).status == 422
    assert not len(pair[1].requests)


async def test_an_engine_that_dies_under_load_costs_no_client_anything(free_port: Port) -> None:
    profiles = [Profile(name=name, pace=0.002, prefill=0.002) for name in ("one", "two")]
    async with AsyncExitStack() as opened:
        one, two = [await opened.enter_async_context(running(each)) for each in profiles]
        stack = await opened.enter_async_context(serving(backends(one, two), free_port))
        whole = broken = 0
        over = False

        async def client() -> None:
            nonlocal whole, broken
            while not over:
                try:
                    reply = await ask(stack, stream=True, tokens=4)
                except Broken:  # it had begun: its head was there
                    broken += 1
                else:
                    assert reply.status == 200, reply.body
                    assert reply.body.endswith(DONE)
                    whole += 1

        async with asyncio.TaskGroup() as clients:
            for _ in range(8):
                clients.create_task(client())
            await eventually(lambda: whole > 40)
            one.faults.set(Fault(kind=Kind.DOWN))
            before = whole
            await eventually(lambda: whole > before + 80)
            one.faults.clear()
            served = one.requests.received
            await eventually(lambda: one.requests.received > served)
            over = True

        assert broken <= 8
        assert two.requests.received > 80


async def test_an_engine_whose_probes_fail_is_left_alone_and_taken_back(
    stack: Stack, pair: tuple[Engine, Engine]
) -> None:
    pair[0].faults.set(
        Fault(kind=Kind.STATUS, status=503, where=Where.PROBES), Fault(kind=Kind.CLOSE, next=1)
    )
    first = stack.instance.backends()[0]
    assert (await ask(stack, stream=False)).field(b"x-headrace-backend") == b"b"
    await eventually(lambda: not first.available(stack.instance.now()))
    assert (await ask(stack, stream=False)).field(b"x-headrace-attempts") == b"1"

    pair[0].faults.clear()
    await eventually(lambda: first.available(stack.instance.now()))
