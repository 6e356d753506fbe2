"""The official OpenAI client, through the proxy as a process, to a real llama.cpp server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from proxy.cli.embedded import Embedded
from tests.fixtures.process import ProxyProcess, proxy_process
from tests.real.conftest import StartEngine
from tests.real.tiny_model import SENTENCE, WORDS

MODEL = "sentence"
TOKENS = [WORDS[0], *(f" {word}" for word in WORDS[1:])]
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there"}]
TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tell the weather of a place.",
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
]
ALIASES = "models: {aliases: {gpt-4o: [not-there, sentence]}}\n"
"""An alias whose first model no engine has."""

FreePort = Callable[[], int]


def client(proxy: ProxyProcess) -> openai.AsyncOpenAI:
    """Make the asynchronous client; a failure is seen, not tried again."""
    return openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0)


@pytest.fixture
async def proxy(
    start_engine: StartEngine, sentence_model: Path, free_port: FreePort
) -> AsyncIterator[ProxyProcess]:
    """Run the proxy in front of one real engine that knows one sentence."""
    engine = start_engine(Embedded(model=sentence_model, alias=MODEL, embeddings=True))
    async with proxy_process([engine.url], free_port, ALIASES) as running:
        yield running


@pytest.fixture
async def sdk(proxy: ProxyProcess) -> AsyncIterator[openai.AsyncOpenAI]:
    """Make the asynchronous client for the time of a test."""
    async with client(proxy) as made:
        yield made


@pytest.fixture
def sync_sdk(proxy: ProxyProcess) -> Iterator[openai.OpenAI]:
    """Make the synchronous client."""
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0) as made:
        yield made


async def test_chat(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(model=MODEL, messages=HELLO, temperature=1.0)

    (choice,) = answer.choices
    assert choice.message.content == SENTENCE
    assert choice.message.role == "assistant"
    assert choice.finish_reason == "stop"
    assert answer.model == MODEL
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(WORDS) + 1  # the end is a token too
    assert answer.usage.prompt_tokens > 0


async def test_chat_streamed(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model=MODEL, messages=HELLO, temperature=1.0, stream=True
    )
    chunks = [chunk async for chunk in stream]

    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert [c.delta.content for c in choices if c.delta.content] == TOKENS
    assert choices[0].delta.role == "assistant"
    assert [c.finish_reason for c in choices if c.finish_reason] == ["stop"]
    assert {chunk.model for chunk in chunks} == {MODEL}
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


async def test_the_usage_of_a_stream_when_asked_for(
    sdk: openai.AsyncOpenAI, proxy: ProxyProcess
) -> None:
    stream = await sdk.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        stream=True,
        max_tokens=5,
        stream_options={"include_usage": True},
    )
    *_, last = [chunk async for chunk in stream]

    assert last.usage is not None
    assert last.usage.completion_tokens == 5
    assert (await line_of(proxy))["tokens_out"] == 5


async def test_max_tokens_ends_with_length(sdk: openai.AsyncOpenAI) -> None:
    plain = await sdk.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=5)
    stream = await sdk.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=5, stream=True
    )
    choices = [choice async for chunk in stream for choice in chunk.choices]

    assert plain.choices[0].message.content == " ".join(WORDS[:5])
    assert plain.choices[0].finish_reason == "length"
    assert [c.delta.content for c in choices if c.delta.content] == TOKENS[:5]
    assert choices[-1].finish_reason == "length"


async def test_completions(sdk: openai.AsyncOpenAI) -> None:
    plain = await sdk.completions.create(model=MODEL, prompt="Once", max_tokens=7)
    stream = await sdk.completions.create(model=MODEL, prompt="Once", max_tokens=7, stream=True)
    pieces = [choice.text async for chunk in stream for choice in chunk.choices if choice.text]

    assert plain.choices[0].text == " ".join(WORDS[:7])
    assert plain.choices[0].finish_reason == "length"
    assert pieces == TOKENS[:7]


async def test_responses(sdk: openai.AsyncOpenAI) -> None:
    plain = await sdk.responses.create(model=MODEL, input="Hello there")
    stream = await sdk.responses.create(model=MODEL, input="Hello there", stream=True)
    events = [event async for event in stream]

    assert plain.output_text == SENTENCE
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == SENTENCE
    assert events[-1].type == "response.completed"


async def test_embeddings(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.embeddings.create(model=MODEL, input=[WORDS[0], " ".join(WORDS[1:9])])

    one, other = (item.embedding for item in answer.data)
    assert [item.index for item in answer.data] == [0, 1]
    assert len(one) == len(other) == 64
    assert one != other


async def test_models(sdk: openai.AsyncOpenAI) -> None:
    listed = {model.id: model async for model in sdk.models.list()}
    one = await sdk.models.retrieve(MODEL)

    assert set(listed) == {MODEL, "gpt-4o"}
    assert one == listed[MODEL]
    assert one.owned_by == "llamacpp"
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve("gpt-17")


async def test_an_alias_names_a_model_that_is_there(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=3)

    assert answer.choices[0].message.content == " ".join(WORDS[:3])


@pytest.mark.parametrize("stream", [False, True])
async def test_an_unknown_model_is_told_with_those_there_are(
    sdk: openai.AsyncOpenAI, stream: bool
) -> None:
    with pytest.raises(openai.NotFoundError) as told:
        await sdk.chat.completions.create(model="gpt-17", messages=HELLO, stream=stream)

    assert told.value.code == "model_not_found"
    assert told.value.param == "model"
    assert "gpt-17" in told.value.message
    assert MODEL in told.value.message
    assert told.value.request_id


@pytest.mark.parametrize("stream", [False, True])
async def test_the_engine_s_own_refusal_is_passed_on(sdk: openai.AsyncOpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        await sdk.chat.completions.create(
            model=MODEL, messages=HELLO, stream=stream, extra_body={"temperature": "hot"}
        )

    assert "type must be number, but is string" in told.value.message
    assert told.value.response.headers["x-headrace-backend"] == "engine-0"
    assert told.value.response.headers["x-headrace-attempts"] == "1"


async def test_a_prompt_that_does_not_fit_is_passed_on(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        await sdk.completions.create(model=MODEL, prompt=SENTENCE * 100)

    assert told.value.type == "exceed_context_size_error"


async def test_a_surface_the_engine_does_not_offer_says_so_itself(
    start_engine: StartEngine, sentence_model: Path, free_port: FreePort
) -> None:
    engine = start_engine(Embedded(model=sentence_model, alias=MODEL))
    async with proxy_process([engine.url], free_port) as proxy, client(proxy) as sdk:
        with pytest.raises(openai.APIStatusError) as told:
            await sdk.embeddings.create(model=MODEL, input="Hello")

    assert told.value.status_code == 501
    assert "does not support embeddings" in told.value.message


async def test_tools_are_accepted(sdk: openai.AsyncOpenAI) -> None:
    plain = await sdk.chat.completions.create(model=MODEL, messages=HELLO, tools=TOOLS)
    stream = await sdk.chat.completions.create(
        model=MODEL, messages=HELLO, tools=TOOLS, tool_choice="auto", stream=True
    )
    choices = [choice async for chunk in stream for choice in chunk.choices]

    # The model does not know how to call one: it says what it always says.
    assert plain.choices[0].message.content == SENTENCE
    assert "".join(c.delta.content or "" for c in choices) == SENTENCE


@pytest.mark.parametrize("stream", [False, True])
async def test_headers_say_which_engine_answered(
    sdk: openai.AsyncOpenAI, proxy: ProxyProcess, stream: bool
) -> None:
    raw = await sdk.chat.completions.with_raw_response.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=3,
        stream=stream,
        extra_headers={"X-Request-Id": "a-client-s-own-17"},
    )
    await raw.http_response.aread()

    assert raw.headers["x-request-id"] == raw.request_id == "a-client-s-own-17"
    assert raw.headers["x-headrace-backend"] == "engine-0"
    assert raw.headers["x-headrace-attempts"] == "1"
    assert float(raw.headers["x-headrace-queue-ms"]) >= 0.0
    line = await line_of(proxy)
    assert (line["request_id"], line["backend"]) == ("a-client-s-own-17", "engine-0")


async def test_many_at_once_each_get_the_whole_sentence(sdk: openai.AsyncOpenAI) -> None:
    async def ask() -> str:
        stream = await sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        return "".join([c.delta.content or "" async for chunk in stream for c in chunk.choices])

    answers = await asyncio.gather(*(ask() for _ in range(40)))  # the engine has two slots

    assert set(answers) == {SENTENCE}


async def test_the_synchronous_client(sync_sdk: openai.OpenAI) -> None:
    plain = sync_sdk.chat.completions.create(model=MODEL, messages=HELLO)
    with sync_sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        choices = [choice for chunk in stream for choice in chunk.choices]
    text = sync_sdk.completions.create(model=MODEL, prompt="Once", max_tokens=3)
    models = [model.id for model in sync_sdk.models.list()]

    assert plain.choices[0].message.content == SENTENCE
    assert [c.delta.content for c in choices if c.delta.content] == TOKENS
    assert choices[-1].finish_reason == "stop"
    assert text.choices[0].text == " ".join(WORDS[:3])
    assert sorted(models) == ["gpt-4o", MODEL]
    with pytest.raises(openai.NotFoundError, match=MODEL):
        sync_sdk.chat.completions.create(model="gpt-17", messages=HELLO)


async def test_an_answer_that_breaks_off_raises(
    start_engine: StartEngine, endless_model: Path, free_port: FreePort
) -> None:
    engine = start_engine(Embedded(model=endless_model, alias=MODEL, context=1 << 18, slots=1))
    pieces: list[str] = []

    async def read(sdk: openai.AsyncOpenAI) -> None:
        stream = await sdk.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=150_000, stream=True
        )
        async for chunk in stream:
            pieces.append(chunk.choices[0].delta.content or "")
            if pieces[-1] == TOKENS[-1]:
                engine.kill()

    async with proxy_process([engine.url], free_port) as proxy, client(proxy) as sdk:
        with pytest.raises(openai.APIError, match="incomplete") as told:
            await read(sdk)

    assert "".join(pieces).startswith(SENTENCE)
    assert told.value.code in {"closed_by_backend", "truncated_stream"}


@pytest.mark.slow
async def test_real_text(start_engine: StartEngine, smollm2: Path, free_port: FreePort) -> None:
    engine = start_engine(Embedded(model=smollm2))
    question: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "Write one sentence about a river."}
    ]
    same = {"cache_prompt": False}  # else the second answer is computed in other steps
    async with proxy_process([engine.url], free_port) as proxy, client(proxy) as sdk:
        plain = await sdk.chat.completions.create(
            model=engine.model, messages=question, max_tokens=24, temperature=0, extra_body=same
        )
        stream = await sdk.chat.completions.create(
            model=engine.model,
            messages=question,
            max_tokens=24,
            temperature=0,
            stream=True,
            extra_body=same,
        )
        pieces = [c.delta.content or "" async for chunk in stream for c in chunk.choices]

    text = plain.choices[0].message.content
    assert text is not None
    assert len(text.split()) > 5
    assert "".join(pieces) == text
    assert sum(1 for piece in pieces if piece) > 5


async def line_of(proxy: ProxyProcess) -> dict[str, object]:
    """Return the access line of the only call, once it is written."""
    async with asyncio.timeout(30):
        # Looked at again and again: a file tells nobody.
        while not (lines := [x for x in proxy.access_lines() if x["method"] == "POST"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    (line,) = lines
    return line
