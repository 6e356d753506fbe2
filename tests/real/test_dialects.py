"""Anthropic's and Ollama's official clients to a real llama.cpp server, passed on and translated.

The same engine is met twice: as what it is, which speaks Anthropic's API and the Responses API
itself, and as a plain OpenAI-compatible one, for which both are translated. Ollama's API is
translated either way. The same client code must pass.
"""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest
from anthropic.types import Message, MessageParam, ToolParam, ToolResultBlockParam

from proxy.cli.embedded import Embedded
from tests.fixtures.process import ProxyProcess, proxy_process
from tests.real.conftest import StartEngine
from tests.real.tiny_model import SENTENCE, WORDS

FreePort = Callable[[], int]
MODEL = "sentence"
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello there"}]
WANTED = [("weather", {"place": "Rome"}), ("time", {"zone": "UTC"})]
SCHEMAS: dict[str, dict[str, object]] = {
    name: {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
    for name, field in (("weather", "place"), ("time", "zone"))
}
TOOLS: list[ToolParam] = [
    {"name": name, "description": f"Tell the {name}.", "input_schema": schema}
    for name, schema in SCHEMAS.items()
]
FUNCTIONS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "parameters": schema}}
    for name, schema in SCHEMAS.items()
]


@pytest.fixture(params=["llamacpp", "openai"])
def kind(request: pytest.FixtureRequest) -> str:
    """Name what the proxy takes the engine for."""
    return str(request.param)


@pytest.fixture
async def proxy(
    start_engine: StartEngine, sentence_model: Path, free_port: FreePort, kind: str
) -> AsyncIterator[ProxyProcess]:
    engine = start_engine(Embedded(model=sentence_model, alias=MODEL, embeddings=True))
    async with proxy_process([engine.url], free_port, kind=kind) as running:
        yield running


@pytest.fixture
async def claude(proxy: ProxyProcess) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=proxy.url, api_key="none", max_retries=0) as made:
        yield made


@pytest.fixture
async def llama(proxy: ProxyProcess) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(host=proxy.url) as made:
        yield made


async def test_a_message(claude: anthropic.AsyncAnthropic) -> None:
    answer = await claude.messages.create(model=MODEL, max_tokens=99, messages=HELLO)

    (block,) = answer.content
    assert block.type == "text"
    assert block.text == SENTENCE
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens == len(WORDS) + 1  # the end is a token too


async def test_a_streamed_message(claude: anthropic.AsyncAnthropic) -> None:
    async with claude.messages.stream(model=MODEL, max_tokens=5, messages=HELLO) as stream:
        words = [text async for text in stream.text_stream]
        answer = await stream.get_final_message()

    assert "".join(words) == " ".join(WORDS[:5])
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 5


async def test_tokens_are_counted(claude: anthropic.AsyncAnthropic) -> None:
    assert (await claude.messages.count_tokens(model=MODEL, messages=HELLO)).input_tokens > 0


async def test_an_error_is_anthropics(claude: anthropic.AsyncAnthropic) -> None:
    long: list[MessageParam] = [{"role": "user", "content": SENTENCE * 100}]

    with pytest.raises(anthropic.BadRequestError) as told:
        await claude.messages.create(model=MODEL, max_tokens=5, messages=long)

    assert isinstance(told.value.body, dict)
    assert told.value.body["type"] == "error"
    assert "context" in told.value.body["error"]["message"]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_response(proxy: ProxyProcess, streamed: bool) -> None:
    async with openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="none") as sdk:
        if streamed:
            async with sdk.responses.stream(model=MODEL, input="Hello there") as stream:
                events = [event async for event in stream]
                text = (await stream.get_final_response()).output_text
            deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
            assert "".join(deltas) == text
        else:
            text = (await sdk.responses.create(model=MODEL, input="Hello there")).output_text

    assert text == SENTENCE


