"""What one reading of the settings comes to: applied, unchanged, refused, and in which order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxy.boot.reload import Reloader
from proxy.core.backend import Backend
from proxy.discovery.finding import Finding
from proxy.edge.orders import Outcome
from proxy.settings.address import Address
from proxy.settings.discovery import Discovery, DnsSource
from proxy.settings.load import Loaded, Supply
from proxy.settings.problems import Layer, Problem, SettingsError, Source
from proxy.settings.schema import BackendSettings, Drain, Limits, Settings
from proxy.telemetry.reloads import Reloads, Result
from tests.fixtures.fleet import make_backend
from tests.fixtures.stack import eventually

A = BackendSettings(name="a", url="http://127.0.0.1:1")
B = BackendSettings(name="b", url="http://127.0.0.1:2")
START = Settings(backends=(A,))


class Proxy:
    """Fulfils `boot.reload.Running`; remembers what it was told, in order."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.draining = False
        self.told: list[str] = []
        self.joining: Sequence[Backend] = ()
        self.on_join: Callable[[], object] = list

    def join(self, settings: Settings) -> Sequence[Backend]:
        self.told.append("join")
        self.on_join()
        return self.joining

    def settle(self, settings: Settings) -> None:
        self.told.append("settle")
        self.settings = settings


class Scene:
    """A proxy and what is read next."""

    def __init__(self, start: Settings = START, *, found: bool = False) -> None:
        self.proxy = Proxy(start)
        self.counts = Reloads(lambda: 1.0)
        self.next: Settings | SettingsError = start
        written = Settings() if found else start
        loaded = Loaded(settings=written, origins={})
        supply = Supply(loaded=loaded, read=self._read)
        self.reloader = Reloader(self.proxy, supply, self.counts)

    def _read(self) -> Loaded:
        if isinstance(self.next, SettingsError):
            raise self.next
        return Loaded(settings=self.next, origins={})

    async def read(self, settings: Settings | SettingsError) -> Outcome:
        self.next = settings
        return await self.reloader.reload("test")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    made.reloader.stop()


def broken() -> SettingsError:
    source = Source(layer=Layer.FILE, name="headrace.yaml", line=3)
    problem = Problem(path="limits.queue", source=source, found="found 'x'")
    return SettingsError([problem, problem], [Path("headrace.yaml")])


async def test_what_can_change_is_put_in_force_and_told(scene: Scene) -> None:
    new = Settings(backends=(A,), limits=Limits(queue=5))

    with capture_logs() as logs:
        outcome = await scene.read(new)

    assert outcome.result is Result.APPLIED
    assert scene.proxy.settings == new
    assert scene.proxy.told == ["join", "settle"]
    (line,) = logs
    assert (line["event"], line["cause"]) == ("settings reloaded", "test")
    assert line["changes"] == ["limits.queue: 1024 -> 5"]
    assert scene.counts.counts[Result.APPLIED] == 1


async def test_settings_that_say_the_same_change_nothing(scene: Scene) -> None:
    outcome = await scene.read(Settings(backends=(A,)))

    assert outcome.result is Result.UNCHANGED
    assert scene.proxy.told == []
    assert scene.counts.counts[Result.UNCHANGED] == 1


async def test_broken_settings_leave_the_old_ones_and_all_problems_are_told(scene: Scene) -> None:
    with capture_logs() as logs:
        outcome = await scene.read(broken())

    assert outcome.result is Result.FAILED
    assert outcome.problems == ("headrace.yaml:3: limits.queue: found 'x'",) * 2
    assert (scene.proxy.settings, scene.proxy.told) == (START, [])
    assert logs[0]["log_level"] == "error"
    assert len(logs[0]["problems"]) == 2
    assert not scene.counts.valid

    await scene.read(START)
    assert scene.counts.valid


async def test_what_needs_a_restart_is_named_and_the_rest_applied(scene: Scene) -> None:
    new = Settings(backends=(A,), drain=Drain(delay=1.0), listen=Address(host="127.0.0.1", port=7))

    with capture_logs() as logs:
        outcome = await scene.read(new)

    assert outcome.result is Result.APPLIED
    assert scene.proxy.settings.listen == START.listen
    assert scene.proxy.settings.drain.delay == 1.0
    assert (logs[-1]["log_level"], logs[-1]["keys"]) == ("warning", ["listen"])
    assert scene.counts.pending == ("listen",)

    again = await scene.read(new)
    assert (again.result, scene.counts.pending) == (Result.UNCHANGED, ("listen",))
    await scene.read(Settings(backends=(A,)))
    assert scene.counts.pending == ()


