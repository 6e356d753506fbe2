"""Streams that break off at a simulated engine and go on at another: one answer, word for word."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Dialect, Profile
from benchmarks.fake.words import answer_text
from tests.fixtures.stack import MODEL, Stack, eventually, serving

Port = Callable[[], int]
TOKENS = 12
ON = {"x-headrace-continue": "on"}
USAGE = {"include_usage": True}
HI = [{"role": "user", "content": "hi"}]


async def engines(
    stage: AsyncExitStack, dialect: Dialect = Dialect.VLLM, fault: Fault | None = None
) -> tuple[Engine, Engine]:
    """Start two engines, the first of which has the fault."""
    made = [
        await stage.enter_async_context(
            running(Profile(name=name, dialect=dialect, output_tokens=TOKENS, keep_bodies=True))
        )
        for name in "ab"
    ]
    if fault is not None:
        made[0].faults.set(fault)
    return made[0], made[1]


def document(pair: Sequence[Engine], more: str = "") -> str:
    """Return settings by which the first is preferred."""
    lines = [
        f"  - {{name: {name}, url: '{engine.url}', priority: {number}}}"
        for number, (name, engine) in enumerate(zip("ab", pair, strict=True))
    ]
    return "\n".join(["backends:", *lines, more]) + "\n"


async def streamed(
    stack: Stack,
    headers: dict[str, str] | None = None,
    path: str = "/v1/chat/completions",
    **body: object,
) -> tuple[bytes, "aiohttp.ClientResponse"]:
    """Return a whole streamed answer; raises if it breaks."""
    whole = {
        "model": MODEL,
        "stream": True,
        **({} if "prompt" in body else {"messages": HI}),
        **body,
    }
    async with stack.client.post(path, json=whole, headers=headers or {}) as answer:
        return await answer.read(), answer


def events(data: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line[6:]) for line in data.splitlines() if line[:7] == b"data: {"]


def text(data: bytes) -> str:
    choices = [choice for event in events(data) for choice in event["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def collect(answer: aiohttp.ClientResponse, received: bytearray) -> None:
    """Read to the end, keeping what came before an error."""
    async for piece in answer.content.iter_any():
        received += piece


def usage(data: bytes) -> dict[str, int]:
    found: dict[str, int] = events(data)[-1]["usage"]
    return {name: found[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


@pytest.mark.parametrize("dialect", ["vllm", "sglang", "llamacpp", "ollama"])
@pytest.mark.parametrize("after", [1, 5, TOKENS])
async def test_a_cut_stream_is_the_same_as_an_undisturbed_one(
    free_port: Port, dialect: str, after: int
) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, Dialect(dialect))
        stack = await stage.enter_async_context(serving(document(pair), free_port))
        asked: Any = {"stream_options": USAGE, "max_tokens": 50}
        undisturbed, _ = await streamed(stack, ON, **asked)
        pair[0].faults.set(Fault(kind=Kind.CUT, after=after))

        got, answer = await streamed(stack, ON, **asked)

    assert text(got) == text(undisturbed) == answer_text("hi", TOKENS)
    assert got.endswith(b"data: [DONE]\n\n")
    assert got.count(b"[DONE]") == 1
    assert b'"error"' not in got
    assert usage(got) == usage(undisturbed)
    assert len({event["id"] for event in events(got)}) == 1
    assert len({event["created"] for event in events(got)}) == 1
    assert got.count(b'"role"') <= undisturbed.count(b'"role"')
    assert answer.headers["x-headrace-backend"] == "a"
    assert len(pair[1].requests) == (after < TOKENS)  # else all is there but the end


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Kind.CUT_INSIDE, after=4),
        Fault(kind=Kind.BAD_CHUNK, after=4),
        Fault(kind=Kind.ERROR_MIDSTREAM, after=4),
        Fault(kind=Kind.NO_DONE),
        Fault(kind=Kind.SILENCE, after=4),
    ],
    ids=lambda fault: fault.kind.value,
)
async def test_whatever_breaks_it_the_client_has_the_whole(free_port: Port, fault: Fault) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, fault=fault)
        stack = await stage.enter_async_context(
            serving(document(pair, "timeouts: {idle: 100ms}"), free_port)
        )

        got, _ = await streamed(stack, ON)
        await eventually(lambda: bool(stack.access_lines()))
        (line,) = map(msgspec.json.decode, stack.access_lines())

    assert text(got) == answer_text("hi", TOKENS)
    assert got.endswith(b"data: [DONE]\n\n")
    assert line["end"] == "--"
    assert line.get("continued", 0) == (fault.kind is not Kind.NO_DONE)
    assert line["attempts"] == 1 + line.get("continued", 0)


async def test_a_text_completion_goes_on_at_the_end_of_its_prompt(free_port: Port) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, fault=Fault(kind=Kind.CUT, after=4))
        stack = await stage.enter_async_context(serving(document(pair), free_port))

        got, _ = await streamed(stack, ON, "/v1/completions", prompt="Once", max_tokens=9)
        record = pair[1].requests[-1]

    said = answer_text("Once", 4)
    asked = msgspec.json.decode(record.body)
    assert (asked["prompt"], asked["max_tokens"]) == (f"Once{said}", 5)
    texts = "".join(event["choices"][0]["text"] for event in events(got))
    assert texts == said + answer_text(f"Once{said}", 5)
    assert got.endswith(b"data: [DONE]\n\n")


@pytest.mark.setting("models.continue_streams")
async def test_models_are_continued_that_the_settings_name(free_port: Port) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, fault=Fault(kind=Kind.CUT, after=4))
        named = document(pair, "models: {continue_streams: [simul*]}")
        stack = await stage.enter_async_context(serving(named, free_port))

        got, _ = await streamed(stack)
        with pytest.raises(aiohttp.ClientPayloadError):
            await streamed(stack, {"x-headrace-continue": "off"})
        await stack.reload(document(pair, "models: {continue_streams: [other]}"))
        with pytest.raises(aiohttp.ClientPayloadError):
            await streamed(stack)

    assert text(got) == answer_text("hi", TOKENS)


@pytest.mark.setting("limits.continuation")
async def test_longer_streams_than_are_kept_are_not_continued(free_port: Port) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, fault=Fault(kind=Kind.CUT, after=4))
        stack = await stage.enter_async_context(
            serving(document(pair, "limits: {continuation: 1KiB}"), free_port)
        )

        got, _ = await streamed(stack, ON)
        with pytest.raises(aiohttp.ClientPayloadError):
            await streamed(stack, ON, user="x" * 1000)

    assert text(got) == answer_text("hi", TOKENS)


async def test_a_stream_that_cannot_be_continued_says_why(free_port: Port) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, fault=Fault(kind=Kind.CUT, after=4))
        pair[1].faults.set(Fault(kind=Kind.STATUS, status=400))
        stack = await stage.enter_async_context(serving(document(pair), free_port))

        got = bytearray()
        whole = {"model": MODEL, "stream": True, "messages": HI}
        async with stack.client.post("/v1/chat/completions", json=whole, headers=ON) as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await collect(answer, got)

    assert b"not continued: the engine answered 400" in got
    assert b"[DONE]" not in got


async def test_ollamas_clients_do_not_notice_either(free_port: Port) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, fault=Fault(kind=Kind.CUT, after=4))
        stack = await stage.enter_async_context(serving(document(pair), free_port))

        got, _ = await streamed(stack, ON, "/api/chat")

    lines = [msgspec.json.decode(line) for line in got.splitlines()]
    assert "".join(line["message"]["content"] for line in lines) == answer_text("hi", TOKENS)
    assert lines[-1]["done"]
