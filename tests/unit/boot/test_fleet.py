"""Backends through reloads: who stays the same, who leaves, and when; what they list."""

import asyncio
import itertools
from collections.abc import Callable

import msgspec
import pytest

from proxy.boot import fleet as fleet_module
from proxy.boot.fleet import Fleet, keys
from proxy.core.backend import Backend
from proxy.core.catalog import Model
from proxy.core.health import State
from proxy.settings.balancing import BalanceSettings
from proxy.settings.credential import Secret
from proxy.settings.schema import (
    BackendSettings,
    Models,
    ServedModels,
    Settings,
    Timeouts,
)

NOW = 100.0
A = BackendSettings(name="a", url="http://127.0.0.1:1")
B = BackendSettings(name="b", url="http://127.0.0.1:2")


def settings(*backends: BackendSettings, **more: object) -> Settings:
    return Settings(backends=backends, **more)  # type: ignore[arg-type] # checked there


class Scene:
    """A fleet whose backends are ready and all serve `m`."""

    def __init__(
        self, *backends: BackendSettings, worked: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.catalogs = 0
        self.fleet = Fleet(settings(*backends), now=lambda: NOW, random=lambda: 0.5, worked=worked)
        self.fleet.on_catalog = self._catalog
        for backend in self.fleet.backends():
            self.found(backend, "m")

    def _catalog(self) -> None:
        self.catalogs += 1

    def found(self, backend: Backend, *names: str) -> None:
        backend.health.probed(ok=True, now=NOW, reason="")
        self.fleet.listed(backend, [Model(id=name) for name in names])

    def change(self, *backends: BackendSettings, **more: object) -> list[Backend]:
        new = settings(*backends, **more)
        for backend in self.fleet.join(new):
            self.found(backend, "m")
        return self.fleet.settle(new)

    def serving(self, name: str = "m") -> list[str]:
        targets = self.fleet.directory.current.resolve(name)
        return [backend.name for target in targets for backend in target.candidates]

    def get(self, name: str) -> Backend:
        return next(each for each in self.fleet.backends() if each.name == name)


@pytest.fixture
def scene() -> Scene:
    return Scene(A, B)


def test_who_joins_is_not_used_before_all_is_settled(scene: Scene) -> None:
    c = BackendSettings(name="c", url="http://127.0.0.1:3")
    (joined,) = scene.fleet.join(settings(A, B, c))

    scene.found(joined, "m", "n")
    assert scene.serving() == ["a", "b"]
    assert joined in scene.fleet.sides

    scene.fleet.settle(settings(A, B, c))
    assert scene.serving() == ["a", "b", "c"]
    assert scene.serving("n") == ["c"]


def test_who_is_removed_gets_no_call_and_is_gone_when_idle(scene: Scene) -> None:
    b = scene.get("b")

    assert scene.change(A) == [b]

    assert scene.serving() == ["a"]
    assert not b.available(NOW)
    assert (scene.fleet.leaving, b in scene.fleet.sides) == ([], False)


def test_who_is_removed_keeps_its_calls(scene: Scene) -> None:
    b = scene.get("b")
    lease = b.lease(1.0, 1.0, NOW)

    scene.change(A)

    assert scene.fleet.leaving == [b]
    assert b.health.state is State.DRAINING
    scene.fleet.part()
    assert b in scene.fleet.sides
    lease.release()
    scene.fleet.part()
    assert (scene.fleet.leaving, b in scene.fleet.sides) == ([], False)


def test_who_comes_back_in_time_is_the_same_with_its_calls(scene: Scene) -> None:
    b = scene.get("b")
    b.kind, b.learned_cap = "vllm", 4
    lease = b.lease(1.0, 1.0, NOW)
    scene.change(A)

    scene.change(A, B)

    assert scene.get("b") is b
    assert (b.kind, b.learned_cap, b.in_flight) == ("", None, 1)
    assert b.available(NOW)
    lease.release()
    scene.fleet.part()
    assert scene.serving() == ["a", "b"]


def test_who_stays_is_the_same_with_other_figures(scene: Scene) -> None:
    a, b = scene.fleet.backends()
    a.lease(1.0, 1.0, NOW)
    changed = BackendSettings(
        name="a", url=A.url, weight=3.0, priority=2, max_in_flight=1, api_key=Secret("sk-2")
    )

    scene.change(changed, B)

    assert scene.fleet.backends() == (a, b)
    assert (a.weight, a.priority, a.cap, a.in_flight) == (3.0, 2, 1, 1)
    assert not a.has_room
    assert b"Bearer sk-2" in scene.fleet.sides[a].pool.prefix
    assert scene.serving() == ["b", "a"]
    assert a.available(NOW)


def test_slow_start_follows_the_settings(scene: Scene) -> None:
    changed = msgspec.structs.replace(settings(A, B), balance=BalanceSettings(slow_start=3.0))

    scene.fleet.join(changed)
    scene.fleet.settle(changed)

    assert [backend.warming for backend in scene.fleet.backends()] == [3.0, 3.0]


def test_a_key_that_is_taken_away_is_sent_no_more() -> None:
    scene = Scene(BackendSettings(name="a", url=A.url, api_key=Secret("sk-1")))
    assert scene.fleet.keys() == {A.url: "sk-1"}

    scene.change(A)

    assert scene.fleet.keys() == {}
    assert b"Bearer" not in scene.fleet.sides[scene.get("a")].pool.prefix


def test_another_engine_under_a_known_name_is_another_backend(scene: Scene) -> None:
    old = scene.get("a")
    lease = old.lease(1.0, 1.0, NOW)
    moved = BackendSettings(name="a", url="http://127.0.0.1:9", api_key=Secret("sk-9"))

    scene.change(moved, B)

    assert scene.get("a") is not old
    assert scene.get("a").url == "http://127.0.0.1:9"
    assert b"Bearer" not in scene.fleet.sides[old].pool.prefix
    lease.release()


def test_names_and_filters_hold_at_once(scene: Scene) -> None:
    fewer = BackendSettings(name="b", url=B.url, models=ServedModels(exclude=("m",)))

    scene.change(A, fewer, models=Models(aliases={"gpt": ("m",)}))
    assert scene.serving("gpt") == scene.serving("m") == ["a"]

    scene.change(A, B)
    assert (scene.serving("gpt"), scene.serving("m")) == ([], ["a", "b"])


def test_timeouts_are_those_in_force(scene: Scene) -> None:
    a = scene.get("a")

    scene.change(A, B, timeouts=Timeouts(first_token=7.0))

    assert scene.fleet.timeouts_for("m", a).first_token == 7.0
    a.breaker.wait(7.0)


def test_each_catalog_is_told(scene: Scene) -> None:
    before = scene.catalogs

    scene.change(B, A)

    assert scene.catalogs == before + 1
    assert [backend.name for backend in scene.fleet.backends()] == ["b", "a"]


def test_keys_are_known_by_url() -> None:
    locked = BackendSettings(name="a", url="http://a:1", api_key=Secret("sk"))

    assert keys([locked, B]) == {"http://a:1": "sk"}


async def test_after_a_catalog_that_took_long_further_lists_are_gathered() -> None:
    c = BackendSettings(name="c", url="http://127.0.0.1:3")
    work = itertools.count(step=fleet_module.NOTICEABLE * 1.1)
    scene = Scene(worked=lambda: next(work))
    scene.change(A, B, c)
    before, built = scene.catalogs, asyncio.Event()
    scene.found(scene.get("a"), "x")
    assert scene.serving("x") == ["a"]  # the first one is not kept waiting

    scene.fleet.on_catalog = built.set
    scene.found(scene.get("b"), "x", "y")
    scene.found(scene.get("c"), "x")
    assert [each.name for each in scene.fleet.backends() if scene.fleet.awaited(each)] == ["b", "c"]
    assert (scene.catalogs, scene.serving("x")) == (before + 1, ["a"])

    await asyncio.wait_for(built.wait(), 30)
    assert (scene.serving("x"), scene.serving("y")) == (["a", "b", "c"], ["b"])
    assert not any(map(scene.fleet.awaited, scene.fleet.backends()))


async def test_who_left_before_its_list_was_taken_up_is_in_no_catalog() -> None:
    work = itertools.count(step=fleet_module.NOTICEABLE * 1.1)
    scene = Scene(worked=lambda: next(work))
    scene.change(A, B)
    a, b = scene.get("a"), scene.get("b")
    scene.found(a, "x")
    scene.found(b, "x")

    scene.change(A)
    catalogs = scene.catalogs
    await asyncio.wait_for(_passed(fleet_module.NOTICEABLE * fleet_module.PAUSE * 1.2), 30)
    assert scene.catalogs == catalogs
    assert scene.serving("x") == ["a"]
    assert not scene.fleet.awaited(b)


async def _passed(seconds: float) -> None:
    """Wait for a timer that is set after the fleet's."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()
