"""What `headrace serve --demo` shows: the address, a line to try, and one answer as it streams."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Final

import aiohttp
import msgspec

from proxy.settings.address import Address
from proxy.settings.load import Loaded
from proxy.settings.logging import LogFormat, LogLevel
from proxy.settings.schema import Settings

PATIENCE: Final = 60.0  # seconds until some engine has to list a model
QUESTION: Final = "In one sentence: what does a headrace bring to a turbine?"
LIMIT: Final = 60  # tokens of the shown answer

# For somebody who looks at a terminal: no line for each request, and no waiting at Ctrl-C for load
# balancers that are not there.
QUIET: Final[Mapping[str, Mapping[str, object]]] = {
    "log": {"access": False, "level": LogLevel.WARNING, "format": LogFormat.CONSOLE},
    "drain": {"delay": 0.0},
}


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


def quiet(loaded: Loaded) -> Loaded:
    """Return the settings of a demo: those of `QUIET`, except where somebody chose otherwise."""
    settings = loaded.settings
    sections = {}
    for section, values in QUIET.items():
        free = {k: v for k, v in values.items() if f"{section}.{k}" not in loaded.origins}
        sections[section] = msgspec.structs.replace(getattr(settings, section), **free)
    settings = msgspec.structs.replace(settings, **sections)
    return msgspec.structs.replace(loaded, settings=settings)


async def greet(settings: Settings, words: str) -> None:
    """Print where to connect and how, and one streamed answer. Returns quietly if it cannot."""
    listen = settings.listen
    connector = aiohttp.UnixConnector(path=listen.path) if listen.is_unix else None
    async with aiohttp.ClientSession(base_url(listen), connector=connector) as session:
        model = await _first_model(session)
        if not model:
            _say(f"headrace listens on {listen}, but no engine has listed a model yet: {words}")
            return
        _say(banner(settings, words, model))
        try:
            await _answer(session, model)
        except aiohttp.ClientError as error:
            _say(f"(no answer to show: {error})")
    _say("\nIt stays up until you press Ctrl-C.")


def base_url(where: Address) -> str:
    """Return what stands before the path in a URL for this address."""
    return "http://localhost" if where.is_unix else f"http://{where}"


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


def banner(settings: Settings, words: str, model: str) -> str:
    """Return what is told before the answer: both addresses, the engines, a line that works."""
    body = request_body(model, "Why is the sky blue?", LIMIT).decode()
    return (
        f"\nheadrace is up.\n\n"
        f"  clients    {_shown(settings.listen, '/v1')}\n"
        f"  dashboard  {_shown(settings.admin, '/dashboard')}\n"
        f"  engines    {words}\n\n"
        f"Try:\n\n"
        f"  curl -N {_curl(settings.listen, '/v1/chat/completions')}"
        f" -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'\n\n"
        f"A first answer of {model}, streamed through this proxy:\n"
    )


def text_of(line: bytes) -> str:
    """Return the text that one line of an event stream brings; mostly a word, often nothing."""
    if not line.startswith(b"data: {"):
        return ""
    event = msgspec.json.decode(line[6:], type=_Event)
    return "".join(choice.delta.content or "" for choice in event.choices)


def _shown(where: Address, path: str) -> str:
    return str(where) if where.is_unix else base_url(where) + path


def _curl(where: Address, path: str) -> str:
    option = f"--unix-socket {where.path} " if where.is_unix else ""
    return option + base_url(where) + path


async def _first_model(session: aiohttp.ClientSession) -> str:
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while loop.time() < until:
        try:
            async with session.get("/v1/models") as response:
                listed = msgspec.json.decode(await response.read(), type=_Models).data
        except (aiohttp.ClientError, msgspec.MsgspecError):
            listed = []
        if listed:
            return listed[0].id
        await asyncio.sleep(0.02)
    return ""


async def _answer(session: aiohttp.ClientSession, model: str) -> None:
    async with session.post(
        "/v1/chat/completions",
        data=request_body(model, QUESTION, LIMIT),
        headers={"Content-Type": "application/json"},
    ) as response:
        if not response.ok:
            _say(f"(no answer to show: {response.status} {await response.text()})")
            return
        async for line in response.content:
            sys.stdout.write(text_of(line))
            sys.stdout.flush()
    _say("")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
