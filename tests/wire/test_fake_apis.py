"""What the simulated engine answers on each API and in each dialect, byte by byte."""

import re

import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.looks.look import Api, Midstream
from benchmarks.fake.looks.registry import LOOKS
from benchmarks.fake.profile import Dialect, Loading, Names, Profile, Stamps
from benchmarks.fake.words import answer_text
from tests.wire.test_fake_engine import ask, get, post, send

SAY = [{"role": "user", "content": "hi"}]
CALL = [{"role": "user", "content": "call-tool:clock call-tool:clock think-tokens:2"}]
NESTED = [{"type": "function", "function": {"name": "clock", "parameters": {}}}]
FLAT = [{"type": "function", "name": "clock", "parameters": {}}]
ANTHROPIC = [{"name": "clock", "input_schema": {}}]


def unchunked(answer: bytes) -> bytes:
    """Return the body without its chunk framing; fails if the framing is wrong."""
    body, text = answer.partition(b"\r\n\r\n")[2], b""
    while body != b"0\r\n\r\n":
        line, _, rest = body.partition(b"\r\n")
        size = int(line, 16)
        assert rest[size : size + 2] == b"\r\n"
        text, body = text + rest[:size], rest[size + 2 :]
    return text


def named(answer: bytes) -> list[tuple[str, dict[str, object]]]:
    """Return the events of an SSE stream with names, each with its decoded data."""
    pairs = re.findall(rb"event: (\S+)\ndata: (.*)\n\n", unchunked(answer))
    return [(name.decode(), msgspec.json.decode(data)) for name, data in pairs]


def kinds(answer: bytes) -> list[str]:
    """Return the names of the events, runs of the same name once."""
    found = [name for name, _ in named(answer)]
    return [name for i, name in enumerate(found) if i == 0 or found[i - 1] != name]


def lines(answer: bytes) -> list[dict[str, object]]:
    """Return the objects of an NDJSON stream."""
    return [msgspec.json.decode(line) for line in unchunked(answer).splitlines()]


async def test_a_message_begins_grows_and_stops() -> None:
    body = {"messages": SAY, "max_tokens": 4, "stream": True}
    async with running() as engine:
        answer = await ask(engine, post("/v1/messages", body))
        whole = await ask(engine, post("/v1/messages", {**body, "stream": False}))

    assert kinds(answer) == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    texts = re.findall(rb'"text_delta","text":"([^"]*)"', answer)
    assert b"".join(texts).decode() == answer_text("hi", 4)
    assert b'"stop_reason":"max_tokens"' in answer
    message = msgspec.json.decode(whole.partition(b"\r\n\r\n")[2])
    assert message["content"] == [{"type": "text", "text": answer_text("hi", 4)}]
    assert message["usage"] == {"input_tokens": 1, "output_tokens": 4}


async def test_thoughts_and_parallel_calls_are_blocks_of_a_message() -> None:
    body = {"messages": CALL, "max_tokens": 99, "stream": True, "tools": ANTHROPIC}
    async with running() as engine:
        events = named(await ask(engine, post("/v1/messages", body)))
        whole = await ask(engine, post("/v1/messages", {**body, "stream": False}))

    blocks = [data["content_block"] for name, data in events if name == "content_block_start"]
    assert [msgspec.convert(b, dict[str, object])["type"] for b in blocks] == [
        "thinking",
        "tool_use",
        "tool_use",
    ]
    given = [d["index"] for name, d in events if name == "content_block_stop"]
    assert given == [0, 1, 2]
    content = msgspec.json.decode(whole.partition(b"\r\n\r\n")[2])["content"]
    assert [block["type"] for block in content] == ["thinking", "tool_use", "tool_use"]
    assert content[1]["input"]["query"]


async def test_events_of_a_response_are_numbered_and_in_order() -> None:
    body = {"input": "hi", "stream": True}
    async with running(Profile(output_tokens=5)) as engine:
        answer = await ask(engine, post("/v1/responses", body))
        whole = await ask(engine, post("/v1/responses", {"input": "hi"}))

    events = named(answer)
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert all(data["type"] == name for name, data in events)
    assert kinds(answer) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [data["delta"] for name, data in events if name.endswith("text.delta")]
    assert "".join(map(str, deltas)) == answer_text("hi", 5)
    last = msgspec.convert(events[-1][1]["response"], dict[str, object])
    alone = msgspec.json.decode(whole.partition(b"\r\n\r\n")[2])
    assert alone["output"][0]["content"][0]["text"] == answer_text("hi", 5)
    assert last["usage"] == alone["usage"]


