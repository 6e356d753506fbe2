"""The simulated engine on real sockets: what it answers, and how each fault looks to a client."""

import asyncio
import os
import time
from collections.abc import Callable

import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind, Where
from benchmarks.fake.launch import launched, start
from benchmarks.fake.ledger import Stage
from benchmarks.fake.profile import Dialect, Profile, Stamps
from benchmarks.fake.words import answer_text

HOST = "127.0.0.1"


def post(path: str, body: object, *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def chat(tokens: int = 4, *headers: str, stream: bool = True, **more: object) -> bytes:
    messages = [{"role": "user", "content": "hi"}]
    body = {"messages": messages, "max_tokens": tokens, "stream": stream, **more}
    return post("/v1/chat/completions", body, *headers)


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


async def send(port: int, data: bytes, *, seconds: float = 30.0) -> bytes:
    """Send bytes and return everything that comes until the end, a reset or the time limit."""
    got = b""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(data)
    try:
        async with asyncio.timeout(seconds):
            while piece := await reader.read(65536):
                got += piece
    except TimeoutError:
        got += b"<silence>"
    except ConnectionResetError:
        got += b"<reset>"
    writer.close()
    return got


async def ask(engine: Engine, data: bytes) -> bytes:
    """Send a request whose answer ends by `Connection: close`, `Host` being its second line."""
    return await send(engine.port, data.replace(b"Host: x", b"Host: x\r\nConnection: close", 1))


def text_of(answer: bytes) -> str:
    events = [line[6:] for line in answer.split(b"\n") if line.startswith(b"data: {")]
    choices = [msgspec.json.decode(event).get("choices") for event in events]
    return "".join(choice[0]["delta"].get("content", "") for choice in choices if choice)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the engine offers no event to wait for
            await asyncio.sleep(0.001)


async def test_a_stream_has_a_role_the_words_the_usage_and_an_end() -> None:
    async with running() as engine:
        answer = await ask(engine, chat(4, stream_options={"include_usage": True}))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"delta":{"role":"assistant"' in answer
    assert text_of(answer) == answer_text("hi", 4)
    assert b'"finish_reason":"length"' in answer
    assert b'"usage":{"prompt_tokens":1,"total_tokens":5,"completion_tokens":4' in answer
    assert answer.endswith(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


async def test_chunk_sizes_are_right_with_stamps_and_padding() -> None:
    profile = Profile(stamps=Stamps.FIELD, event_bytes=400)
    async with running(profile) as engine:
        before = time.monotonic_ns()
        answer = await ask(engine, chat(3))

    body, sizes, stamps = answer.partition(b"\r\n\r\n")[2], [], []
    while body:
        size, body = int(body.partition(b"\r\n")[0], 16), body.partition(b"\r\n")[2]
        event, body = body[:size], body[size + 2 :]
        sizes.append(size)
        if b"stamp_ns" in event:
            stamps.append(msgspec.json.decode(event[6:])["stamp_ns"])
    assert sizes[1:4] == [400, 400, 400]
    assert before < stamps[0] < stamps[1] < stamps[2] < time.monotonic_ns()


async def test_an_answer_in_one_piece_holds_the_same_words() -> None:
    async with running() as engine:
        answer = await ask(engine, chat(4, "x-request-id: abc-1", stream=False))

    body = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
    assert body["choices"][0]["message"]["content"] == answer_text("hi", 4)
    assert body["id"] == "chatcmpl-abc-1"
    assert engine.requests[0].id == "abc-1"
    assert engine.requests[0].stage is Stage.DONE


async def test_completions_and_embeddings() -> None:
    async with running() as engine:
        text = await ask(engine, post("/v1/completions", {"prompt": "hi", "max_tokens": 3}))
        vectors = await ask(engine, post("/v1/embeddings", {"input": ["a", "b"]}))

    assert answer_text("hi", 3).encode() in text
    assert len(msgspec.json.decode(vectors.partition(b"\r\n\r\n")[2])["data"]) == 2


@pytest.mark.parametrize(
    ("request_bytes", "status", "part"),
    [
        (post("/v1/chat/completions", b'{"a":'), 400, b'"BadRequestError"'),
        (chat(model="nobody"), 404, b"The model `nobody` does not exist."),
        (post("/v1/nope", {}), 404, b'{"detail":"Not Found"}'),
        (get("/v1/chat/completions"), 405, b"Method Not Allowed"),
        (get("/health"), 200, b""),
        (get("/version"), 200, b'"version"'),
        (get("/v1/models"), 200, b'"owned_by":"vllm"'),
        (get("/metrics"), 200, b"vllm:num_requests_running{"),
        (b"NOT HTTP\r\n\r\n", 400, b"Invalid HTTP"),
    ],
)
async def test_pages_and_errors(request_bytes: bytes, status: int, part: bytes) -> None:
    async with running() as engine:
        answer = await ask(engine, request_bytes)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert part in answer


@pytest.mark.parametrize(
    ("dialect", "path", "part"),
    [
        (Dialect.LLAMACPP, "/props", b"Server: llama.cpp"),
        (Dialect.LLAMACPP, "/v1/models", b'"owned_by":"llamacpp"'),
        (Dialect.LLAMACPP, "/metrics", b"llamacpp:requests_processing"),
        (Dialect.OLLAMA, "/", b"Ollama is running"),
        (Dialect.OLLAMA, "/api/tags", b'"digest":"'),
        (Dialect.OLLAMA, "/api/version", b'"version"'),
        (Dialect.OPENAI, "/v1/models", b'"owned_by":"simulated"'),
    ],
)
async def test_dialects_can_be_told_apart(dialect: Dialect, path: str, part: bytes) -> None:
    async with running(Profile(dialect=dialect)) as engine:
        assert part in await ask(engine, get(path))


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with running() as engine:
        both = chat(2, "x-request-id: one") + chat(2, "x-request-id: two", "Connection: close")
        answer = await send(engine.port, both)

    assert answer.count(b"[DONE]") == 2
    assert answer.index(b"chatcmpl-one") < answer.index(b"chatcmpl-two")


async def test_a_leaving_client_frees_its_sequence_at_once_in_every_stage() -> None:
    async with running(Profile(pace=0.005, max_num_seqs=1, prefill_per_token=10.0)) as engine:
        _, running_one = await asyncio.open_connection(HOST, engine.port)
        _, queued_one = await asyncio.open_connection(HOST, engine.port)
        running_one.write(chat(100, "x-request-id: prefill"))
        await eventually(lambda: engine.running == 1)
        queued_one.write(chat(100, "x-request-id: queued", stream=False))
        await eventually(lambda: engine.waiting == 1)

        for writer in (queued_one, running_one):
            writer.close()
        await eventually(lambda: engine.running == engine.waiting == 0)
        await eventually(lambda: engine.requests.aborted == 2)

    stages = {record.id: record.abort_stage for record in engine.requests}
    assert stages == {"prefill": Stage.PREFILL, "queued": Stage.QUEUED}
    assert all(record.abort_ns > record.start_ns for record in engine.requests)


async def test_a_client_that_leaves_in_the_middle_of_a_stream() -> None:
    async with running(Profile(pace=0.005)) as engine:
        reader, writer = await asyncio.open_connection(HOST, engine.port)
        writer.write(chat(10_000, ignore_eos=True))
        await reader.readuntil(b'"content":"')
        writer.close()
        await eventually(lambda: engine.running == 0)

    assert engine.requests[0].abort_stage is Stage.DECODE


async def test_a_reader_that_stops_reading_stops_the_sequence_not_the_others() -> None:
    async with running(Profile(event_bytes=60_000, output_tokens=400)) as engine:
        _, slow = await asyncio.open_connection(HOST, engine.port, limit=1024)
        slow.write(chat(400, "x-request-id: slow"))
        await eventually(lambda: bool(len(engine.requests)) and engine.requests[0].tokens > 0)
        other = await ask(engine, chat(3))

        assert other.count(b"[DONE]") == 1
        assert engine.requests[0].tokens < 400
        slow.close()


async def test_a_full_queue_is_refused_as_vllm_refuses() -> None:
    async with running(Profile(pace=0.2, queue_limit=1)) as engine:
        _, first = await asyncio.open_connection(HOST, engine.port)
        first.write(chat(50))
        await eventually(lambda: engine.running == 1)
        streamed = await ask(engine, chat())
        whole = await ask(engine, chat(stream=False))
        first.close()

    assert streamed.startswith(b"HTTP/1.1 200 ")
    assert b'data: {"error":' in streamed
    assert streamed.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert whole.startswith(b"HTTP/1.1 503 ")


# What each fault leaves on the wire: the start of the answer, a part of it, its end.
LOOKS: list[tuple[Fault, bytes, bytes, bytes]] = [
    (Fault(kind=Kind.CLOSE_ACCEPT), b"", b"", b""),
    (Fault(kind=Kind.CLOSE), b"", b"", b""),
    (Fault(kind=Kind.CLOSE, reset=True), b"<reset>", b"", b""),
    (Fault(kind=Kind.HANG_ACCEPT), b"<silence>", b"", b""),
    (Fault(kind=Kind.HANG), b"<silence>", b"", b""),
    (Fault(kind=Kind.HANG_HEAD), b"HTTP/1.1 200", b"", b"\r\n\r\n<silence>"),
    (Fault(kind=Kind.CLOSE_HEAD), b"HTTP/1.1 200", b"", b"\r\n\r\n"),
    (Fault(kind=Kind.DELAY, seconds=0.02), b"HTTP/1.1 200", b"[DONE]", b"0\r\n\r\n"),
    (
        Fault(kind=Kind.STATUS, status=429, retry_after="7"),
        b"HTTP/1.1 429",
        b"retry-after: 7",
        b"}",
    ),
    (Fault(kind=Kind.EMPTY), b"HTTP/1.1 200", b"content-length: 0", b"\r\n\r\n"),
    (Fault(kind=Kind.ERROR_FIRST), b"HTTP/1.1 200", b'data: {"error":', b"0\r\n\r\n"),
    (Fault(kind=Kind.GARBAGE_STATUS), b"NONSENSE", b"[DONE]", b"0\r\n\r\n"),
    (Fault(kind=Kind.INTERIM, status=103), b"HTTP/1.1 103", b"HTTP/1.1 200", b"0\r\n\r\n"),
    (Fault(kind=Kind.SWITCH), b"HTTP/1.1 101", b"upgrade: simulated", b"0\r\n\r\n"),
    (Fault(kind=Kind.BOTH_LENGTHS), b"HTTP/1.1 200", b"content-length: 5", b"0\r\n\r\n"),
    (Fault(kind=Kind.WRONG_LENGTH, size=9999), b"HTTP/1.1 200", b"content-length: 9999", b"\n\n"),
    (Fault(kind=Kind.HUGE_HEADERS, size=20_000), b"HTTP/1.1 200", b"f" * 8000, b"0\r\n\r\n"),
    (Fault(kind=Kind.BAD_HEADER, size=0), b"HTTP/1.1 200", b"before\0after", b"0\r\n\r\n"),
    (Fault(kind=Kind.HTTP10), b"HTTP/1.0 200", b"\r\n\r\ndata: {", b"data: [DONE]\n\n"),
    (Fault(kind=Kind.CONNECTION_CLOSE), b"HTTP/1.1 200", b"connection: close", b"0\r\n\r\n"),
    (Fault(kind=Kind.COMMENTS, size=2), b"HTTP/1.1 200", b": simulated", b"0\r\n\r\n"),
    (Fault(kind=Kind.SILENCE, after=2), b"HTTP/1.1 200", b"data: {", b"\n\n\r\n<silence>"),
    (Fault(kind=Kind.SILENCE, after=2, seconds=0.02), b"HTTP/1.1", b"[DONE]", b"0\r\n\r\n"),
    (Fault(kind=Kind.CUT, after=2), b"HTTP/1.1 200", b"data: {", b"\n\n\r\n"),
    (Fault(kind=Kind.CUT, after=2, reset=True), b"HTTP/1.1 200", b"data: {", b"\n\n\r\n<reset>"),
    (Fault(kind=Kind.CUT_INSIDE, after=2), b"HTTP/1.1 200", b"data: {", b""),
    (Fault(kind=Kind.BAD_CHUNK, after=2), b"HTTP/1.1 200", b"\r\nzz\r\n", b"<silence>"),
    (Fault(kind=Kind.ERROR_MIDSTREAM, after=2), b"HTTP/1.1", b'{"error":', b"0\r\n\r\n"),
    (Fault(kind=Kind.NO_DONE), b"HTTP/1.1 200", b"data: {", b"0\r\n\r\n"),
    (Fault(kind=Kind.NO_LAST_CHUNK), b"HTTP/1.1 200", b"data: {", b"[DONE]\n\n\r\n"),
    (Fault(kind=Kind.EXTRA_BYTES), b"HTTP/1.1 200", b"0\r\n\r\nHTTP/1.1 200 OK", b"nobody!"),
    (Fault(kind=Kind.ONE_SEGMENT), b"HTTP/1.1 200", b"data: {", b"0\r\n\r\n"),
    (Fault(kind=Kind.BYTE_SEGMENTS), b"HTTP/1.1 200", b"data: {", b"0\r\n\r\n"),
    (Fault(kind=Kind.DRIP_HEAD, seconds=0.0005), b"HTTP/1.1 200", b"data: {", b"0\r\n\r\n"),
]


@pytest.mark.parametrize(
    ("fault", "start", "part", "end"), LOOKS, ids=lambda v: getattr(v, "kind", "")
)
async def test_how_a_fault_looks(fault: Fault, start: bytes, part: bytes, end: bytes) -> None:
    silent = b"<silence>" in start + end
    async with running(faults=[fault]) as engine:
        request = chat(4, "Connection: close")
        answer = await send(engine.port, request, seconds=0.05 if silent else 30.0)

    assert answer[: len(start) or None].startswith(start)
    assert part in answer
    assert answer.endswith(end)
    assert bool(answer) == bool(start)
    assert engine.faults.hits == {fault.kind: 1}
    words = text_of(answer) if fault.kind is not Kind.CUT_INSIDE else ""
    assert answer_text("hi", 4).startswith(words)
    assert engine.running == 0 or fault.kind is Kind.SILENCE


def test_every_fault_kind_is_shown_here() -> None:
    elsewhere = {Kind.REFUSE, Kind.DOWN, Kind.IDLE_LIMIT, Kind.REQUEST_LIMIT}

    assert {look[0].kind for look in LOOKS} == set(Kind) - elsewhere


async def test_a_fault_for_the_next_request_only() -> None:
    async with running(faults=[Fault(kind=Kind.STATUS, status=500, next=1)]) as engine:
        answers = [await ask(engine, chat()) for _ in range(2)]

    assert [answer[9:12] for answer in answers] == [b"500", b"200"]


async def test_faults_strike_probes_only_where_asked() -> None:
    async with running(faults=[Fault(kind=Kind.STATUS, where=Where.PROBES)]) as engine:
        assert (await ask(engine, get("/health")))[9:12] == b"503"
        assert (await ask(engine, chat()))[9:12] == b"200"
        assert (await ask(engine, get("/fake/state")))[9:12] == b"200"


@pytest.mark.parametrize("kind", [Kind.REFUSE, Kind.DOWN])
async def test_no_listener_and_back_again(kind: Kind) -> None:
    async with running(Profile(pace=0.01)) as engine:
        reader, writer = await asyncio.open_connection(HOST, engine.port)
        writer.write(chat(5, "Connection: close"))
        await reader.readuntil(b'"content":"')
        engine.faults.set(Fault(kind=kind))
        await asyncio.sleep(0.01)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, engine.port)
        if kind is Kind.REFUSE:
            assert b"[DONE]" in await reader.read(-1)
        else:
            with pytest.raises(ConnectionResetError):
                await reader.read(-1)
        engine.faults.clear()

        assert b"[DONE]" in await ask(engine, chat())
        writer.close()


async def test_limits_of_a_connection_can_be_changed() -> None:
    async with running() as engine:
        engine.faults.set(Fault(kind=Kind.REQUEST_LIMIT, after=2))
        answer = await send(engine.port, chat() + chat())
        assert answer.count(b"connection: close") == 1
        engine.faults.set(Fault(kind=Kind.IDLE_LIMIT, seconds=0.05))
        start = time.monotonic()
        assert b"[DONE]" in await send(engine.port, chat())

    assert 0.04 < time.monotonic() - start < 20.0


async def test_another_process_can_switch_faults_and_read_the_account() -> None:
    async with running(Profile(admin_port=0)) as engine:

        async def admin(data: bytes) -> dict[str, object]:
            data = data.replace(b"Host: x", b"Host: x\r\nConnection: close", 1)
            answer = await send(engine.admin_port, data)
            decoded: dict[str, object] = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
            return decoded

        await admin(post("/fake/faults", {"kind": "refuse"}))
        await asyncio.sleep(0.01)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, engine.port)
        await admin(get("/fake/faults", "DELETE"))
        await ask(engine, chat(2, "x-request-id: q"))
        state = await admin(get("/fake/state"))
        rows = await admin(get("/fake/requests?id=q"))
        wrong = await admin(post("/fake/faults", {"kind": "no such"}))

    assert state["simulated"] is True
    assert state["received"] == 1
    assert [row["stage"] for row in msgspec.convert(rows["requests"], list[dict[str, object]])] == [
        "done"
    ]
    assert "error" in wrong


async def test_engines_as_processes_start_answer_and_are_gone_afterwards() -> None:
    profiles = [Profile(name=name, models=("a", "b"), admin_port=0) for name in ("one", "two")]
    async with launched(profiles) as children:
        answers = [await send(port_of(child.url), get("/v1/models")) for child in children]
        pages = [await send(port_of(child.admin_url), get("/fake/state")) for child in children]
        pids = [child.pid for child in children]

    assert all(b'"id":"b"' in answer for answer in answers)
    assert [b'"name":"one"' in page for page in pages] == [True, False]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_an_engine_that_cannot_start_says_why() -> None:
    async with running() as engine:
        with pytest.raises(OSError, match="simulated engine cannot start"):
            await start(Profile(port=engine.port))


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])
