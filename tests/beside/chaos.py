"""Faults of the catalogue that lie in an engine, met by headrace, nginx and Envoy alike.

    python -m tests.beside.chaos

Each proxy has a network of its own between itself and a simulated engine, on which the fault is
switched on; it is asked once, streamed, and the answer is judged as the row says. One engine, so
that there is nobody to move to; the last rows have two, of which one is well.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from benchmarks.driver.arms import HEADRACE
from benchmarks.driver.procs import free_port
from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.beside.subjects import NAMES, subjects, table
from tests.fixtures.chaos import DONE, saying
from tests.fixtures.faultline import Door, Faultline, Script, faulted
from tests.fixtures.wire import Broken, Reply, chat, connected, post

SECONDS: Final = 4.0  # for an answer; a proxy that takes longer hangs
GOOD: Final = 8  # good answers in a row, between two faults
WORDS: Final = {True: "right", False: "**wrong**", None: "not here"}
TIMES: Final = 10  # requests of the rows with two engines
SSE: Final = b"content-type: text/event-stream\r\n"
OK: Final = b"HTTP/1.1 200 OK\r\n" + SSE
EVENT: Final = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
BODY: Final = EVENT + DONE
WHOLE: Final = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
CHUNKED: Final = b"transfer-encoding: chunked\r\n\r\n"


class Got(msgspec.Struct):
    """What a client got: a whole answer, or what came of one that broke off, or nothing in time."""

    reply: Reply | None = None
    rest: bytes = b""
    silent: bool = False


Judge = Callable[[Got], bool]


class Row(msgspec.Struct, frozen=True):
    """A fault, as one of the engine's own or as the bytes it says, and what is right to get."""

    title: str
    right: Judge
    fault: Fault | None = None
    script: Script | None = None


def failed(got: Got) -> bool:
    """Tell whether the client was told of an error of the server's."""
    return got.reply is not None and got.reply.status >= 500


def visible(got: Got) -> bool:
    """Tell whether it got part of an answer that cannot be taken for all of it, or an error."""
    return failed(got) or (got.reply is None and not got.silent)


def events(got: Got) -> bool:
    """Tell whether such a part holds whole events only."""
    return visible(got) and (failed(got) or decoded(got.rest).endswith(b"\n\n"))


def served(got: Got) -> bool:
    """Tell whether it got the whole answer and nothing else."""
    if got.reply is None or got.reply.status != 200:
        return False
    body = got.reply.body
    return body.endswith(DONE) and b"nobody" not in body and b'"error"' not in body


def either(got: Got) -> bool:
    """Tell whether the answer was made clean, or refused."""
    return failed(got) or served(got)


def clean(got: Got) -> bool:
    """Tell whether no byte reached the client that does not belong into a head."""
    fields = got.reply.fields if got.reply is not None else []
    dirty = any(set(value) & BAD for _, value in fields)
    return either(got) and not dirty


BAD: Final = frozenset(b"\x00\x01\r\n")


def status(wanted: int) -> Judge:
    """Return a judge of the status."""
    return lambda got: got.reply is not None and got.reply.status == wanted


def decoded(raw: bytes) -> bytes:
    """Return the data of a chunked body as far as it came, half a chunk included."""
    data = b""
    while raw:
        line, found, raw = raw.partition(b"\r\n")
        if not found or not line:
            break
        size = int(line, 16)
        data += raw[:size]
        raw = raw[size + 2 :]
    return data


def said(head: bytes, body: bytes = WHOLE) -> Script:
    """Return an engine that says these bytes and closes."""
    return saying(head + body, close=True)


