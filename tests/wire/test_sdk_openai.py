"""The official OpenAI client: chats, and the Responses API whatever the engine behind speaks."""

from collections.abc import AsyncIterator, Callable

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.responses import FunctionToolParam, Response

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

Port = Callable[[], int]
PARAMETERS: dict[str, object] = {"type": "object", "properties": {"place": {"type": "string"}}}
TOOLS: list[FunctionToolParam] = [
    {"type": "function", "name": name, "parameters": PARAMETERS, "strict": False}
    for name in ("weather", "time")
]
CHAT_TOOLS: list[ChatCompletionToolParam] = [
    {"type": "function", "function": {"name": name, "parameters": PARAMETERS}}
    for name in ("weather", "time")
]
BOTH = "call-tool:weather call-tool:time"


# One that speaks the Responses API, one that does not, one whose plain calls are gathered besides.
@pytest.fixture(params=["vllm", "tgi", "mlx-lm"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    async with running(Profile(dialect=request.param, pace=0.002)) as found:
        yield found


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    async with serving(backends(engine), free_port) as stack:
        yield stack
        await eventually(lambda: not stack.instance.in_flight())


@pytest.fixture
async def sdk(stack: Stack) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{stack.url}/v1", api_key="none", max_retries=0
    ) as made:
        yield made


async def test_a_plain_response(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.responses.create(model=MODEL, input="hi", max_output_tokens=9)

    assert len(answer.output_text.split()) == 9
    assert answer.status == "incomplete"
    assert answer.usage is not None
    assert answer.usage.output_tokens == 9


async def test_a_streamed_response(sdk: openai.AsyncOpenAI) -> None:
    async with sdk.responses.stream(model=MODEL, input="hi") as stream:
        kinds = [event.type async for event in stream]
        answer = await stream.get_final_response()

    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert len(answer.output_text.split()) == 16
    assert answer.status == "completed"


@pytest.mark.parametrize("streamed", [True, False])
async def test_parallel_calls_in_a_response(sdk: openai.AsyncOpenAI, streamed: bool) -> None:
    answer: Response
    if streamed:
        async with sdk.responses.stream(model=MODEL, input=BOTH, tools=TOOLS) as stream:
            await stream.until_done()
            answer = await stream.get_final_response()
    else:
        answer = await sdk.responses.create(model=MODEL, input=BOTH, tools=TOOLS)

    calls = [item for item in answer.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["weather", "time"]
    assert all("place" in call.arguments for call in calls)


async def test_reasoning_in_a_response(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.responses.create(
        model=MODEL, input="think-tokens:5", reasoning={"effort": "low"}
    )

    assert [item.type for item in answer.output] == ["reasoning", "message"]


async def test_what_is_kept_nowhere_is_refused_by_name(
    sdk: openai.AsyncOpenAI, engine: Engine
) -> None:
    if engine.profile.dialect == "vllm":
        return  # it is passed on, and the engine's to say
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.responses.create(model=MODEL, input="hi", previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"


async def test_a_response_that_breaks_is_an_error(sdk: openai.AsyncOpenAI, engine: Engine) -> None:
    engine.faults.set(Fault(kind=Kind.CUT, after=3))

    async def read() -> list[str]:
        stream = await sdk.responses.create(model=MODEL, input="hi", stream=True)
        return [event.type async for event in stream]

    with pytest.raises((openai.APIError, openai.APIConnectionError)):
        await read()


@pytest.mark.parametrize("streamed", [True, False])
async def test_chat_with_parallel_calls(sdk: openai.AsyncOpenAI, streamed: bool) -> None:
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": BOTH}]
    answer: ChatCompletion
    if streamed:
        async with sdk.chat.completions.stream(
            model=MODEL, messages=asked, tools=CHAT_TOOLS
        ) as stream:
            answer = await stream.get_final_completion()
    else:
        answer = await sdk.chat.completions.create(model=MODEL, messages=asked, tools=CHAT_TOOLS)

    (choice,) = answer.choices
    calls = [call for call in choice.message.tool_calls or () if call.type == "function"]
    assert [call.function.name for call in calls] == ["weather", "time"]
    assert choice.finish_reason == "tool_calls"


async def test_who_leaves_a_plain_chat_frees_the_engine(
    stack: Stack, engine: Engine, sdk: openai.AsyncOpenAI
) -> None:
    impatient = sdk.with_options(timeout=0.1)
    with pytest.raises(openai.APITimeoutError):
        await impatient.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "hi"}],
            max_tokens=4000,
            extra_body={"ignore_eos": True},
        )

    await eventually(lambda: engine.requests[-1].stage == "aborted")
    assert engine.requests[-1].stream is (engine.profile.dialect == "mlx-lm")


async def test_errors_are_of_the_clients_own_kinds(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        await sdk.responses.create(model="nobody", input="hi")
    assert MODEL in unknown.value.message
    with pytest.raises(openai.BadRequestError):
        await sdk.responses.create(model=MODEL, input="word " * 9000)
