"""The official Anthropic client, whatever the engine behind speaks: the same code for both."""

from collections.abc import AsyncIterator, Callable

import anthropic
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, backends, serving

Port = Callable[[], int]
TOOLS: list[anthropic.types.ToolUnionParam] = [
    {
        "name": name,
        "description": f"Tell the {name} of a place.",
        "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}},
    }
    for name in ("weather", "time")
]


@pytest.fixture(params=["vllm", "tgi", "mlx-lm", "llamacpp"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """Run engines that speak Anthropic's API, and some that do not."""
    async with running(Profile(dialect=request.param)) as running_engine:
        yield running_engine


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    async with serving(backends(engine), free_port) as stack:
        yield stack


@pytest.fixture
async def sdk(stack: Stack) -> AsyncIterator[anthropic.AsyncAnthropic]:
    url = str(stack.client._base_url).rstrip("/")
    async with anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as made:
        yield made


def said(text: str) -> list[anthropic.types.MessageParam]:
    return [{"role": "user", "content": text}]


async def test_a_plain_answer(sdk: anthropic.AsyncAnthropic) -> None:
    answer = await sdk.messages.create(model=MODEL, max_tokens=9, messages=said("hi"))

    (block,) = answer.content
    assert block.type == "text"
    assert len(block.text.split()) == 9
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 9
    assert answer.usage.input_tokens > 0


async def test_a_streamed_answer(sdk: anthropic.AsyncAnthropic) -> None:
    async with sdk.messages.stream(model=MODEL, max_tokens=9, messages=said("hi")) as stream:
        words = [text async for text in stream.text_stream]
        answer = await stream.get_final_message()

    assert len("".join(words).split()) == 9
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 9
