"""The feed with answers that are lists: made once for all, and only while somebody watches."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from proxy.edge import feed as module
from proxy.edge.feed import Feed


class Answer:
    """Stands in for an answer; keeps what it is sent, and may be slow to take it."""

    def __init__(self, **_: object) -> None:
        self.sent: list[bytes] = []
        self.taken = asyncio.Event()
        self.taken.set()
        self.left = False

    async def prepare(self, _request: object) -> None:
        if self.left:
            raise ConnectionResetError

    async def write(self, data: bytes) -> None:
        self.sent.append(data)
        await self.taken.wait()
        if self.left:
            raise ConnectionResetError


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    made: list[Answer] = []

    def answer(**fields: object) -> Answer:
        made.append(Answer(**fields))
        return made[-1]

    monkeypatch.setattr(web, "StreamResponse", answer)
    return made


class Made:
    """Makes documents and counts them."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> bytes:
        self.count += 1
        return b"%d" % self.count


REQUEST: Any = None


async def turns(count: int = 8) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_document_serves_all(answers: list[Answer]) -> None:
    made = Made()
    feed = Feed(made, interval=0.0)
    watching = [asyncio.ensure_future(feed.watch(REQUEST)) for _ in range(3)]
    await turns()
    assert feed.watchers == 3
    await feed.close()
    await asyncio.gather(*watching)
    assert feed.watchers == 0
    assert all(one.sent[0] == b"data: 1\n\n" for one in answers)
    assert len(answers[0].sent) <= made.count


async def test_nothing_is_made_while_nobody_watches(answers: list[Answer]) -> None:
    made = Made()
    feed = Feed(made, interval=0.0)
    await turns()
    assert made.count == 0
    watching = asyncio.ensure_future(feed.watch(REQUEST))
    await turns()
    answers[0].left = True
    await watching
    await turns()
    before = made.count
    await turns()
    assert made.count == before


async def test_who_reads_slowly_gets_the_newest(answers: list[Answer]) -> None:
    made = Made()
    feed = Feed(made, interval=0.0)
    quick, slow = (asyncio.ensure_future(feed.watch(REQUEST)) for _ in range(2))
    await turns()
    answers[1].taken.clear()
    await turns(40)
    held = len(answers[1].sent)
    newest = made.count
    answers[1].taken.set()
    await turns()
    assert int(answers[1].sent[held].split()[1]) >= newest, "those in between are not sent any more"
    await feed.close()
    await asyncio.gather(quick, slow)


async def test_there_are_only_so_many_watchers(
    answers: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    feed = Feed(Made(), interval=0.0)
    watching = asyncio.ensure_future(feed.watch(REQUEST))
    await turns()
    refused = await feed.watch(REQUEST)
    assert isinstance(refused, web.Response)
    assert refused.status == 503
    await feed.close()
    await watching


async def test_a_document_that_cannot_be_made_lets_watchers_go(answers: list[Answer]) -> None:
    fails = False

    async def make() -> bytes:
        if fails:
            raise ZeroDivisionError
        return b"1"

    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    feed = Feed(make, interval=0.0)
    watching = asyncio.ensure_future(feed.watch(REQUEST))
    await turns()
    fails = True
    await watching
    fails = False
    again = asyncio.ensure_future(feed.watch(REQUEST))
    await turns()
    assert answers[1].sent[0] == b"data: 1\n\n"
    await feed.close()
    await again
