"""What goes wrong in fleets of unlike engines where requests are routed by guesses about them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import aiohttp
import orjson
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Dialect, Profile
from tests.fixtures.stack import Stack, backends, serving

Port = Callable[[], int]
TEXT, SEEING = "Qwen/Qwen3-8B", "llava:13b"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PIXEL}}


@pytest.fixture
async def fleet() -> AsyncIterator[tuple[Engine, Engine]]:
    """Return an engine with a text model and an Ollama with one that can see."""
    made = (
        Profile(dialect=Dialect.MLX_LM, models=(TEXT,), keep_bodies=True),
        Profile(dialect=Dialect.OLLAMA, models=(SEEING,), keep_bodies=True),
    )
    async with AsyncExitStack() as opened:
        one, other = [await opened.enter_async_context(running(profile)) for profile in made]
        yield one, other


@pytest.fixture
async def stack(fleet: tuple[Engine, Engine], free_port: Port) -> AsyncIterator[Stack]:
    aliases = f'models: {{aliases: {{"GPT-4o": ["{TEXT}"], seer: ["nobody", "{SEEING}"]}}}}\n'
    async with serving(backends(*fleet) + aliases, free_port) as stack:
        yield stack


def user(content: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    "content",
    [
        [IMAGE],
        [{"type": "text", "text": "What is it?"}, IMAGE],
        "Write a function of a class and implement it.",
    ],
    ids=["image alone", "image", "words about code"],
)
async def test_the_model_decides_and_not_what_is_in_the_request(
    stack: Stack, fleet: tuple[Engine, Engine], content: object
) -> None:
    messages = user(content)
    async with stack.client.post(
        "/v1/chat/completions", json={"model": TEXT, "messages": messages, "max_tokens": 3}
    ) as answer:
        assert answer.status == 200, await answer.text()

    assert answer.headers["x-headrace-backend"] == "a"
    assert orjson.loads(fleet[0].requests[-1].body)["messages"] == messages


async def test_an_alias_may_have_capitals_and_is_listed(
    stack: Stack, fleet: tuple[Engine, Engine]
) -> None:
    async with stack.client.get("/v1/models") as answer:
        assert {row["id"] for row in (await answer.json())["data"]} == {
            TEXT,
            SEEING,
            "GPT-4o",
            "seer",
        }
    async with stack.client.post(
        "/v1/chat/completions", json={"model": "GPT-4o", "messages": user("hi"), "seed": 7}
    ) as answer:
        assert answer.status == 200

    sent = orjson.loads(fleet[0].requests[-1].body)
    assert (sent["model"], sent["seed"]) == (TEXT, 7)


async def test_a_request_with_input_is_no_embedding(stack: Stack) -> None:
    async with stack.client.post("/v1/responses", json={"model": TEXT, "input": "hi"}) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["object"] == "response"


async def test_a_turn_of_nothing_but_an_image_is_carried_over(
    stack: Stack, fleet: tuple[Engine, Engine]
) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    body = {
        "model": TEXT,
        "max_tokens": 3,
        "top_k": 5,
        "messages": user([{"type": "image", "source": source}]),
    }
    async with stack.client.post("/v1/messages", json=body) as answer:
        assert answer.status == 200, await answer.text()

    sent = orjson.loads(fleet[0].requests[-1].body)
    (part,) = sent["messages"][-1]["content"]
    assert part["image_url"]["url"].endswith(PIXEL)
    assert sent["top_k"] == 5


async def test_a_document_that_cannot_be_carried_over_is_refused_by_name(
    stack: Stack, fleet: tuple[Engine, Engine]
) -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    body = {
        "model": TEXT,
        "max_tokens": 3,
        "messages": user([{"type": "document", "source": source}]),
    }
    async with stack.client.post("/v1/messages", json=body) as answer:
        refused = await answer.json()

    assert answer.status == 400
    assert refused["type"] == "error"
    assert "messages[0].content[0]" in refused["error"]["message"]
    assert not fleet[0].requests


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_stream_that_breaks_off_is_not_ended_as_if_it_were_whole(
    stack: Stack, fleet: tuple[Engine, Engine], path: str
) -> None:
    fleet[0].faults.set(Fault(kind=Kind.CUT, after=5))
    body = {"model": TEXT, "max_tokens": 30, "stream": True, "messages": user("hi")}

    received = bytearray()

    async def read(answer: aiohttp.ClientResponse) -> None:
        async for piece in answer.content.iter_any():
            received.extend(piece)

    async with stack.client.post(path, json=body) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await read(answer)

    assert b"error" in received
    assert b"[DONE]" not in received
    assert b"message_stop" not in received


@pytest.mark.parametrize("size", [100_000, 900_000])
async def test_a_long_prompt_is_routed_by_its_model_wherever_that_stands(
    stack: Stack, size: int
) -> None:
    body = orjson.dumps({"messages": user("x" * size), "model": TEXT, "max_tokens": 1})
    async with stack.client.post(
        "/v1/chat/completions", data=body, headers={"content-type": "application/json"}
    ) as answer:
        told = await answer.text()

    assert answer.headers["x-headrace-backend"] == "a", told


async def test_users_with_one_system_prompt_are_not_all_sent_to_one_engine(
    free_port: Port,
) -> None:
    system = {"role": "system", "content": "You are the assistant of a company. " * 20}
    profile = Profile(models=(TEXT,), pace=0.05, output_tokens=8)
    async with (
        running(profile) as one,
        running(profile) as other,
        serving(backends(one, other), free_port) as stack,
        AsyncExitStack() as opened,
    ):
        body = {"model": TEXT, "stream": True}
        answers = [
            await opened.enter_async_context(
                stack.client.post(
                    "/v1/chat/completions",
                    json={**body, "messages": [system, *user(f"question {number}")]},
                )
            )
            for number in range(4)
        ]

        assert sorted(answer.headers["x-headrace-backend"] for answer in answers) == [*"aabb"]


@pytest.mark.parametrize("model", [TEXT, SEEING])
async def test_a_wrong_version_of_anthropics_api_is_told_in_its_shape(
    stack: Stack, model: str
) -> None:
    body = {"model": model, "max_tokens": 3, "messages": user("hi")}
    version = {"anthropic-version": "1999-01-01"}
    async with stack.client.post("/v1/messages", json=body, headers=version) as answer:
        said = await answer.json()

    assert (answer.status, said["type"]) == (400, "error")
    assert said["error"]["type"] == "invalid_request_error"
    assert "anthropic-version" in said["error"]["message"]
