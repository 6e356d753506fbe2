"""The official Anthropic client, whatever the engine behind speaks: the same code for both."""

from collections.abc import AsyncIterator, Callable

import anthropic
import pytest
from anthropic.types import Message, MessageParam, ToolParam

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

Port = Callable[[], int]
TOOLS: list[ToolParam] = [
    {
        "name": name,
        "description": f"Tell the {name} of a place.",
        "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}},
    }
    for name in ("weather", "time")
]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


# One that speaks Anthropic's API, and one that does not and whose plain calls are gathered.
@pytest.fixture(params=["vllm", "sglang", "mlx-lm"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    async with running(Profile(dialect=request.param, keep_bodies=True, pace=0.002)) as found:
        yield found


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    async with serving(backends(engine), free_port) as stack:
        yield stack
        await eventually(lambda: not stack.instance.in_flight())


@pytest.fixture
async def sdk(stack: Stack) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=stack.url, api_key="none", max_retries=0) as made:
        yield made


def said(text: str) -> list[MessageParam]:
    return [{"role": "user", "content": text}]


async def test_a_plain_answer(sdk: anthropic.AsyncAnthropic) -> None:
    answer = await sdk.messages.create(model=MODEL, max_tokens=9, messages=said("hi"))

    (block,) = answer.content
    assert block.type == "text"
    assert len(block.text.split()) == 9
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 9
    assert answer.usage.input_tokens > 0
    assert answer.model == MODEL


async def test_a_streamed_answer(sdk: anthropic.AsyncAnthropic) -> None:
    async with sdk.messages.stream(model=MODEL, max_tokens=9, messages=said("hi")) as stream:
        words = [text async for text in stream.text_stream]
        answer = await stream.get_final_message()

    assert len(words) == 9
    assert len("".join(words).split()) == 9
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 9


@pytest.mark.parametrize("streamed", [True, False])
async def test_parallel_calls_of_tools_and_their_results(
    sdk: anthropic.AsyncAnthropic, streamed: bool
) -> None:
    asked = said("call-tool:weather call-tool:time")
    answer: Message
    if streamed:
        async with sdk.messages.stream(
            model=MODEL, max_tokens=99, messages=asked, tools=TOOLS
        ) as stream:
            answer = await stream.get_final_message()
    else:
        answer = await sdk.messages.create(model=MODEL, max_tokens=99, messages=asked, tools=TOOLS)

    calls = [block for block in answer.content if block.type == "tool_use"]
    assert [call.name for call in calls] == ["weather", "time"]
    assert all(isinstance(call.input, dict) and "place" in call.input for call in calls)
    assert answer.stop_reason == "tool_use"

    results: list[MessageParam] = [
        *asked,
        {"role": "assistant", "content": answer.content},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": call.id, "content": "fine"} for call in calls
            ],
        },
    ]
    then = await sdk.messages.create(model=MODEL, max_tokens=9, messages=results, tools=TOOLS)
    assert [block.type for block in then.content] == ["text"]


async def test_thinking(sdk: anthropic.AsyncAnthropic) -> None:
    async with sdk.messages.stream(
        model=MODEL,
        max_tokens=2048,
        messages=said("think-tokens:5"),
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        answer = await stream.get_final_message()

    assert [block.type for block in answer.content] == ["thinking", "text"]


async def test_an_image_reaches_the_engine(sdk: anthropic.AsyncAnthropic, engine: Engine) -> None:
    seen: list[MessageParam] = [
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                },
                {"type": "text", "text": "What is it?"},
            ],
        }
    ]
    await sdk.messages.create(model=MODEL, max_tokens=3, messages=seen)

    assert PIXEL.encode() in engine.requests[-1].body


async def test_errors_are_of_the_clients_own_kinds(
    sdk: anthropic.AsyncAnthropic, engine: Engine
) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        await sdk.messages.create(model="nobody", max_tokens=3, messages=said("hi"))
    assert MODEL in unknown.value.message
    with pytest.raises(anthropic.BadRequestError) as long:
        await sdk.messages.create(model=MODEL, max_tokens=3, messages=said("word " * 9000))
    assert isinstance(long.value.body, dict)
    assert long.value.body["type"] == "error"
    engine.faults.set(Fault(kind=Kind.STATUS, status=503))
    with pytest.raises(anthropic.APIStatusError) as full:
        await sdk.messages.create(model=MODEL, max_tokens=3, messages=said("hi"))
    assert isinstance(full.value.body, dict)
    assert full.value.body["error"]["type"] == "overloaded_error"


async def test_a_stream_that_breaks_is_an_error(
    sdk: anthropic.AsyncAnthropic, engine: Engine
) -> None:
    engine.faults.set(Fault(kind=Kind.CUT, after=3))

    async def read() -> None:
        async with sdk.messages.stream(model=MODEL, max_tokens=9, messages=said("hi")) as stream:
            await stream.until_done()

    with pytest.raises(anthropic.APIError) as broken:
        await read()
    assert "engine" in str(broken.value)


async def test_who_leaves_frees_the_engine(sdk: anthropic.AsyncAnthropic, engine: Engine) -> None:
    async with sdk.messages.stream(model=MODEL, max_tokens=4000, messages=said("hi")) as stream:
        async for _ in stream.text_stream:
            break

    await eventually(lambda: engine.requests[-1].stage == "aborted")


async def test_tokens_are_counted(sdk: anthropic.AsyncAnthropic) -> None:
    counted = await sdk.messages.count_tokens(model=MODEL, messages=said("word " * 100))

    assert 50 < counted.input_tokens < 250


async def test_models_are_listed(sdk: anthropic.AsyncAnthropic) -> None:
    assert [model.id async for model in sdk.models.list()] == [MODEL]
    assert (await sdk.models.retrieve(MODEL)).display_name == MODEL
    with pytest.raises(anthropic.NotFoundError):
        await sdk.models.retrieve("nobody")


async def test_what_cannot_be_carried_is_refused_by_name_and_else_passed_on(
    sdk: anthropic.AsyncAnthropic, engine: Engine
) -> None:
    async def ask() -> None:
        servers = [{"type": "url", "url": "http://x", "name": "x"}]
        await sdk.messages.create(
            model=MODEL, max_tokens=3, messages=said("hi"), extra_body={"mcp_servers": servers}
        )

    if engine.profile.dialect != "mlx-lm":  # the others speak this API themselves
        await ask()
        assert b"mcp_servers" in engine.requests[-1].body
        return
    with pytest.raises(anthropic.BadRequestError) as refused:
        await ask()
    assert "mcp_servers" in refused.value.message


async def test_a_client_that_keeps_a_thread_learns_that_none_is_kept(
    sdk: anthropic.AsyncAnthropic, engine: Engine
) -> None:
    fields = {"anthropic-beta": "message-threads-2026-08-12"}
    thread = {"thread": {"type": "create"}}
    with pytest.raises(anthropic.BadRequestError) as told:
        await sdk.messages.create(
            model=MODEL,
            max_tokens=9,
            messages=said("hi"),
            extra_headers=fields,
            extra_body=thread,
        )

    assert isinstance(told.value.body, dict)
    details = told.value.body["error"]["details"]
    assert details["error_code"] == "thread_unsupported_request"
    assert not engine.requests

    # What the JavaScript client does then: the same, without a thread.
    answer = await sdk.messages.create(
        model=MODEL, max_tokens=9, messages=said("hi"), extra_headers=fields
    )
    assert answer.stop_reason == "max_tokens"