@pytest.mark.parametrize(
    ("dialect", "end"),
    [(Dialect.VLLM, "response.completed"), (Dialect.OPENAI, "response.incomplete")],
)
async def test_a_response_that_is_cut_says_so(dialect: Dialect, end: str) -> None:
    body = {"input": "hi", "stream": True, "max_output_tokens": 2}
    async with running(Profile(dialect=dialect)) as engine:
        name, data = named(await ask(engine, post("/v1/responses", body)))[-1]

    assert name == end
    assert msgspec.convert(data["response"], dict[str, object])["status"] == "incomplete"


async def test_thoughts_and_parallel_calls_are_items_of_a_response() -> None:
    body = {"input": CALL, "stream": True, "tools": FLAT}
    async with running() as engine:
        events = named(await ask(engine, post("/v1/responses", body)))

    done = [data["item"] for name, data in events if name == "response.output_item.done"]
    items = msgspec.convert(done, list[dict[str, object]])
    assert [item["type"] for item in items] == ["reasoning", "function_call", "function_call"]
    pieces = [d["delta"] for n, d in events if n.endswith("arguments.delta") and d["output_index"]]
    assert "".join(map(str, pieces)) == f"{items[1]['arguments']}{items[2]['arguments']}"


@pytest.mark.parametrize(("path", "part"), [("/api/chat", "message"), ("/api/generate", "")])
async def test_ollama_speaks_in_lines(path: str, part: str) -> None:
    body = {"model": "SIM:latest", "messages": SAY, "prompt": "hi", "options": {"num_predict": 3}}
    async with running(Profile(dialect=Dialect.OLLAMA, models=("sim",))) as engine:
        answer = await ask(engine, post(path, body))
        whole = await ask(engine, post(path, {**body, "stream": False}))

    assert b"content-type: application/x-ndjson\r\n" in answer
    *tokens, last = lines(answer)
    rows = [msgspec.convert(row[part] if part else row, dict[str, object]) for row in tokens]
    said = "".join(str(row["content" if part else "response"]) for row in rows)
    assert said == answer_text("hi", 3)
    assert [row["done"] for row in tokens] == [False] * 3
    assert (last["done"], last["done_reason"], last["eval_count"]) == (True, "length", 3)
    alone = msgspec.json.decode(whole.partition(b"\r\n\r\n")[2])
    assert alone["done"] is True
    assert answer_text("hi", 3) in str(alone)


async def test_ollama_calls_think_embeds_shows_and_loads() -> None:
    async with running(Profile(dialect=Dialect.OLLAMA, models=("sim",))) as engine:

        async def told(path: str, **body: object) -> bytes:
            return await ask(engine, post(path, {"model": "sim", **body}))

        called = lines(await told("/api/chat", messages=CALL, tools=NESTED))
        embedded = await told("/api/embed", input=["a", "b"])
        legacy = await told("/api/embeddings", prompt="a")
        shown = await told("/api/show")
        loaded = await told("/api/generate")
        unknown = await told("/api/chat", model="nobody")

    rows = msgspec.convert([row["message"] for row in called], list[dict[str, object]])
    assert [sorted(set(row) - {"role", "content"}) for row in rows] == [
        ["thinking"],
        ["thinking"],
        ["tool_calls"],
        ["tool_calls"],
        [],
    ]
    assert embedded.count(b"[") == 3
    assert b'{"embedding":[' in legacy
    assert b'"llama.context_length":8192' in shown
    assert b'"done_reason":"load"' in loaded
    assert unknown.startswith(b"HTTP/1.1 404 ")
    assert unknown.endswith(b'{"error":"model \'nobody\' not found"}')


