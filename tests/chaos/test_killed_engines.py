"""Streams whose engine is killed in the middle, and which another engine ends word for word.

The engines are simulated, each a process of its own, and die by SIGKILL. `make continuation` breaks
100 streams of each kind; otherwise a handful.
"""

import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import msgspec
import pytest

from benchmarks.fake import launch
from benchmarks.fake.profile import Dialect, Profile
from benchmarks.fake.words import answer_text, count_tokens
from tests.fixtures import retold
from tests.fixtures.stack import MODEL, Stack, eventually, serving

Port = Callable[[], int]
STREAMS = int(os.environ.get("HEADRACE_STREAMS", "4"))
TOKENS = 40
PACE = 0.005
PATIENCE = 60.0
CHAT = "/v1/chat/completions"
# The first five speak the client's dialect; the last two are asked by translation.
KINDS = (
    (Dialect.VLLM, CHAT),
    (Dialect.LLAMACPP, CHAT),
    (Dialect.VLLM, retold.MESSAGES),
    (Dialect.VLLM, retold.RESPONSES),
    (Dialect.OLLAMA, retold.OLLAMA),
    (Dialect.LLAMACPP, retold.RESPONSES),
    (Dialect.VLLM, retold.OLLAMA),
)


class Fleet:
    """Two engines; the first, which is preferred, is killed and started again."""

    def __init__(self, stage: AsyncExitStack, dialect: Dialect) -> None:
        self._stage = stage
        self._dialect = dialect
        self.lasting: launch.Child
        self.doomed: launch.Child

    async def start(self, *ports: int) -> str:
        """Start both; return the settings of a proxy in front of them."""
        self.doomed = await self._start("a", ports[0])
        self.lasting = await self._start("b", ports[1])
        return (
            "backends:\n"
            f"  - {{name: a, url: '{self.doomed.url}', type: {self._dialect}, priority: 0}}\n"
            f"  - {{name: b, url: '{self.lasting.url}', type: {self._dialect}, priority: 1}}\n"
            "models: {continue_streams: ['*']}\n"
        )

    async def again(self) -> None:
        """Start the one that was killed once more, at the same address."""
        await self.doomed.ended()
        self.doomed = await self._start("a", int(self.doomed.url.rpartition(":")[2]))

    async def _start(self, name: str, port: int) -> launch.Child:
        profile = Profile(
            name=name, port=port, dialect=self._dialect, output_tokens=TOKENS, pace=PACE
        )
        child = await launch.start(profile)
        self._stage.push_async_callback(child.stop)
        return child


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that waits as long as a busy machine needs."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        yield session


async def streamed(
    client: aiohttp.ClientSession, stack: Stack, prompt: str, seen: Callable[[], None]
) -> bytes:
    """Return a whole streamed answer; `seen` is called for each token."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    got = bytearray()
    async with client.post(f"{stack.url}/v1/chat/completions", json=body) as answer:
        async for line in answer.content:
            got += line
            if b'"content":"' in line:
                seen()
    return bytes(got)


def checked(got: bytes, prompt: str) -> None:
    """Fail unless this is one ordinary stream with the whole text."""
    events: list[dict[str, Any]] = [
        msgspec.json.decode(line[6:]) for line in got.splitlines() if line[:7] == b"data: {"
    ]
    choices = [choice for event in events for choice in event["choices"]]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    assert text == answer_text(prompt, TOKENS)
    assert got.endswith(b"data: [DONE]\n\n")
    assert got.count(b"[DONE]") == 1
    assert [c["finish_reason"] for c in choices if c.get("finish_reason")] == ["stop"]
    assert len({(event["id"], event["created"], event["model"]) for event in events}) == 1
    assert not [event for event in events if "error" in event]
    usage = [event["usage"] for event in events if event.get("usage")]
    for counted in usage:  # it is lost where only the end of the stream was
        assert counted["prompt_tokens"] == count_tokens(prompt)
        assert counted["completion_tokens"] == TOKENS


async def spoken(
    client: aiohttp.ClientSession, stack: Stack, path: str, prompt: str, seen: Callable[[], None]
) -> bytes:
    """Return a whole streamed answer in another dialect; `seen` is called for each token."""
    turns = [{"role": "user", "content": prompt}]
    more = {"input" if path == retold.RESPONSES else "messages": turns}
    whole = retold.asking(path, MODEL, **more)
    got = bytearray()
    async with client.post(f"{stack.url}{path}", json=whole) as answer:
        async for line in answer.content:
            got += line
            if b"event:" not in line and (b"delta" in line or b'"content":"' in line):
                seen()
    return bytes(got)


def same(path: str, got: bytes, undisturbed: bytes, prompt: str) -> None:
    """Fail unless this is one ordinary stream of the dialect with the whole text."""
    found, whole = retold.read(path, got), retold.read(path, undisturbed)
    assert retold.words(path, found) == answer_text(prompt, TOKENS)
    assert retold.shape(path, found) == retold.shape(path, whole)
    assert len(retold.names(path, found)) == len(retold.names(path, whole))


async def killed_in_the_middle(
    fleet: Fleet, stack: Stack, client: aiohttp.ClientSession, path: str, prompt: str
) -> None:
    """Ask, kill the engine at a random token, and check the answer."""
    last = random.randrange(1, TOKENS)
    tokens = 0

    def seen() -> None:
        nonlocal tokens
        tokens += 1
        if tokens == last:
            fleet.doomed.kill()

    if path == CHAT:
        checked(await streamed(client, stack, prompt, seen), prompt)
        return
    got = await spoken(client, stack, path, prompt, seen)
    whole = await spoken(client, stack, path, prompt, lambda: None)
    same(path, got, whole, prompt)


@pytest.mark.timeout(60 + 5 * STREAMS)
@pytest.mark.parametrize(("dialect", "path"), KINDS)
async def test_streams_of_killed_engines_are_the_same_as_undisturbed_ones(
    free_port: Port,
    client: aiohttp.ClientSession,
    capsys: pytest.CaptureFixture[str],
    dialect: Dialect,
    path: str,
) -> None:
    wanted = max(1, STREAMS // 2)
    async with AsyncExitStack() as stage:
        fleet = Fleet(stage, dialect)
        document = await fleet.start(free_port(), free_port())
        stack = await stage.enter_async_context(serving(document, free_port))
        instance = stack.instance
        doomed = instance.backends()[0]
        kills = continued = 0
        while continued < wanted:
            await eventually(lambda: doomed.available(instance.now()), PATIENCE)
            await killed_in_the_middle(fleet, stack, client, path, f"round {kills}")
            kills += 1
            await fleet.again()
            await written(stack, kills if path == CHAT else 2 * kills)
            continued = sum(line.get("continued", 0) for line in lines(stack))
            assert kills < 3 * wanted, "streams end before their engine is killed"

        assert {line["end"] for line in lines(stack)} == {"--"}
        with capsys.disabled():
            told = f"{kills} streams whole, {continued} of them broken by SIGKILL and continued"
            print(f"\n{dialect} {path}: {told}")  # noqa: T201 - what the command is run for


async def written(stack: Stack, count: int) -> None:
    """Wait until so many requests have their access lines."""
    await eventually(lambda: len(lines(stack)) == count)


def lines(stack: Stack) -> list[dict[str, Any]]:
    """Return the access lines written so far."""
    return [msgspec.json.decode(line) for line in stack.access_lines()]
