"""Connections that the engine closes just when a request is sent on them.

The engine closes a connection to the millisecond 0.2 s after its last answer; headrace keeps idle
ones for longer, so it learns of that when it is told, or when a request is lost. Clients come in
crowds of 20, so that as many connections are of one age.
"""

import asyncio
import random
from typing import cast

import httptools
from typing_extensions import override

from benchmarks.driver.workload import MODEL, chat
from tests.beside.scorecard.row import Row
from tests.beside.scorecard.sending import Asked, Line, ask, open_line
from tests.beside.scorecard.stage import metric, port, proxied

REQUESTS, CROWD = 2000, 20
IDLE = 0.2  # seconds
EARLY, LATE = -0.004, 0.001  # around it the next crowd comes

BODY = (
    b'{"id":"a","object":"chat.completion","model":"%b","choices":[{"index":0,"message":'
    % (MODEL.encode())
    + b'{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}'
)
MODELS = b'{"object":"list","data":[{"id":"%b","object":"model"}]}' % MODEL.encode()


class Impatient(asyncio.Protocol):
    """An engine that closes on time."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Read the request."""
        if self._timer is not None:
            self._timer.cancel()
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Note the path."""
        self._url = url

    def on_message_complete(self) -> None:
        """Answer, and wait for so long."""
        assert self._transport is not None
        paths = {b"/v1/models": MODELS, b"/v1/chat/completions": BODY}
        status = b"200 OK" if self._url in paths else b"404 Not Found"
        body = paths.get(self._url, b"{}")
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body)) + body)
        self._timer = asyncio.get_running_loop().call_later(IDLE, self._transport.close)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()


async def crowd(lines: list[Line], request: bytes) -> list[Asked]:
    """Send one request on each connection at once."""
    return list(await asyncio.gather(*(ask(line, request, stream=False) for line in lines)))


async def measure() -> list[Row]:
    """Come again and again when the connections are about to be closed."""
    dice, where = random.Random(1), port()
    server = await asyncio.get_running_loop().create_server(Impatient, "127.0.0.1", where)
    asked: list[Asked] = []
    async with server, proxied([f"http://127.0.0.1:{where}"]) as stage:
        lines = [await open_line(stage.port) for _ in range(CROWD)]
        request = chat(stage.port, "hi", tokens=1)
        while len(asked) < REQUESTS:
            asked += await crowd(lines, request)
            await asyncio.sleep(IDLE + dice.uniform(EARLY, LATE))
        again = await metric(stage.admin, "headrace_retries_total")
        for line in lines:
            line.hang_up()
    errors = [each for each in asked if each.error]
    return [
        Row(
            figure="errors by idle connections that an engine closes as a request comes",
            target="0 of 2,000",
            measured=f"{len(errors)} of {len(asked):,}; {again:.0f} were lost on a closing "
            "connection and sent again",
            met=not errors,
        )
    ]
