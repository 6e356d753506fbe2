"""`make test-engines ENGINE=NAME`: a real engine, installed, started, and used through headrace.

    python -m tests.real.drive vllm [NAME]...

The model is the one whose every token is known. Each check stands for itself; the report is a table
in Markdown, and the exit code is 1 if one of them failed. Behind the engine stands a llama.cpp
server of the same model that is used only when the engine cannot serve.
"""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TextIO

import aiohttp
import anthropic
import msgspec
import ollama
import openai
import orjson
from openai.types.chat import ChatCompletionMessageParam

from benchmarks.fake.launch import Ready
from proxy.cli.embedded import Embedded, command
from tests.fixtures.process import ProxyProcess, running_from
from tests.real import recipes, tiny_directory, tiny_model
from tests.real.recipes import Recipe
from tests.real.servers import Server
from tests.real.tiny_model import WORDS

MODEL = "tiny"
MANY = 1500  # tokens: long enough to be interrupted
BURST = 20
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there"}]


class Stage:
    """An engine behind headrace, and another one of lower priority."""

    def __init__(self, recipe: Recipe, proxy: ProxyProcess, engine: Server) -> None:
        self.recipe = recipe
        self.proxy = proxy
        self.engine = engine
        self.sdk = openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key="none", max_retries=0)

    async def chat(self) -> tuple[str, str]:
        """Return the text of a plain chat and who served it."""
        raw = await self.sdk.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
        return raw.parse().choices[0].message.content or "", raw.headers["x-headrace-backend"]

    async def status(self) -> dict[str, object]:
        """Return what headrace says of the engine."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.proxy.admin}/status") as answer,
        ):
            first: dict[str, object] = (await answer.json())["backends"][0]
            return first

    @asynccontextmanager
    async def stream(self, tokens: int) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for a stream; comes back with its head."""
        body = {
            "model": MODEL,
            "stream": True,
            "max_tokens": tokens,
            "ignore_eos": True,
            "messages": [{"role": "user", "content": "Hello there"}],
        }
        url = f"{self.proxy.url}/v1/chat/completions"
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
            assert answer.status == 200, await answer.read()
            yield answer

    async def works_on(self) -> float:
        """Return how many requests the engine says it works on, by its own metrics."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.engine.url}/metrics") as answer,
        ):
            lines = (await answer.text()).splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith(self.recipe.running)
        )


async def recognised(stage: Stage) -> str:
    """See that it is known by `type: auto`, with the name of its model."""
    said = await stage.status()
    assert said["type"] == stage.recipe.kind, said
    assert said["models"] == [MODEL], said
    return f"as `{said['type']}`, models {said['models']}, limit {said['cap']}"


async def plain(stage: Stage) -> str:
    """Ask for a plain chat and a completion, token by token as they must be."""
    text, served = await stage.chat()
    assert (text.split(), served) == (WORDS, "engine"), (text, served)
    answer = await stage.sdk.completions.create(model=MODEL, prompt="Hello", max_tokens=3)
    assert answer.choices[0].text.split() == WORDS[:3], answer
    return "every word, in order"


async def streamed(stage: Stage) -> str:
    """Stream a chat with the OpenAI client."""
    stream = await stage.sdk.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said.split() == WORDS, said
    return f"{len(chunks)} chunks"


async def messages(stage: Stage) -> str:
    """Stream a message of Anthropic's API with its client."""
    client = anthropic.AsyncAnthropic(base_url=stage.proxy.url, api_key="none", max_retries=0)
    async with (
        client,
        client.messages.stream(
            model=MODEL, max_tokens=200, messages=[{"role": "user", "content": "Hello"}]
        ) as stream,
    ):
        said = [text async for text in stream.text_stream]
        final = await stream.get_final_message()
    assert "".join(said).split() == WORDS, said
    return f"stop {final.stop_reason}, {final.usage.output_tokens} tokens"


async def llama(stage: Stage) -> str:
    """Stream a chat of Ollama's API with its client."""
    async with ollama.AsyncClient(host=stage.proxy.url) as client:
        parts = [
            part
            async for part in await client.chat(
                model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
            )
        ]
    said = "".join(part.message.content or "" for part in parts)
    assert said.split() == WORDS, said
    return f"{len(parts)} lines, done: {parts[-1].done_reason}"


async def unknown(stage: Stage) -> str:
    """See that an unknown model is a 404 of headrace's own, whatever the engine would say."""
    try:
        await stage.sdk.chat.completions.create(model="no-such", messages=HELLO)
    except openai.NotFoundError as error:
        return str(error.body and error.code)
    raise AssertionError("it was served")


async def cancelled(stage: Stage) -> str:
    """Leave a stream, and see that the engine stops."""
    if not stage.recipe.running:
        return "the engine tells of no requests: not checked"
    async with stage.stream(MANY) as answer:
        await answer.content.readany()
        async with asyncio.timeout(20):
            while not await stage.works_on():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
    async with asyncio.timeout(20):
        while await stage.works_on():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.1)
    return "the engine's own count went up, and back to 0"