async def test_chat_thinks_and_calls_in_parallel() -> None:
    body = {"messages": CALL, "tools": NESTED, "stream": True}
    async with running() as engine:
        answer = unchunked(await ask(engine, post("/v1/chat/completions", body)))
        whole = await ask(engine, post("/v1/chat/completions", {**body, "stream": False}))

    rows = [msgspec.json.decode(row[6:]) for row in answer.split(b"\n\n") if row[6:7] == b"{"]
    deltas = [row["choices"][0]["delta"] for row in rows]
    assert sum("reasoning" in delta for delta in deltas) == 2
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert [call["index"] for call in calls if "id" in call] == [0, 1]
    message = msgspec.json.decode(whole.partition(b"\r\n\r\n")[2])["choices"][0]
    for place, call in enumerate(message["message"]["tool_calls"]):
        pieces = [c["function"]["arguments"] for c in calls if c["index"] == place]
        assert "".join(pieces) == call["function"]["arguments"]
    assert message["finish_reason"] == rows[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("dialect", Dialect)
async def test_every_dialect_streams_a_chat_in_its_own_way(dialect: Dialect) -> None:
    look = LOOKS[dialect]
    path = next(path for path, api in look.apis.items() if api is Api.CHAT)
    async with running(Profile(dialect=dialect)) as engine:
        body = {"model": "simulated-model", "messages": SAY, "max_tokens": 4, "stream": True}
        answer = await ask(engine, post(path, body))

    stream = answer.partition(b"\r\n\r\n")[2] if look.http10 else unchunked(answer)
    assert answer.startswith(b"HTTP/1.0 200" if look.http10 else b"HTTP/1.1 200")
    assert look.headers in answer
    rows = re.findall(rb"^data: ?({.*})$", stream, re.MULTILINE)
    choices = [msgspec.json.decode(row)["choices"][0] for row in rows]
    assert "".join(c["delta"].get("content") or "" for c in choices) == answer_text("hi", 4)
    assert [c["finish_reason"] for c in choices if c["finish_reason"]] == ["length"]
    assert stream.endswith(b"data: [DONE]\n\n")
    assert stream.startswith(look.chat.comment)
    assert (b"data: {" in stream) == (dialect is not Dialect.TGI)


@pytest.mark.parametrize("dialect", Dialect)
async def test_every_dialect_fails_within_a_stream_in_its_own_way(dialect: Dialect) -> None:
    look = LOOKS[dialect]
    path = next(path for path, api in look.apis.items() if api is Api.CHAT)
    body = {"model": "simulated-model", "messages": SAY, "stream": True}
    fault = Fault(kind=Kind.ERROR_MIDSTREAM, after=2)
    async with running(Profile(dialect=dialect), [fault]) as engine:
        answer = await ask(engine, post(path, body))

    event = look.midstream is Midstream.EVENT
    assert (b'data: {"error":' in answer or b'data:{"error":' in answer) == event
    assert (b"[DONE]" in answer) == (event and look.error_done)
    assert answer.endswith(b"0\r\n\r\n") == (look.midstream is not Midstream.CUT)


@pytest.mark.parametrize(
    ("path", "body", "part", "end"),
    [
        (
            "/v1/messages",
            {"messages": SAY, "max_tokens": 9},
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"',
            b"message_stop",
        ),
        ("/v1/responses", {"input": "hi"}, b"event: error\ndata: {", b"response.completed"),
    ],
)
async def test_errors_within_a_stream_have_the_shape_of_the_api(
    path: str, body: dict[str, object], part: bytes, end: bytes
) -> None:
    fault = Fault(kind=Kind.ERROR_MIDSTREAM, after=2)
    async with running(faults=[fault]) as engine:
        answer = await ask(engine, post(path, {**body, "stream": True}))
        engine.faults.set(Fault(kind=Kind.NO_DONE))
        headless = await ask(engine, post(path, {**body, "stream": True}))

    assert part in answer
    assert end not in answer + headless
    assert answer.endswith(b"0\r\n\r\n")


async def test_an_ollama_line_with_an_error_ends_a_native_stream() -> None:
    fault = Fault(kind=Kind.ERROR_MIDSTREAM, after=2)
    async with running(Profile(dialect=Dialect.OLLAMA), [fault]) as engine:
        body = {"model": "simulated-model", "messages": SAY}
        found = lines(await ask(engine, post("/api/chat", body)))

    assert len(found) == 3
    assert list(found[-1]) == ["error"]


@pytest.mark.parametrize(
    ("dialect", "status", "part"),
    [
        (Dialect.TGI, b"429", b'"error_type":"overloaded"'),
        (Dialect.OLLAMA, b"503", b"maximum pending requests exceeded"),
        (Dialect.SGLANG, b"200", b'data: {"error":{"object":"error"'),
    ],
)
async def test_a_full_queue_is_refused_in_every_dialects_way(
    dialect: Dialect, status: bytes, part: bytes
) -> None:
    body = {"model": "simulated-model", "messages": SAY, "stream": True}
    async with running(Profile(dialect=dialect, queue_limit=0)) as engine:
        answer = await ask(engine, post("/v1/chat/completions", body))

    assert answer[9:12] == status
    assert part in answer


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
async def test_stamps_travel_in_every_api(path: str) -> None:
    body = {"messages": SAY, "input": "hi", "max_tokens": 4, "max_output_tokens": 4, "stream": True}
    async with running(Profile(stamps=Stamps.FIELD)) as engine:
        fields = named(await ask(engine, post(path, body)))
    async with running(Profile(stamps=Stamps.CONTENT)) as engine:
        content = named(await ask(engine, post(path, body)))

    stamped = [data for _, data in fields if "stamp_ns" in data]
    assert [data["token"] for data in stamped] == [0, 1, 2, 3]
    assert ["taken_ns" in data for data in stamped] == [True, False, False, False]
    marks = [
        re.search(r"'~(\d+):\d+(:\d+)?~", str(data)) for name, data in content if "delta" in name
    ]
    assert [mark[1] for mark in marks if mark] == ["0", "1", "2", "3"]


async def test_counting_tokens_is_no_generation() -> None:
    async with running() as engine:
        counted = await ask(engine, post("/v1/messages/count_tokens", {"messages": SAY}))

        assert counted.endswith(b'{"input_tokens":1}')
        assert len(engine.requests) == 0


async def test_metrics_can_bear_other_names() -> None:
    async with running(Profile(metrics=Names.SGLANG)) as engine:
        assert b"sglang:num_running_reqs{" in await ask(engine, get("/metrics"))
    async with running(Profile(metrics=Names.NONE)) as engine:
        assert (await ask(engine, get("/metrics")))[9:12] == b"404"


async def test_a_sleeping_engine_lets_requests_wait_until_it_wakes() -> None:
    async with running() as engine:
        await ask(engine, post("/sleep?level=1", {}))
        assert b'{"is_sleeping":true}' in await ask(engine, get("/is_sleeping"))
        waiting = send(engine.port, post("/v1/chat/completions", {"messages": SAY}), seconds=0.05)
        assert await waiting == b"<silence>"
        await ask(engine, post("/wake_up", {}))
        assert b"200 OK" in await ask(engine, post("/v1/chat/completions", {"messages": SAY}))


async def test_a_sleeping_lmdeploy_refuses() -> None:
    async with running(Profile(dialect=Dialect.LMDEPLOY)) as engine:
        await ask(engine, post("/fake/sleep", {}))
        body = {"model": "simulated-model", "messages": SAY}
        answer = await ask(engine, post("/v1/chat/completions", body))
        assert answer[9:12] == b"503"
        assert b'"status":"sleeping"' in await ask(engine, get("/health"))


def load(engine: Engine) -> None:
    """Let the time be over that loading the model takes."""
    assert engine.loading
    assert engine._loader is not None
    engine._loader.cancel()
    engine._loaded()


async def test_a_loading_engine_refuses_connections() -> None:
    async with running(Profile(startup=3600.0)) as engine:
        with pytest.raises(ConnectionRefusedError):
            await send(engine.port, get("/health"))
        load(engine)
        assert (await ask(engine, get("/health")))[9:12] == b"200"


@pytest.mark.parametrize("dialect", [Dialect.LLAMACPP, Dialect.VLLM])
async def test_a_loading_engine_answers_503_on_every_path(dialect: Dialect) -> None:
    loading = Loading.AUTO if dialect is Dialect.LLAMACPP else Loading.STATUS
    async with running(Profile(startup=3600.0, dialect=dialect, loading=loading)) as engine:
        early = [
            await ask(engine, get("/health")),
            await ask(engine, post("/v1/chat/completions", {"messages": SAY})),
        ]
        load(engine)
        assert (await ask(engine, get("/health")))[9:12] == b"200"

    assert [answer[9:12] for answer in early] == [b"503", b"503"]


async def test_the_same_seed_and_id_give_the_same_bursts() -> None:
    profile = Profile(speculative=3, pace=0.0005, stamps=Stamps.FIELD, output_tokens=30, seed=4)

    async def bursts(request_id: str) -> list[bytes]:
        body = {"messages": SAY, "stream": True}
        header = f"x-request-id: {request_id}"
        async with running(profile) as engine:
            answer = await ask(engine, post("/v1/chat/completions", body, header))
        return re.findall(rb'"token":(\d+)', answer)

    first = await bursts("a")
    assert first == await bursts("a")
    assert first != await bursts("b")
    assert len(first) < 30
