"""Remembering: the last answer holds while nobody can say; a name that is gone is forgotten."""

import asyncio
import socket
from typing import Any

import pytest

from proxy.discovery import remembering
from proxy.discovery.remembering import Remembering

AGAIN = socket.gaierror(socket.EAI_AGAIN, "temporary failure")
GONE = socket.gaierror(socket.EAI_NONAME, "no such name")


async def ask(
    monkeypatch: pytest.MonkeyPatch, *answers: str | Exception | None
) -> list[str | OSError]:
    """Return what is found for each answer of the system's resolver; None: it says nothing."""
    left = list(answers)

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        answer = left.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(remembering, "PATIENCE", 0.01)
    names = Remembering()
    found: list[str | OSError] = []
    for _ in answers:
        try:
            found += [entry["host"] for entry in await names.resolve("gpu", 8000)]
        except OSError as error:
            found.append(error)
    await names.close()
    return found


async def test_each_check_looks_the_name_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask(monkeypatch, "10.0.0.1", "10.0.0.2") == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("outage", [AGAIN, None], ids=["failed", "silent"])
async def test_the_last_answer_holds_while_nobody_can_say(
    monkeypatch: pytest.MonkeyPatch, outage: Exception | None
) -> None:
    assert await ask(monkeypatch, "10.0.0.1", outage, "10.0.0.2") == [
        "10.0.0.1",
        "10.0.0.1",
        "10.0.0.2",
    ]


async def test_a_name_that_is_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask(monkeypatch, "10.0.0.1", GONE, AGAIN) == ["10.0.0.1", GONE, AGAIN]
