"""The APIs the simulated engine may not speak, from canned streams; and TLS."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.client.drive import drive
from benchmarks.client.probe import probe
from benchmarks.client.target import Api, EndpointError, Stamp, Target
from benchmarks.load.observed import Observed
from benchmarks.load.planned import Planned, Schedule

ONE = Schedule(requests=(Planned(input_tokens=8, output_tokens=2),), span=0.0)
SSE, LINES = "text/event-stream", "application/x-ndjson"

MESSAGES = (
    (
        b'event: message_start\ndata: {"type":"message_start","message":{"usage":'
        b'{"input_tokens":8,"output_tokens":1}}}\n\n'
    ),
    b'event: ping\ndata: {"type":"ping"}\n\n',
    (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","stamp_ns":5,"token":0,'
        b'"taken_ns":4,"delta":{"type":"text_delta","text":"amber"}}\n\n'
    ),
    (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","stamp_ns":6,"token":1,'
        b'"delta":{"type":"text_delta","text":" basin"}}\n\n'
    ),
    (
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"max_tokens"},'
        b'"usage":{"output_tokens":2}}\n\n'
    ),
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
)
RESPONSES = (
    (
        b'event: response.created\ndata: {"type":"response.created","response":{"status":'
        b'"in_progress"}}\n\n'
    ),
    (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
        b'"stamp_ns":5,"token":0,"taken_ns":4,"delta":"amber"}\n\n'
    ),
    (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
        b'"stamp_ns":6,"token":1,"delta":" basin"}\n\n'
    ),
    (
        b'event: response.completed\ndata: {"type":"response.completed","response":{"status":'
        b'"completed","usage":{"input_tokens":8,"output_tokens":2}}}\n\n'
    ),
)
OLLAMA = (
    (
        b'{"message":{"role":"assistant","content":"amber"},"done":false,"stamp_ns":5,"token":0,'
        b'"taken_ns":4}\n'
    ),
    b'{"message":{"role":"assistant","content":" basin"},"done":false,"stamp_ns":6,"token":1}\n',
    (
        b'{"message":{"role":"assistant","content":""},"done":true,"done_reason":"length",'
        b'"prompt_eval_count":8,"eval_count":2}\n'
    ),
)
CHAT = (
    b'data: {"choices":[{"delta":{"content":"amber"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":" basin"},"finish_reason":"length"}]}\n\n',
    b"data: [DONE]\n\n",
)


@asynccontextmanager
async def speaking(
    kind: str, events: Sequence[bytes], context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Answer every request with these events, one chunk each, a millisecond apart."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0] or 0)
                await reader.readexactly(length)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
                    b"content-type: %b\r\n\r\n" % kind.encode()
                )
                for event in events:
                    writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                    await asyncio.sleep(0.001)
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def observed(to: Target) -> Observed:
    trial = await drive(to, ONE, warm=1, timeout=60)
    return trial.observed[0]


@pytest.mark.parametrize(
    ("api", "kind", "events", "finish"),
    [
        (Api.MESSAGES, SSE, MESSAGES, "max_tokens"),
        (Api.RESPONSES, SSE, RESPONSES, "completed"),
        (Api.OLLAMA, LINES, OLLAMA, "length"),
    ],
)
async def test_streams_of_other_apis(
    api: Api, kind: str, events: Sequence[bytes], finish: str
) -> None:
    async with speaking(kind, events) as port:
        one = await observed(
            Target(
                name="t",
                url=f"http://127.0.0.1:{port}",
                model="m",
                api=api,
                stamp=Stamp.FIELD,
            )
        )

    assert (one.failure, one.finish, one.chunks) == ("", finish, 2)
    assert (one.tokens_in, one.tokens_out) == (8, 2)
    assert (one.taken_ns, one.emitted, one.lost) == (4, [5, 6], 0)
    assert one.first_ns == one.received[0] < one.received[1]


@pytest.mark.parametrize(
    ("api", "kind", "events"),
    [(Api.MESSAGES, SSE, MESSAGES), (Api.RESPONSES, SSE, RESPONSES), (Api.OLLAMA, LINES, OLLAMA)],
)
async def test_a_stream_without_its_last_events_is_not_complete(
    api: Api, kind: str, events: Sequence[bytes]
) -> None:
    last = -2 if api is Api.MESSAGES else -1
    async with speaking(kind, events[:last]) as port:
        one = await observed(Target(name="t", url=f"http://127.0.0.1:{port}", model="m", api=api))

    assert one.failure == "the stream ended without saying that it is complete"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate nobody trusts; the key is in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    words += f" -subj /CN=localhost -keyout {file} -out {file}.crt"
    subprocess.run(words.split(), check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


async def test_https(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with speaking(SSE, CHAT, context) as port:
        to = Target(name="t", url=f"https://127.0.0.1:{port}", model="m", insecure=True)
        one = await observed(to)
        with pytest.raises(EndpointError, match="is not trusted"):
            await probe(Target(name="t", url=f"https://127.0.0.1:{port}", model="m"))

    assert (one.failure, one.chunks) == ("", 2)
