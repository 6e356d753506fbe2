"""The official Ollama client, whatever the engine behind speaks: the same code for both."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import ollama
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

Port = Callable[[], int]
HELLO = [{"role": "user", "content": "hi"}]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


def tool(name: str) -> Mapping[str, Any]:
    parameters = {"type": "object", "properties": {"place": {"type": "string"}}}
    function = {"name": name, "description": f"Tell the {name}.", "parameters": parameters}
    return {"type": "function", "function": function}


@pytest.fixture(params=["ollama", "vllm"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    model = f"{MODEL}:latest" if request.param == "ollama" else MODEL
    profile = Profile(dialect=request.param, models=(model,), keep_bodies=True, pace=0.002)
    async with running(profile) as found:
        yield found


@pytest.fixture
async def stack(engine: Engine, free_port: Port) -> AsyncIterator[Stack]:
    async with serving(backends(engine), free_port) as stack:
        yield stack
        await eventually(lambda: not stack.instance.in_flight())


@pytest.fixture
async def sdk(stack: Stack) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(host=stack.url) as made:
        yield made


@pytest.mark.parametrize("model", [MODEL, f"{MODEL}:latest"])
async def test_a_plain_chat(sdk: ollama.AsyncClient, model: str) -> None:
    answer = await sdk.chat(model, HELLO, options={"num_predict": 9})

    assert len((answer.message.content or "").split()) == 9
    assert (answer.done, answer.done_reason, answer.eval_count) == (True, "length", 9)
    assert answer.prompt_eval_count
    assert answer.total_duration


async def test_a_streamed_chat(sdk: ollama.AsyncClient) -> None:
    stream = await sdk.chat(MODEL, HELLO, stream=True, options={"num_predict": 9})
    lines = [line async for line in stream]

    assert len("".join(line.message.content or "" for line in lines).split()) == 9
    assert [line.done for line in lines] == [*[False] * (len(lines) - 1), True]
    assert lines[-1].eval_count == 9


@pytest.mark.parametrize("streamed", [True, False])
async def test_generate(sdk: ollama.AsyncClient, streamed: bool) -> None:
    if streamed:
        stream = await sdk.generate(MODEL, "hi", stream=True, options={"num_predict": 9})
        text = "".join([line.response or "" async for line in stream])
    else:
        text = (await sdk.generate(MODEL, "hi", options={"num_predict": 9})).response or ""

    assert len(text.split()) == 9


@pytest.mark.parametrize("streamed", [True, False])
async def test_parallel_calls_of_tools_and_their_results(
    sdk: ollama.AsyncClient, streamed: bool
) -> None:
    asked = [{"role": "user", "content": "call-tool:weather call-tool:time"}]
    tools = [tool("weather"), tool("time")]
    if streamed:
        stream = await sdk.chat(MODEL, asked, tools=tools, stream=True)
        messages = [line.message async for line in stream]
    else:
        messages = [(await sdk.chat(MODEL, asked, tools=tools)).message]
    calls = [call for message in messages for call in message.tool_calls or ()]

    assert [call.function.name for call in calls] == ["weather", "time"]
    assert all("place" in call.function.arguments for call in calls)
    said = {"role": "assistant", "content": "", "tool_calls": [c.model_dump() for c in calls]}
    results = [{"role": "tool", "tool_name": c.function.name, "content": "fine"} for c in calls]
    then = await sdk.chat(MODEL, [*asked, said, *results], tools=tools, options={"num_predict": 4})
    assert then.message.content
    assert not then.message.tool_calls


async def test_thinking(sdk: ollama.AsyncClient) -> None:
    answer = await sdk.chat(MODEL, [{"role": "user", "content": "think-tokens:5"}], think=True)

    assert answer.message.thinking
    assert answer.message.content


async def test_an_image_reaches_the_engine(sdk: ollama.AsyncClient, engine: Engine) -> None:
    seen = [{"role": "user", "content": "What is it?", "images": [PIXEL]}]

    await sdk.chat(MODEL, seen, options={"num_predict": 3})

    assert PIXEL.encode() in engine.requests[-1].body


async def test_embeddings(sdk: ollama.AsyncClient) -> None:
    several = await sdk.embed(MODEL, ["one", "two"])
    one = await sdk.embeddings(MODEL, "one")

    assert len(several.embeddings) == 2
    assert len(one.embedding) == len(several.embeddings[0])


async def test_errors_are_of_the_clients_own_kind(sdk: ollama.AsyncClient) -> None:
    with pytest.raises(ollama.ResponseError) as unknown:
        await sdk.chat("nobody", HELLO)
    assert unknown.value.status_code == 404
    assert MODEL in unknown.value.error
    with pytest.raises(ollama.ResponseError) as long:
        await sdk.chat(MODEL, [{"role": "user", "content": "word " * 9000}])
    assert long.value.status_code == 400
    assert not long.value.error.startswith("{")


async def test_a_stream_that_breaks_is_an_error(sdk: ollama.AsyncClient, engine: Engine) -> None:
    engine.faults.set(Fault(kind=Kind.CUT, after=3))

    async def read() -> None:
        async for _ in await sdk.chat(MODEL, HELLO, stream=True):
            pass

    with pytest.raises(ollama.ResponseError) as broken:
        await read()
    assert "engine" in broken.value.error


async def test_who_leaves_frees_the_engine(sdk: ollama.AsyncClient, engine: Engine) -> None:
    stream = await sdk.chat(MODEL, HELLO, stream=True, options={"num_predict": 4000})
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined] # it is a generator

    await eventually(lambda: engine.requests[-1].stage == "aborted")


async def test_models_are_listed_and_shown(sdk: ollama.AsyncClient) -> None:
    (listed,) = (await sdk.list()).models
    (running_model,) = (await sdk.ps()).models
    shown = await sdk.show(MODEL)

    assert listed.model is not None
    assert listed.model.removesuffix(":latest") == MODEL
    assert running_model.model == listed.model
    assert "completion" in (shown.capabilities or ())
    with pytest.raises(ollama.ResponseError):
        await sdk.show("nobody")
