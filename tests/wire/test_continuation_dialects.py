"""Broken streams of clients that speak another dialect than OpenAI's chat: one answer all the same.

Some engines are asked as the client asked, others by translation; whoever goes on, the client gets
the words, the ids and the order of events of one undisturbed stream.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest

from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Dialect
from benchmarks.fake.words import answer_text
from tests.fixtures.retold import (
    MESSAGES,
    OLLAMA,
    RESPONSES,
    asking,
    names,
    read,
    shape,
    spent,
    words,
)
from tests.fixtures.stack import MODEL, Stack, eventually, serving
from tests.wire.test_continuation import ON, TOKENS, collect, document, engines

Port = Callable[[], int]
# Ollama lists a model under another name.
BOTH_NAMES = f"models: {{aliases: {{chat: ['{MODEL}:latest', {MODEL}]}}}}"
# Who is asked as the client asked (True), and who by translation.
SPEAKING = [
    (MESSAGES, "vllm", True),
    (MESSAGES, "llamacpp", True),
    (MESSAGES, "ollama", True),
    (RESPONSES, "vllm", True),
    (RESPONSES, "llamacpp", False),
    (OLLAMA, "ollama", True),
    (OLLAMA, "vllm", False),
]


async def asked(stack: Stack, path: str, model: str = MODEL) -> bytes:
    """Return a whole streamed answer; raises if it breaks."""
    async with stack.client.post(path, json=asking(path, model), headers=ON) as answer:
        return await answer.read()


@pytest.mark.parametrize(("path", "dialect", "native"), SPEAKING)
@pytest.mark.parametrize("after", [1, 5, TOKENS])
async def test_a_cut_stream_is_the_same_as_an_undisturbed_one(
    free_port: Port, path: str, dialect: str, native: bool, after: int
) -> None:
    async with AsyncExitStack() as stage:
        pair = await engines(stage, Dialect(dialect))
        stack = await stage.enter_async_context(serving(document(pair), free_port))
        undisturbed = read(path, await asked(stack, path))
        pair[0].faults.set(Fault(kind=Kind.CUT, after=after))

        got = read(path, await asked(stack, path))
        await eventually(lambda: len(stack.access_lines()) == 2)
        line = msgspec.json.decode(stack.access_lines()[-1])

    assert (pair[0].requests[-1].path == path) is native
    assert words(path, got) == words(path, undisturbed) == answer_text("hi", TOKENS)
    assert shape(path, got) == shape(path, undisturbed)
    assert len(names(path, got)) == len(names(path, undisturbed))
    if path == RESPONSES:
        assert [event["sequence_number"] for event in got] == list(range(len(got)))
        whole = got[-1]["response"]
        assert whole["output"][0]["content"][0]["text"] == answer_text("hi", TOKENS)
    assert spent(path, got) == spent(path, undisturbed)
    assert (line["end"], line.get("tokens_out")) == ("--", TOKENS)


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES, OLLAMA])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=Kind.CUT_INSIDE, after=4),
        Fault(kind=Kind.ERROR_MIDSTREAM, after=4),
        Fault(kind=Kind.SILENCE, after=4),
    ],
    ids=lambda fault: fault.kind.value,
)
async def test_whatever_breaks_it_another_kind_of_engine_goes_on(
    free_port: Port, path: str, fault: Fault
) -> None:
    kinds = (Dialect.OLLAMA, Dialect.VLLM) if path == OLLAMA else (Dialect.VLLM, Dialect.LLAMACPP)
    async with AsyncExitStack() as stage:
        first, _ = await engines(stage, kinds[0], fault)
        _, second = await engines(stage, kinds[1])
        pair = (first, second)
        stack = await stage.enter_async_context(
            serving(document(pair, f"timeouts: {{idle: 100ms}}\n{BOTH_NAMES}"), free_port)
        )

        got = read(path, await asked(stack, path, "chat"))

    assert words(path, got) == answer_text("hi", TOKENS)
    assert first.requests[-1].path == path
    assert second.requests[-1].path == "/v1/chat/completions"
    if path == OLLAMA:
        assert len(names(path, got)) == 1


@pytest.mark.parametrize(
    ("path", "more", "why"),
    [
        (MESSAGES, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, b"reasoning"),
        (RESPONSES, {"input": "think-tokens:3 hi"}, b"reasoning"),
        (OLLAMA, {"think": True}, b"reasoning"),
        (MESSAGES, {"messages": [{"role": "user", "content": "call-tool:f"}]}, b"tool"),
    ],
)
async def test_what_is_more_than_text_breaks_and_says_why(
    free_port: Port, path: str, more: dict[str, Any], why: bytes
) -> None:
    tools = {"tools": [{"name": "f", "input_schema": {"type": "object"}}]} if why == b"tool" else {}
    dialect = Dialect.OLLAMA if path == OLLAMA else Dialect.VLLM
    async with AsyncExitStack() as stage:
        pair = await engines(stage, dialect, Fault(kind=Kind.CUT, after=2))
        stack = await stage.enter_async_context(serving(document(pair), free_port))

        got = bytearray()
        whole = asking(path, MODEL, **more, **tools)
        async with stack.client.post(path, json=whole, headers=ON) as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await collect(answer, got)

    assert b"not continued: " in got
    assert why in got.partition(b"not continued: ")[2]
    assert not pair[1].requests
