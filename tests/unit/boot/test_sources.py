"""Sources while they run: what they find is kept, told once, and survives their faults."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from proxy.boot import sources as module
from proxy.boot.sources import Source, Sources
from proxy.discovery.finding import Finding
from proxy.discovery.pauses import Pauses
from proxy.discovery.reflector import Timing, Trouble
from proxy.settings.discovery import Discovery, DnsSource, Found, KubernetesSource
from proxy.settings.schema import BackendSettings, Settings
from tests.fixtures.stack import eventually

DNS = DnsSource(name="a", port=1)
OTHER = DnsSource(name="b", port=1)
ONE = BackendSettings(name="one", url="http://10.0.0.1:8000")


class Scene:
    """Sources that say what a test lets them say."""

    def __init__(self) -> None:
        self.told = 0
        self.say: dict[str, Callable[[Finding], None]] = {}
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Future[None]] = {}
        self.sources = Sources(self._count, self._follow)

    def _count(self) -> None:
        self.told += 1

    async def _follow(self, source: Source, told: Callable[[Finding], None]) -> None:
        self.begun.append(source.title)
        self.say[source.title] = told
        end = self.ends[source.title] = asyncio.get_running_loop().create_future()
        await end

    async def adopt(self, *sources: DnsSource) -> None:
        self.sources.adopt(Discovery(dns=sources))
        await asyncio.sleep(0)

    def names(self, *sources: DnsSource) -> list[str]:
        settings = Settings(discovery=Discovery(dns=sources))
        return [one.name for one in self.sources.together(settings).backends]


async def test_what_a_source_finds_is_told_when_it_differs() -> None:
    scene = Scene()
    await scene.adopt(DNS)
    assert scene.sources.silent() == ["dns a"]

    scene.say["dns a"](Finding(backends=(ONE,)))
    scene.say["dns a"](Finding(backends=(ONE,)))

    assert scene.told == 1
    assert scene.names(DNS) == ["one"]
    assert scene.names() == []
    assert scene.sources.silent() == []
    (state,) = scene.sources.states()
    assert (state.heard, state.current, state.backends) == (True, True, 1)
    scene.sources.stop()


async def test_a_source_that_first_finds_nothing_is_told_all_the_same() -> None:
    scene = Scene()
    await scene.adopt(DNS)

    scene.say["dns a"](Finding(problems=("there is none",)))

    assert scene.told == 1
    assert scene.sources.silent() == []
    scene.sources.stop()


async def test_problems_are_logged_once_and_so_is_their_end() -> None:
    scene = Scene()
    await scene.adopt(DNS)

    with capture_logs() as logs:
        for _ in range(2):
            scene.say["dns a"](Finding(backends=(ONE,), problems=("bad",), current=False))
        scene.say["dns a"](Finding(backends=(ONE,)))

    assert [(line["log_level"], line["source"]) for line in logs] == [
        ("warning", "dns a"),
        ("info", "dns a"),
    ]
    assert scene.sources.states()[0].failures == 1
    scene.sources.stop()


async def test_a_source_that_changes_keeps_what_it_found_and_one_that_stays_is_left_alone() -> None:
    scene = Scene()
    await scene.adopt(DNS, OTHER)
    scene.say["dns a"](Finding(backends=(ONE,)))
    changed = DnsSource(name="a", port=1, backend=Found(weight=2.0))

    await scene.adopt(changed, OTHER)

    assert scene.begun == ["dns a", "dns b", "dns a"]
    assert scene.names(changed, OTHER) == ["one"]
    scene.sources.stop()


async def test_a_source_that_is_no_more_ends() -> None:
    scene = Scene()
    await scene.adopt(DNS, OTHER)
    scene.say["dns a"](Finding(backends=(ONE,)))

    await scene.adopt(OTHER)

    assert scene.names(DNS, OTHER) == []
    await eventually(scene.ends["dns a"].cancelled)
    assert not scene.ends["dns b"].done()
    scene.sources.stop()
    await eventually(scene.ends["dns b"].cancelled)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (Trouble("no cluster: set kubeconfig"), "no cluster: set kubeconfig"),
        (RuntimeError("bug"), "it has failed by a fault of headrace itself"),
    ],
)
async def test_a_source_that_fails_is_begun_again_and_keeps_what_it_found(
    monkeypatch: pytest.MonkeyPatch, error: Exception, problem: str
) -> None:
    monkeypatch.setattr(Pauses, "next", lambda _: 0.0)
    scene = Scene()
    await scene.adopt(DNS)
    scene.say["dns a"](Finding(backends=(ONE,)))

    scene.ends["dns a"].set_exception(error)
    await eventually(lambda: len(scene.begun) == 2)

    (state,) = scene.sources.states()
    assert state.problems[0].startswith(problem)
    assert (state.current, state.failures) == (False, 1)
    assert scene.names(DNS) == ["one"]
    scene.sources.stop()


async def test_each_kind_of_source_is_followed_by_its_own_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    followed: list[tuple[object, ...]] = []

    async def follow(*said: object) -> None:
        followed.append(said)

    monkeypatch.setattr("proxy.discovery.names.follow", follow)
    monkeypatch.setattr("proxy.discovery.kubernetes.follow", follow)
    heard: list[Finding] = []
    told = heard.append
    service = KubernetesSource(service="vllm", resync=7.0)

    await module._follow(DNS, told)
    await module._follow(service, told)

    assert followed[0] == (DNS, told)
    source, timing, _ = followed[1]
    assert source is service
    assert isinstance(timing, Timing)
    assert timing.resync == 7.0