async def test_a_chat_of_ollamas(llama: ollama.AsyncClient) -> None:
    plain = await llama.chat(MODEL, HELLO)
    stream = await llama.chat(f"{MODEL}:latest", HELLO, stream=True, options={"num_predict": 5})
    lines = [line async for line in stream]

    assert plain.message.content == SENTENCE
    assert plain.done_reason == "stop"
    assert "".join(line.message.content or "" for line in lines) == " ".join(WORDS[:5])
    assert (lines[-1].done, lines[-1].eval_count) == (True, 5)


async def test_what_else_ollamas_client_can(llama: ollama.AsyncClient) -> None:
    generated = await llama.generate(MODEL, "Hello there", options={"num_predict": 3})
    raw = await llama.generate(MODEL, "Once", raw=True, options={"num_predict": 3})
    embedded = await llama.embed(MODEL, [WORDS[0], " ".join(WORDS[1:9])])
    (listed,) = (await llama.list()).models
    shown = await llama.show(MODEL)

    assert generated.response == raw.response == " ".join(WORDS[:3])
    assert [len(vector) for vector in embedded.embeddings] == [64, 64]
    assert listed.model == MODEL
    assert "completion" in (shown.capabilities or ())


# two tools at once ------------------------------------------------------------------------------


@pytest.fixture
async def calling(
    start_engine: StartEngine, calling_model: Path, free_port: FreePort, kind: str
) -> AsyncIterator[ProxyProcess]:
    """Run a model that calls two tools, whatever it is asked."""
    engine = start_engine(Embedded(model=calling_model, alias=MODEL))
    async with proxy_process([engine.url], free_port, kind=kind) as running:
        yield running


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_message_calls_two_tools_and_takes_their_results(
    calling: ProxyProcess, streamed: bool
) -> None:
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 99, "messages": HELLO, "tools": TOOLS}
    answer: Message
    async with anthropic.AsyncAnthropic(base_url=calling.url, api_key="none") as sdk:
        if streamed:
            async with sdk.messages.stream(**asked) as stream:
                answer = await stream.get_final_message()
        else:
            answer = await sdk.messages.create(**asked)
        calls = [block for block in answer.content if block.type == "tool_use"]
        results: list[ToolResultBlockParam] = [
            {"type": "tool_result", "tool_use_id": call.id, "content": "fine"} for call in calls
        ]
        said: list[MessageParam] = [{"role": "assistant", "content": answer.content}]
        told: list[MessageParam] = [{"role": "user", "content": results}]
        again = await sdk.messages.create(**asked | {"messages": [*HELLO, *said, *told]})

    assert [(call.name, call.input) for call in calls] == WANTED
    assert answer.stop_reason == again.stop_reason == "tool_use"


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_chat_of_ollamas_calls_two_tools(calling: ProxyProcess, streamed: bool) -> None:
    async with ollama.AsyncClient(host=calling.url) as sdk:
        if streamed:
            stream = await sdk.chat(MODEL, HELLO, tools=FUNCTIONS, stream=True)
            messages = [line.message async for line in stream]
        else:
            messages = [(await sdk.chat(MODEL, HELLO, tools=FUNCTIONS)).message]

    calls = [call.function for message in messages for call in message.tool_calls or ()]
    assert [(call.name, call.arguments) for call in calls] == WANTED


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_chat_calls_two_tools(calling: ProxyProcess, streamed: bool) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO, "tools": FUNCTIONS}
    async with openai.AsyncOpenAI(base_url=f"{calling.url}/v1", api_key="none") as sdk:
        if streamed:
            async with sdk.chat.completions.stream(**asked) as stream:
                answer = await stream.get_final_completion()
        else:
            answer = await sdk.chat.completions.create(**asked)

    (choice,) = answer.choices
    calls = [call.function for call in choice.message.tool_calls or ()]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == WANTED
    assert choice.finish_reason == "tool_calls"


async def test_a_response_calls_two_tools(calling: ProxyProcess) -> None:
    tools: Any = [{"type": "function", "strict": False, **tool["function"]} for tool in FUNCTIONS]
    async with openai.AsyncOpenAI(base_url=f"{calling.url}/v1", api_key="none") as sdk:
        answer = await sdk.responses.create(model=MODEL, input="Hello there", tools=tools)

    calls = [item for item in answer.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == WANTED
