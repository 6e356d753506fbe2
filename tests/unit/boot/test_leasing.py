"""What is told to the store and what follows from its answers; its script, tests/wire runs."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from redis.exceptions import ConnectionError as NotConnected
from structlog.testing import capture_logs
from typing_extensions import override

from proxy.boot import leasing
from proxy.boot.leasing import SPENDS, Claims, Costs, Leasing
from proxy.core.account import Cost
from proxy.core.lease import Ask, Lease
from proxy.core.places import KEPT
from proxy.flow.guard import Guard
from proxy.settings.credential import Secret
from proxy.settings.keys import Away, Shared
from tests.fixtures.keyed import guarding, key
from tests.fixtures.store_twin import PlacesTwin, StoreTwin

START = 1000.0


class Scripted(Leasing):
    """One whose store is a twin in this process, and may be down."""

    down = False
    sums: tuple[float, float] = (0.0, 0.0)
    twin: StoreTwin
    places_twin: PlacesTwin

    @override
    async def _told(
        self, asks: Sequence[tuple[str, Ask]], claims: Claims, costs: Costs
    ) -> list[Any]:
        if self.down:
            raise NotConnected("down")
        self.asked = [name for name, _ in asks]
        for _, cost in costs:
            self.sums = (self.sums[0] + cost.tokens, self.sums[1] + cost.money)
        answers = [self.twin.exchange(ask, self._now()) for _, ask in asks]
        found: list[Any] = [
            tuple(str(x).encode() for x in (one.granted, one.slot, one.left, one.room_in))
            for one in answers
        ]
        places = [self.places_twin.exchange("me", claim, self._now()) for _, _, claim in claims]
        return [*found, *places, *(self.sums for _ in costs)]


class Deaf(Scripted):
    """One whose client loses a cancellation, as `asyncio.wait_for` of Python 3.11 may."""

    waiting: asyncio.Event

    @override
    async def _told(
        self, asks: Sequence[tuple[str, Ask]], claims: Claims, costs: Costs
    ) -> list[Any]:
        if self._task is not None:
            self.waiting.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()
        return await super()._told(asks, claims, costs)


class Scene:
    kind = Scripted

    def __init__(self, away: Away = Away.SHARE, **limits: Any) -> None:
        self.time = START
        self.guard: Guard = guarding([key("team", **limits)])
        shared = Shared(url=Secret("redis://127.0.0.1:1"), prefix="p", replicas=4, away=away)
        self.sharing = self.kind(shared, self.guard, lambda: self.time)
        self.sharing.twin = StoreTwin()
        self.sharing.places_twin = PlacesTwin(processes=4)
        self.guard.share(self.sharing.lease, self.sharing.places)

    @property
    def requests(self) -> Lease:
        found = self.guard.accounts["team"].requests
        assert isinstance(found, Lease)
        return found


async def test_only_leases_in_use_are_exchanged() -> None:
    scene = Scene(requests_per_minute=40, tokens_per_minute=100)
    scene.sharing.asked = []
    await scene.sharing.exchange()
    assert scene.sharing.asked == []

    scene.requests.take(1, START)
    await scene.sharing.exchange()

    assert scene.sharing.asked == ["p:requests:team"]
    assert scene.requests.room(START) == 9  # a quarter of what is left
    assert scene.requests.remaining(START) == 39


@pytest.mark.parametrize(("away", "words"), [(Away.SHARE, "1/4"), (Away.REFUSE, "refused")])
async def test_a_store_that_is_down_is_told_once(away: Away, words: str) -> None:
    scene = Scene(away, requests_per_minute=40)
    scene.sharing.down = True
    with capture_logs() as logs:
        for _ in range(3):
            scene.requests.take(1, START)
            await scene.sharing.exchange()
        assert bool(scene.guard.away) == (away is Away.REFUSE)
        assert (scene.sharing.up, scene.sharing.errors) == (False, 3)
        assert scene.requests.room(START) == 7

        scene.sharing.down = False
        await scene.sharing.exchange()

    assert [line["log_level"] for line in logs] == ["error", "info"]
    assert words in logs[0]["then"]
    assert scene.sharing.up
    assert not scene.guard.away


async def test_budgets_are_told_now_and_then_and_nothing_is_told_twice() -> None:
    scene = Scene(budget_tokens=1000)
    account = scene.guard.accounts["team"]
    account.untold(Cost(tokens=5.0, money=1.0))
    scene.sharing.down = True
    await scene.sharing.exchange()
    assert account.fresh.tokens == 5.0

    scene.sharing.down = False
    scene.time += SPENDS
    await scene.sharing.exchange()
    scene.sharing.sums = (905.0, 1.0)  # another replica
    await scene.sharing.exchange()
    assert (account.spent.tokens, account.fresh.tokens) == (5.0, 0.0)

    scene.time += SPENDS
    await scene.sharing.exchange()

    assert account.spent == Cost(tokens=905.0, money=1.0)


async def test_requests_at_once_are_counted_in_the_store_and_given_back_at_the_end() -> None:
    scene = Scene(concurrency=8)
    places, twin = scene.sharing.places, scene.sharing.places_twin
    assert places.room("team", 8, START) == 2  # its share
    places.put("team", 1)

    await scene.sharing.exchange()
    assert places.holds["team"].held == 2
    assert twin.has == {"me": (2, START + KEPT)}
    await scene.sharing.exchange(leaving=True)

    assert twin.has == {}


async def test_the_end_tells_what_is_untold() -> None:
    scene = Scene(budget_tokens=1000)
    await scene.sharing.start()
    scene.guard.accounts["team"].untold(Cost(tokens=7.0))

    await scene.sharing.stop()

    assert scene.sharing.sums[0] == 7.0


async def test_a_lost_cancellation_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leasing, "SOON", 0.0)
    monkeypatch.setattr(Scene, "kind", Deaf)
    scene = Scene(requests_per_minute=40)
    assert isinstance(scene.sharing, Deaf)
    scene.sharing.waiting = asyncio.Event()
    await scene.sharing.start()
    scene.requests.take(1, START)
    await scene.sharing.waiting.wait()

    async with asyncio.timeout(10):
        await scene.sharing.stop()
