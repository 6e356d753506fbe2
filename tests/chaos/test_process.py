"""Rows 35, 37 and 39: the proxy's own troubles, from files that run out to a clock that jumps."""

import asyncio
import collections
import json
import resource
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.launch import start as start_engine
from benchmarks.fake.profile import Profile
from proxy.flow import deadlines
from tests.fixtures.chaos import DONE, ERROR, LAST_CHUNK, staged, whole
from tests.fixtures.process import ProxyProcess, proxy_process
from tests.fixtures.stack import MODEL, eventually, serving
from tests.fixtures.wire import Broken, Reply, Wire, chat, connected, get, post
from tests.fixtures.wire import port_of as stack_port

Port = Callable[[], int]
FILES = 128
FULL = (
    FILES - FILES // 10 - 40 - 1
)  # beside a stream: 40 are the process's own, a tenth is kept back


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with running(Profile(pace=0.01)) as engine:
        yield engine


def port_of(proxy: ProxyProcess) -> int:
    return int(proxy.url.rpartition(":")[2])


async def begun(port: int, tokens: int) -> tuple[Wire, Reply]:
    """Return a connection on which a stream has begun, and its head."""
    wire = await Wire.open(port)
    wire.send(post(chat(tokens, stream=True, ignore_eos=True)))
    return wire, await wire.head()


async def status(proxy: ProxyProcess) -> dict[str, Any]:
    async with aiohttp.ClientSession() as client, client.get(f"{proxy.admin}/status") as answer:
        found: dict[str, Any] = json.loads(await answer.read())
        return found


async def answers(port: int) -> bool:
    """Tell whether a new client is served."""
    try:
        async with connected(port) as wire:
            wire.send(post(chat()))
            return whole(await wire.answer(), stream=False, tokens=4)
    except (OSError, asyncio.IncompleteReadError, Broken):
        return False