ROWS: Final = (
    Row("1 closed before any byte", failed, Fault(kind=Kind.CLOSE)),
    Row("2 reset before any byte", failed, Fault(kind=Kind.CLOSE, reset=True)),
    Row("3 closed after the head", visible, Fault(kind=Kind.CLOSE_HEAD)),
    Row("4 closed after three tokens", visible, Fault(kind=Kind.CUT, after=3)),
    Row("5 reset after three tokens", visible, Fault(kind=Kind.CUT, after=3, reset=True)),
    Row("6 killed inside an event: no half event", events, Fault(kind=Kind.CUT_INSIDE, after=3)),
    Row("7 fewer bytes than announced", visible, script=said(OK + b"content-length: 900\r\n\r\n")),
    Row("8 bytes behind the answer", served, Fault(kind=Kind.EXTRA_BYTES)),
    Row("9 a chunk size that is none", visible, Fault(kind=Kind.BAD_CHUNK, after=3)),
    Row("10 two framings at once", either, script=said(OK + b"content-length: 5\r\n" + CHUNKED)),
    Row("11 a status line that is none", failed, script=said(b"HELLO WORLD\r\n" + CHUNKED)),
    Row("12 100 and 103 first", served, script=said(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK + CHUNKED
    )),
    Row("13 101 that nobody asked for", failed, script=said(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"
    )),
    Row("15 a head of 200 kB", failed, script=said(
        OK + b"x-a: %b\r\n" % (b"a" * 200_000) + CHUNKED
    )),
    Row("15 2,000 header fields", failed, script=said(OK + b"x-a: 1\r\n" * 2000 + CHUNKED)),
    Row("16 NUL in a field", clean, script=said(OK + b"x-a: a\x00b\r\n" + CHUNKED)),
    Row("16 a control byte in a field", clean, script=said(OK + b"x-a: a\x01b\r\n" + CHUNKED)),
    Row("17 a folded field", clean, script=said(OK + b"x-a: a\r\n b\r\n" + CHUNKED)),
    Row("17 bare line feeds", clean, script=said((OK + CHUNKED).replace(b"\r\n", b"\n"))),
    Row("22 200, then an error event: told as an error", failed, Fault(kind=Kind.ERROR_FIRST)),
    Row("23 500", status(500), Fault(kind=Kind.STATUS, status=500)),
    Row("23 503", status(503), Fault(kind=Kind.STATUS, status=503)),
    Row("23 429", status(429), Fault(kind=Kind.STATUS, status=429)),
)  # fmt: skip
# Of two engines one has this fault: every request is to be served whole by the other.
MOVED: Final = (
    Row("1 closed before any byte", served, Fault(kind=Kind.CLOSE)),
    Row("2 reset before any byte", served, Fault(kind=Kind.CLOSE, reset=True)),
    Row("3 closed after the head", served, Fault(kind=Kind.CLOSE_HEAD)),
    Row("22 200, then an error event", served, Fault(kind=Kind.ERROR_FIRST)),
    Row("23 503", served, Fault(kind=Kind.STATUS, status=503)),
    Row("24 connections are refused", served),
)


async def ask(port: int) -> Got:
    """Ask for a stream, once."""
    async with connected(port) as wire:
        wire.send(post(chat(6, stream=True)))
        try:
            async with asyncio.timeout(SECONDS):
                reply = await wire.answer()
                while reply.status < 200:
                    reply = await wire.answer()
                return Got(reply=reply)
        except Broken as broken:
            return Got(rest=broken.args[0])
        except TimeoutError:
            return Got(silent=True)
        except (asyncio.IncompleteReadError, AssertionError, ValueError, OSError):
            return Got()  # closed, or not to be read


class Stage:
    """One proxy, the networks to its engines, and the engines."""

    def __init__(self, port: int, lines: list[Faultline], engines: list[Engine]) -> None:
        self.port = port
        self.lines = lines
        self.engines = engines

    async def recovered(self) -> None:
        """Ask until the proxy has forgotten what its first engine did before, and asks it again."""
        good, asked = 0, self.engines[0].requests
        before = asked.received
        async with asyncio.timeout(60):
            while good < GOOD or asked.received == before:
                good = good + 1 if served(await ask(self.port)) else 0
                await asyncio.sleep(0.02)

    async def meets(self, row: Row, times: int = 1) -> bool:
        """Tell whether the proxy does right when its first engine has the row's fault."""
        line, engine = self.lines[0], self.engines[0]
        if row.fault is not None:
            engine.faults.set(row.fault)
        line.script = row.script
        if row.fault is None and row.script is None:
            await line.let(Door.SHUT)
            line.break_all()
        else:
            line.break_all(reset=False)  # what was pooled knows nothing of a script
        await asyncio.sleep(0.05)
        try:
            return all([row.right(await ask(self.port)) for _ in range(times)])
        finally:
            engine.faults.clear()
            line.script = None
            await line.let(Door.OPEN)


async def act(name: str, rows: Sequence[Row], engines: int, times: int) -> list[bool | None]:
    """Try all rows on one proxy; empty if it is not here."""
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(running(Profile())) for _ in range(engines)]
        taken: set[int] = set()
        lines = [
            await stack.enter_async_context(faulted(engine.port, free_port(taken)))
            for engine in made
        ]
        ports = await stack.enter_async_context(subjects([line.port for line in lines], [name]))
        if name not in ports:
            return []
        stage = Stage(ports[name], lines, made)
        found: list[bool | None] = []
        for row in rows:
            await stage.recovered()
            found.append(await stage.meets(row, times))
        return found


async def main() -> int:
    """Try everybody, print the tables; fail if headrace does anything wrong."""
    wrong = 0
    for head, rows, engines, times in (("fault", ROWS, 1, 1), ("one of two", MOVED, 2, TIMES)):
        tries = [act(name, rows, engines, times) for name in NAMES]
        found = [all_of or [None] * len(rows) for all_of in await asyncio.gather(*tries)]
        shown = [
            (row.title, *(WORDS[right] for right in rights))
            for row, *rights in zip(rows, *found, strict=True)
        ]
        shown.append((f"**right, of {len(rows)}**", *(str(each.count(True)) for each in found)))
        print(table(head, shown, NAMES), end="\n\n")
        wrong += len(rows) - found[NAMES.index(HEADRACE)].count(True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
