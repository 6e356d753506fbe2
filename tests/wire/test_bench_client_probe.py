"""What the probe says of endpoints that cannot be measured, and of those that can."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from benchmarks.client.probe import probe
from benchmarks.client.target import EndpointError, Stamp, Target
from benchmarks.fake.engine import running
from benchmarks.fake.faults import Fault, Kind, Where
from benchmarks.fake.profile import Profile, Stamps

MODELS = b'{"data":[{"id":"a"},{"id":"b"}]}'


def profile(stamps: Stamps) -> Profile:
    return Profile(models=("m", "n"), stamps=stamps, pace=0.002, output_tokens=1000)


def answer(status: int, body: bytes, kind: str = "application/json") -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


@asynccontextmanager
async def speaking(
    post: bytes, models: bytes = answer(200, MODELS), wait: float = 0.0
) -> AsyncIterator[Target]:
    """Listen with canned answers: one for the list of models, one for everything else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            await asyncio.sleep(wait)
        writer.write(models if head.startswith(b"GET") else post)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield Target(name="t", url=f"http://127.0.0.1:{port}", model="a")


async def sentence(to: Target, timeout: float = 30.0) -> str:
    with pytest.raises(EndpointError) as caught:
        await probe(to, timeout=timeout)
    return str(caught.value)


@pytest.mark.parametrize("stamp", list(Stamp))
async def test_it_finds_out_where_the_stamps_are(stamp: Stamp) -> None:
    async with running(profile(Stamps(stamp))) as engine:
        found = await probe(Target(name="t", url=engine.url))

    assert (found.stamp, found.model, found.models) == (stamp, "m", ("m", "n"))
    assert found.engine
    assert (found.chunks, found.tokens, found.ignore_eos) == (24, 24, True)
    assert found.first_token_ms > 0


async def test_a_document_needs_no_stream() -> None:
    async with running(profile(Stamps.NONE)) as engine:
        found = await probe(Target(name="t", url=engine.url, stream=False))

    assert (found.streamed, found.chunks, found.tokens) == (False, 1, 24)


async def test_an_unknown_model_lists_those_that_exist() -> None:
    async with running(profile(Stamps.NONE)) as engine:
        said = await sentence(Target(name="t", url=engine.url, model="gpt"))

    assert said == f"{engine.url} has no model 'gpt'. It has: m, n."


async def test_nothing_listens(free_port: Callable[[], int]) -> None:
    said = await sentence(Target(name="t", url=f"http://127.0.0.1:{free_port()}", model="a"))

    assert "Nothing listens" in said


async def test_a_page_is_not_an_endpoint() -> None:
    page = answer(404, b"<html>Not here</html>", "text/html")
    async with speaking(page, page) as to:
        said = await sentence(to)

    assert "is not there (404: <html>Not here</html>)" in said
    assert "/v1/chat/completions" in said


@pytest.mark.parametrize("status", [401, 403])
async def test_no_permission(status: int) -> None:
    refused = answer(status, b'{"error":{"message":"bad key"}}')
    async with speaking(refused, refused) as to:
        said = await sentence(to)

    assert f"({status}: bad key). Is the API key right?" in said


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (answer(404, b"{}"), "answers with 404. Is the URL right?"),
        (answer(200, b"<html>hi</html>", "text/html"), "something else than a list of models."),
        (answer(200, b'{"data":[]}'), "(/v1/models) lists no models. Else name the model"),
    ],
)
async def test_without_a_model_the_list_must_have_one(models: bytes, said: str) -> None:
    async with speaking(answer(200, b"{}"), models) as to:
        found = await sentence(msgspec.structs.replace(to, model=""))

    assert said in found
    assert found.endswith("name the model to ask (--model).")


async def test_an_endpoint_that_does_not_stream() -> None:
    document = answer(200, b'{"choices":[{"message":{"content":"hi"}}]}')
    async with speaking(document) as to:
        said = await sentence(to)

    assert "does not stream: asked for a stream, got application/json" in said


async def test_a_stream_made_after_the_answer() -> None:
    events = b"".join(b'data: {"choices":[{"text":"w"}]}\n\n' for _ in range(10))
    async with speaking(
        answer(200, events + b"data: [DONE]\n\n", "text/event-stream"), wait=0.06
    ) as to:
        said = await sentence(to)

    assert "10 events came in one piece" in said


async def test_a_proxy_that_buffers() -> None:
    buffered = Fault(kind=Kind.ONE_SEGMENT, where=Where.GENERATE)
    async with running(profile(Stamps.FIELD), [buffered]) as engine:
        said = await sentence(Target(name="t", url=engine.url))

    assert "is behind something that buffers: 24 events written over" in said


async def test_a_busy_endpoint() -> None:
    async with running(profile(Stamps.NONE), [Fault(kind=Kind.STATUS, status=503)]) as engine:
        said = await sentence(Target(name="t", url=engine.url, model="m"))

    assert "takes no request at the moment (503" in said


async def test_a_broken_stream() -> None:
    async with running(profile(Stamps.NONE), [Fault(kind=Kind.CUT, after=3)]) as engine:
        said = await sentence(Target(name="t", url=engine.url, model="m"))

    assert "does not answer as it should: closed in the middle of the answer" in said


async def test_an_answer_that_never_comes() -> None:
    async with running(profile(Stamps.NONE), [Fault(kind=Kind.HANG)]) as engine:
        said = await sentence(Target(name="t", url=engine.url, model="m"), timeout=0.1)

    assert "did not end its answer within 0.1 s" in said


async def test_https_at_a_plain_port_and_the_other_way_round() -> None:
    async with running(profile(Stamps.NONE)) as engine:
        said = await sentence(
            Target(name="t", url=engine.url.replace("http:", "https:"), model="m")
        )
    assert "TLS failed" in said

    async with speaking(b"", b"\x15\x03\x01\x00\x02\x02\x16") as to:
        said = await sentence(to)
    assert "Is it https?" in said


async def test_an_endpoint_that_refuses_unknown_fields_is_asked_without() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        reply = answer(200, MODELS)
        if head.startswith(b"POST"):
            asked.append(await reader.read(4096))
            reply = answer(400, b'{"error":{"message":"Unknown field: ignore_eos"}}')
            if b"ignore_eos" not in asked[-1]:
                events = b'data: {"choices":[{"text":"w"}]}\n\ndata: [DONE]\n\n'
                reply = answer(200, events, "text/event-stream")
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await probe(Target(name="t", url=f"http://127.0.0.1:{port}"))

    assert len(asked) == 2
    assert (found.ignore_eos, found.model, found.engine) == (False, "a", "")