class Crowd:
    """Clients that take every file a process may open."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []

    async def gather(self, port: int, count: int) -> list[Wire]:
        """Connect so many, and return those that get an answer."""
        self.wires = [await Wire.open(port) for _ in range(count)]
        for wire in self.wires:
            wire.send(get("/health"))
        heads = await asyncio.gather(
            *(wire.answer() for wire in self.wires), return_exceptions=True
        )
        return [w for w, head in zip(self.wires, heads, strict=True) if isinstance(head, Reply)]

    def leave(self) -> None:
        for wire in self.wires:
            wire.reset()


async def test_row_35_out_of_files_streams_go_on_and_it_recovers(
    engine: Engine, free_port: Port
) -> None:
    crowd = Crowd()
    async with proxy_process([engine.url], free_port) as proxy:
        port = port_of(proxy)
        streaming, head = await begun(port, 250)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        served = await crowd.gather(port, 2 * FILES)
        assert 10 < len(served) < FILES  # the others are closed, and not served half

        served[0].send(post(chat()))  # perhaps no file is left for a connection to the engine
        reply = await served[0].answer()
        assert reply.status == 200 or (reply.status, reply.code) == (500, "internal_error")
        await streaming._body(head)
        assert head.body.endswith(DONE)
        crowd.leave()
        streaming.close()

        await until(lambda: answers(port))
        (backend,) = (await status(proxy))["backends"]
        assert (backend["state"], backend["breaker"]["opened"]) == ("ready", 0)
        assert "Traceback" not in proxy.log()
        proxy.send(signal.SIGTERM)
        proxy.send(signal.SIGTERM)
        await proxy.ended()
        ends = collections.Counter(line["end"] for line in proxy.access_lines())
        assert ends["PC"] == (reply.status == 500)
        assert set(ends) <= {"--", "PC", "PQ"}


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Wait until a question is answered with yes."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.05)


async def test_row_35_running_out_of_files_is_told_and_streams_go_on(
    engine: Engine, free_port: Port
) -> None:
    async with proxy_process([engine.url], free_port) as proxy:
        port = port_of(proxy)
        streaming, head = await begun(port, 300)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        wires = [await Wire.open(port) for _ in range(FULL)]
        await until(lambda: logged(proxy, "open files run short"))
        late = [await Wire.open(port) for _ in range(4)]  # not yet too many to be told
        replies = await asyncio.gather(*(asked(wire) for wire in late))
        assert None not in replies
        replies += await asyncio.gather(*(asked(wire) for wire in wires))
        told = [reply.code for reply in replies if reply is not None and reply.status == 503]
        assert set(told) == {"queue_full"}
        assert any(reply is not None and reply.status == 200 for reply in replies)
        for wire in (*wires, *late):
            wire.writer.transport.abort()
        await streaming._body(head)
        assert head.body.endswith(DONE)
        streaming.close()
        await until(lambda: answers(port))
        assert proxy.log().count("open files run short") == 1
        assert "Traceback" not in proxy.log()


async def asked(wire: Wire) -> Reply | None:
    """Return the answer to a request; None if there is none."""
    try:
        wire.send(post(chat()))
        return await wire.answer()
    except (OSError, asyncio.IncompleteReadError, Broken):
        return None


async def logged(proxy: ProxyProcess, words: str) -> bool:
    """Tell whether a line of the log holds these words."""
    return words in proxy.log()


async def test_row_37_sigterm_under_load_finishes_every_stream(
    engine: Engine, free_port: Port
) -> None:
    more = "drain: {delay: 0s, timeout: 20s}\n"
    async with proxy_process([engine.url], free_port, more) as proxy:
        streams = [await begun(port_of(proxy), 40) for _ in range(8)]
        proxy.send(signal.SIGTERM)
        for wire, head in streams:
            await wire._body(head)
            assert head.body.endswith(DONE)
            wire.close()
        assert await proxy.ended() == 0
        assert [line["end"] for line in proxy.access_lines()] == ["--"] * 8


async def test_row_37_a_second_sigterm_tells_the_streams_and_ends(
    engine: Engine, free_port: Port
) -> None:
    more = "drain: {delay: 0s, timeout: 60s}\n"
    async with proxy_process([engine.url], free_port, more) as proxy:
        wire, _ = await begun(port_of(proxy), 100_000)
        proxy.send(signal.SIGTERM)
        await until(lambda: refuses(port_of(proxy)))
        proxy.send(signal.SIGTERM)
        got = await wire.ended()
        assert ERROR in got
        assert b"draining" in got
        assert not got.endswith(LAST_CHUNK)
        wire.close()
        assert await proxy.ended() == 0
        assert [line["end"] for line in proxy.access_lines()] == ["PS"]
    await eventually(lambda: engine.requests.aborted == 1)


async def refuses(port: int) -> bool:
    """Tell whether the listener is closed."""
    try:
        (await Wire.open(port)).close()
    except OSError:
        return True
    return False


async def test_row_39_a_clock_that_jumps_moves_no_deadline(free_port: Port) -> None:
    async with staged(free_port) as scene:
        scene.engine.faults.set(Fault(kind=Kind.SILENCE, after=2, seconds=0.15))
        access = scene.stack.instance._access
        for jump in (3600.0, -3600.0):
            access._wall = lambda jump=jump: time.time() + jump  # type: ignore[misc]
            assert whole(await scene.ask())
        line = (await scene.ended(2))[-1]
        assert (line.end, scene.first.breaker.run) == ("--", 0)
        assert 0 < line.duration_ms < 5000


async def test_row_39_a_stall_of_the_loop_trips_nothing(free_port: Port) -> None:
    """The engines went on meanwhile; their bytes are there, only nobody has read them."""
    child = await start_engine(Profile(pace=0.2, models=(MODEL,)))
    document = f"backends: [{{name: a, url: '{child.url}'}}]\ntimeouts: {{idle: 2s}}\n"
    try:
        async with serving(document, free_port) as stack:
            wires = [await Wire.open(stack_port(stack)) for _ in range(5)]
            for wire in wires:
                wire.send(post(chat(20, stream=True, ignore_eos=True)))
            heads = [await wire.head() for wire in wires]
            for call in stack.instance._course.calls:  # the worst moment: just looked at
                deadlines.visit(call, stack.instance.now())
            time.sleep(3)  # noqa: ASYNC251 - the stall itself
            for wire, head in zip(wires, heads, strict=True):
                await wire._body(head)
                assert head.body.endswith(DONE)
                wire.close()
            assert not stack.instance.failures()
    finally:
        await child.stop()
