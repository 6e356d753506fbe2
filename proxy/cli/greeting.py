"""What `headrace serve --demo` shows: the address, a line to try, and one answer as it streams."""

import asyncio
import sys
from typing import Final

import aiohttp
import msgspec

from proxy.settings.schema import Settings

PATIENCE: Final = 60.0  # seconds until some engine has to list a model
QUESTION: Final = "In one sentence: what does a headrace bring to a turbine?"
LIMIT: Final = 60  # tokens of the shown answer


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()


class _Event(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: list[_Model] = []


async def greet(settings: Settings, words: str) -> None:
    """Print where to connect and how, and one streamed answer. Returns quietly if it cannot."""
    listen = settings.listen
    base = f"http://{listen}" if not listen.is_unix else "http://localhost"
    connector = aiohttp.UnixConnector(path=listen.path) if listen.is_unix else None
    async with aiohttp.ClientSession(connector=connector) as session:
        model = await _first_model(session, base)
        if not model:
            _say(f"headrace listens at {base}, but no engine has listed a model yet: {words}")
            return
        _say(_banner(base, str(settings.admin), words, model))
        try:
            await _answer(session, base, model)
        except aiohttp.ClientError as error:
            _say(f"(no answer to show: {error})")


def request_body(model: str, question: str, limit: int) -> bytes:
    """Return the body of a streamed chat request."""
    return msgspec.json.encode(
        {
            "model": model,
            "stream": True,
            "max_tokens": limit,
            "messages": [{"role": "user", "content": question}],
        }
    )


def _banner(base: str, admin: str, words: str, model: str) -> str:
    body = request_body(model, "Why is the sky blue?", LIMIT).decode()
    return (
        f"\nheadrace is up: {base}/v1 for clients, http://{admin}/status for you.\n"
        f"Engines: {words}.\n\nTry:\n\n"
        f"  curl -N {base}/v1/chat/completions -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'\n\n"
        f"A first answer of {model!r}, streamed through this proxy:\n"
    )


async def _first_model(session: aiohttp.ClientSession, base: str) -> str:
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while loop.time() < until:
        try:
            async with session.get(f"{base}/v1/models") as response:
                listed = msgspec.json.decode(await response.read(), type=_Models).data
        except (aiohttp.ClientError, msgspec.MsgspecError):
            listed = []
        if listed:
            return listed[0].id
        await asyncio.sleep(0.1)
    return ""


async def _answer(session: aiohttp.ClientSession, base: str, model: str) -> None:
    async with session.post(
        f"{base}/v1/chat/completions",
        data=request_body(model, QUESTION, LIMIT),
        headers={"Content-Type": "application/json"},
    ) as response:
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            event = msgspec.json.decode(line[6:], type=_Event)
            text = "".join(choice.delta.content or "" for choice in event.choices)
            sys.stdout.write(text)
            sys.stdout.flush()
    _say("\n\nIt stays up until you press Ctrl-C.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