async def test_a_backend_at_an_address_that_is_ours_until_the_restart_is_refused(
    scene: Scene,
) -> None:
    own = BackendSettings(name="c", url="http://127.0.0.1:8900")
    new = Settings(backends=(A, own), listen=Address(host="127.0.0.1", port=7))

    outcome = await scene.read(new)

    assert outcome.result is Result.FAILED
    assert "this proxy's own listen address" in outcome.problems[0]
    assert scene.proxy.settings == START


async def test_settings_without_backends_are_refused(scene: Scene) -> None:
    outcome = await scene.read(Settings())

    assert outcome.result is Result.FAILED
    assert scene.proxy.settings == START


async def test_engines_that_were_found_stay_until_some_are_named() -> None:
    scene = Scene(found=True)

    assert (await scene.read(Settings(limits=Limits(queue=5)))).result is Result.APPLIED
    assert scene.proxy.settings.backends == (A,)
    assert (await scene.read(Settings(backends=(B,)))).result is Result.APPLIED
    assert (await scene.read(Settings())).result is Result.FAILED
    scene.reloader.stop()


async def test_who_takes_over_is_checked_first(scene: Scene) -> None:
    fresh = make_backend("b", ready=False)
    scene.proxy.joining = [fresh]

    reading = asyncio.get_running_loop().create_task(scene.read(Settings(backends=(B,))))
    await eventually(lambda: scene.proxy.told == ["join"])
    await asyncio.sleep(0)
    assert scene.proxy.told == ["join"]

    fresh.health.probed(ok=False, now=1.0, reason="refused")  # checked, if not ready
    await reading
    assert scene.proxy.told == ["join", "settle"]


async def test_who_only_comes_in_addition_is_not_waited_for(scene: Scene) -> None:
    scene.proxy.joining = [make_backend("b", ready=False)]

    await scene.read(Settings(backends=(A, B)))

    assert scene.proxy.told == ["join", "settle"]


async def test_a_draining_proxy_keeps_its_settings(scene: Scene) -> None:
    scene.proxy.draining = True

    outcome = await scene.read(Settings(backends=(A, B)))

    assert outcome.result is Result.FAILED
    assert scene.proxy.told == []
    assert scene.counts.valid  # nothing was found wrong


async def test_one_at_a_time(scene: Scene) -> None:
    waiting: list[asyncio.Task[Outcome]] = []

    def meanwhile() -> None:
        if not waiting:
            waiting.append(asyncio.get_running_loop().create_task(scene.reloader.reload("two")))

    scene.proxy.on_join = meanwhile
    await scene.read(Settings(backends=(A,), limits=Limits(queue=5)))
    outcome = await waiting[0]

    assert outcome.result is Result.UNCHANGED
    assert scene.proxy.told == ["join", "settle"]


async def test_a_signal_does_not_wait(scene: Scene) -> None:
    scene.next = Settings(backends=(A, B))

    scene.reloader.request("SIGHUP")

    await eventually(lambda: scene.counts.counts[Result.APPLIED] == 1)
    assert scene.proxy.settings.backends == (A, B)


async def test_what_sources_find_joins_and_settles_without_a_reading(scene: Scene) -> None:
    found = BackendSettings(name="found", url="http://127.0.0.1:9")
    source = DnsSource(name="x", port=1)
    await scene.read(Settings(backends=(A,), discovery=Discovery(dns=(source,))))
    scene.proxy.told.clear()
    (followed,) = scene.reloader.sources._followed.values()

    scene.reloader.sources._heard(followed, Finding(backends=(found,)))
    await eventually(lambda: scene.proxy.settings.backends == (A, found))

    assert scene.proxy.told == ["join", "settle"]
    assert scene.reloader.written.backends == (A,)
    assert scene.counts.counts[Result.APPLIED] == 1

    outcome = await scene.read(Settings(backends=(A, B), discovery=Discovery(dns=(source,))))
    assert [change.path for change in outcome.changes] == ["backends[b]"]
    assert scene.proxy.settings.backends == (A, B, found)

    await scene.read(START)
    assert scene.proxy.settings.backends == (A,)


async def test_sources_may_find_nothing_and_what_they_find_in_a_drain_comes_too_late(
    scene: Scene,
) -> None:
    discovery = Discovery(dns=(DnsSource(name="x", port=1),))
    assert (await scene.read(Settings(discovery=discovery))).result is Result.APPLIED
    assert scene.proxy.settings.backends == ()
    (followed,) = scene.reloader.sources._followed.values()
    scene.proxy.draining = True
    scene.proxy.told.clear()

    scene.reloader.sources._heard(followed, Finding(backends=(A,)))
    await eventually(lambda: not scene.reloader._tasks)

    assert scene.proxy.told == []