async def crowded(stage: Stage) -> str:
    """Ask for more streams at once than the engine takes: all are whole, whoever serves them."""

    async def one() -> str:
        stream = await stage.sdk.chat.completions.with_raw_response.create(
            model=MODEL, messages=HELLO, stream=True
        )
        chunks = [chunk async for chunk in stream.parse()]
        said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert said.split() == WORDS, said
        return stream.headers["x-headrace-backend"]

    served = await asyncio.gather(*(one() for _ in range(BURST)))
    return f"{served.count('engine')} of {BURST} by it, {served.count('other')} by the other engine"


async def killed(stage: Stage) -> str:
    """Kill the engine in the middle of a stream: an error event, and never a clean end."""
    received = bytearray()
    async with asyncio.timeout(60):  # it may rest after the crowd
        while (await stage.chat())[1] != "engine":  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.5)
    async with stage.stream(MANY) as answer:
        received += await answer.content.readany()
        stage.engine.kill()
        try:
            async for piece in answer.content.iter_any():
                received += piece
        except aiohttp.ClientPayloadError:
            pass
        else:
            raise AssertionError(f"ended cleanly: {bytes(received[-300:])!r}")
    last = orjson.loads(bytes(received).rstrip().rpartition(b"data: ")[2])
    assert b"[DONE]" not in received
    assert last["error"]["message"], last
    text, served = await stage.chat()
    assert (text.split(), served) == (WORDS, "other")
    return f"`{last['error'].get('code')}`; the next request was served by the other engine"


Check = Callable[[Stage], Awaitable[str]]
CHECKS: tuple[Check, ...] = (
    *(recognised, plain, streamed, messages, llama, unknown),
    *(cancelled, crowded, killed),
)


def say(text: str, to: TextIO = sys.stdout) -> None:
    """Write a line at once."""
    to.write(f"{text}\n")
    to.flush()


def free_port() -> int:
    """Return a free port below the range that the kernel hands out."""
    while True:
        port = random.randrange(20000, 30000)
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@asynccontextmanager
async def staged(name: str, folder: Path) -> AsyncIterator[Stage]:
    """Install and start an engine, another one, and headrace before both."""
    recipe, programs = recipes.RECIPES[name], recipes.installed(name)
    gguf = tiny_model.build(folder / "tiny.gguf")
    model = gguf if recipe.gguf else tiny_directory.build(folder / "tiny")
    words = command(Embedded(model=gguf, alias=MODEL, slots=4))
    pipe = subprocess.PIPE
    child = await asyncio.to_thread(
        subprocess.Popen, words, stdin=pipe, stdout=pipe, start_new_session=True
    )
    with child:
        assert child.stdout is not None
        other = msgspec.json.decode(child.stdout.readline(), type=Ready)
        values = {"model": model, "port": free_port(), "upstream": other.url, "folder": folder}
        (folder / "config.yaml").write_text(recipe.file.format(**values))
        program, *rest = (word.format(**values) for word in recipe.words)
        engine = Server(
            [str(programs / program), *rest],
            int(values["port"]),  # type: ignore[call-overload] # it is one
            folder / "engine.log",
            recipes.environment(recipe, folder),
            recipe.health,
        )
        try:
            more = f", api_key: {recipe.key}" if recipe.key else ""
            more += f", max_in_flight: {recipe.cap}" if recipe.cap else ""
            settings = folder / "headrace.yaml"
            settings.write_text(
                f"backends:\n  - {{name: engine, url: '{engine.url}'{more}}}\n"
                f"  - {{name: other, url: '{other.url}', priority: 1}}\n"
            )
            async with running_from(settings, free_port, 2) as proxy:
                yield Stage(recipe, proxy, engine)
        finally:
            engine.kill()
            os.killpg(child.pid, signal.SIGKILL)


async def report(name: str) -> bool:
    """Run every check on an engine and print the table; tell whether all passed."""
    good = True
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        async with staged(name, Path(folder)) as stage:
            say(f"\n{name} {stage.recipe.version}\n\n| check | | seen |\n|---|---|---|")
            for check in CHECKS:
                try:
                    async with asyncio.timeout(300):
                        said, verdict = await check(stage), "yes"
                except Exception as problem:  # noqa: BLE001 - each check stands for itself
                    said, verdict, good = f"{type(problem).__name__}: {problem}"[:300], "NO", False
                    traceback.print_exc()
                say(f"| {check.__name__} | {verdict} | {said} |")
            if not good:
                say(stage.engine.log.read_text()[-3000:], to=sys.stderr)
            await stage.sdk.close()
    return good


def main(names: list[str]) -> int:
    """Drive these engines, one after the other."""
    if not names or set(names) - set(recipes.RECIPES):
        say(f"name engines: {', '.join(recipes.RECIPES)}", to=sys.stderr)
        return 2
    good = [asyncio.run(report(name)) for name in names]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
