"""Whereabouts: asked anew each time, remembered while nobody can say, forgotten when gone."""

import asyncio
import socket
from typing import Any

import pytest

from proxy.upstream import whereabouts
from proxy.upstream.whereabouts import Whereabouts

AGAIN = socket.gaierror(socket.EAI_AGAIN, "temporary failure")
GONE = socket.gaierror(socket.EAI_NONAME, "no such name")


class Names:
    """A resolver that says what it is told to; None: nothing, for ever."""

    def __init__(self, *answers: tuple[str, ...] | Exception | None) -> None:
        self.answers = list(answers)

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return [(0, 0, 0, "", (address, port)) for address in answer or ()]


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr(whereabouts, "PATIENCE", 0.01)
    return names


async def ask(names: Names, *answers: tuple[str, ...] | Exception | None) -> list[Any]:
    """Return what is found for each answer of the resolver, one after the other."""
    names.answers = list(answers)
    there = Whereabouts("gpu", 8000)
    found: list[Any] = []
    for _ in answers:
        try:
            found.append(await there.find())
        except OSError as error:
            found.append(error)
    return found


async def test_an_address_that_moved_is_found_at_once(names: Names) -> None:
    assert await ask(names, ("10.0.0.1",), ("10.0.0.2", "10.0.0.3")) == [
        ("10.0.0.1",),
        ("10.0.0.2", "10.0.0.3"),
    ]


async def test_an_address_given_twice_is_tried_once(names: Names) -> None:
    assert await ask(names, ("10.0.0.1", "10.0.0.1")) == [("10.0.0.1",)]


@pytest.mark.parametrize("outage", [AGAIN, None], ids=["failed", "silent"])
async def test_the_last_answer_holds_while_nobody_can_say(
    names: Names, outage: Exception | None
) -> None:
    assert await ask(names, ("10.0.0.1",), outage, outage, ("10.0.0.2",)) == [
        ("10.0.0.1",),
        ("10.0.0.1",),
        ("10.0.0.1",),
        ("10.0.0.2",),
    ]


async def test_a_name_that_is_gone_is_forgotten(names: Names) -> None:
    assert await ask(names, ("10.0.0.1",), GONE, AGAIN) == [("10.0.0.1",), GONE, AGAIN]


async def test_what_was_never_known_fails(names: Names) -> None:
    assert await ask(names, AGAIN, GONE) == [AGAIN, GONE]


@pytest.mark.parametrize("host", ["10.0.0.1", "::1"])
async def test_an_address_is_not_looked_up(names: Names, host: str) -> None:
    assert await Whereabouts(host, 8000).find() == (host,)
    assert host in repr(Whereabouts(host, 8000))
