"""Listing and watching, each line of the table in the module, with a clock of the test's own."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from typing_extensions import override

from proxy.discovery.objects import Thing
from proxy.discovery.pauses import FIRST
from proxy.discovery.reflector import WATCH, Hooks, Parameters, Query, Reflector, Timing, Trouble
from tests.fixtures.listing import Over, ScriptedApi, event, gone, page, thing

DOWN = Trouble("down")
QUERY = Query(path="/things", kind=Thing, selectors={"labelSelector": "a=b"})


class Scene:
    """A reflector, what it told, and how long it slept."""

    def __init__(self, api: ScriptedApi, resync: float = 600.0) -> None:
        self.api = api
        self.time = 0.0
        self.slept: list[float] = []
        self.seen: list[list[str]] = []
        self.troubles: list[str | None] = []
        hooks = Hooks(changed=self._changed, troubled=self._troubled)
        timing = Timing(resync=resync, random=lambda: 0.5, now=lambda: self.time, sleep=self._sleep)
        self.reflector = Reflector(api, QUERY, hooks, timing)

    async def play(self) -> None:
        with pytest.raises(Over):
            await self.reflector.run()

    def pass_time(self, seconds: float) -> None:
        self.time += seconds

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def _changed(self) -> None:
        self.seen.append(sorted(one.metadata.name for one in self.reflector.objects))

    def _troubled(self, trouble: Trouble | None) -> None:
        told = trouble.words if trouble is not None else None
        if not self.troubles or self.troubles[-1] != told:
            self.troubles.append(told)


async def test_a_list_is_what_there_is_and_the_watch_begins_at_its_version() -> None:
    scene = Scene(ScriptedApi(page(thing("a"), thing("b"), version=7)))

    await scene.play()

    assert scene.reflector.listed
    assert scene.seen == [["a", "b"]]
    (_, listed), (_, watched) = scene.api.asked
    assert (listed["labelSelector"], watched["labelSelector"]) == ("a=b", "a=b")
    assert (watched["resourceVersion"], watched["allowWatchBookmarks"]) == ("7", "true")
    assert watched["timeoutSeconds"] == str(int(WATCH))


async def test_a_list_in_parts_is_put_together() -> None:
    scene = Scene(ScriptedApi(page(thing("a"), more="next"), page(thing("b"), version=2)))

    await scene.play()

    assert scene.seen == [["a", "b"]]
    assert scene.api.asked[1][1]["continue"] == "next"


async def test_events_are_applied_and_the_next_watch_begins_behind_them() -> None:
    events = [
        event("ADDED", thing("b", 2)),
        event("MODIFIED", thing("b", 3)),
        event("DELETED", thing("a", 4)),
        event("BOOKMARK", thing("", 9)),
    ]
    api = ScriptedApi(page(thing("a")), watches=[events])
    scene = Scene(api)

    await scene.play()

    assert scene.seen == [["a"], ["a", "b"], ["a", "b"], ["b"]]
    assert api.asked[-1][1]["resourceVersion"] == "9"


async def test_a_watch_that_ends_in_good_order_goes_on_and_too_soon_after_a_pause() -> None:
    scene = Scene(ScriptedApi(page(), watches=[[], []]))
    scene.api._watches[1] = [lambda: scene.pass_time(100.0)]

    await scene.play()

    assert scene.slept == [FIRST]
    assert len(scene.api.asked) == 4


async def test_a_version_that_is_gone_asks_for_a_new_list() -> None:
    api = ScriptedApi(page(thing("a")), page(thing("b"), version=50), watches=[[gone()]])
    scene = Scene(api)

    await scene.play()

    assert scene.seen == [["a"], ["b"]]
    assert api.asked[-1][1]["resourceVersion"] == "50"
    assert scene.troubles == [None]


async def test_while_nobody_answers_what_is_known_stays_and_pauses_grow() -> None:
    api = ScriptedApi(page(thing("a"), version=7), watches=[[DOWN], [DOWN], [DOWN]])
    scene = Scene(api)

    await scene.play()

    assert scene.seen == [["a"]]
    assert scene.slept == [FIRST, 2 * FIRST, 4 * FIRST]
    assert scene.troubles == [None, "down"]
    assert api.asked[-1][1]["resourceVersion"] == "7"


async def test_a_watch_that_begins_means_that_all_is_well() -> None:
    bookmark = event("BOOKMARK", thing("", 8))
    scene = Scene(ScriptedApi(page(), watches=[[DOWN], [bookmark, DOWN]]))

    await scene.play()

    assert scene.troubles == [None, "down", None, "down"]
    assert scene.slept == [FIRST, FIRST]


async def test_nothing_at_the_start_is_asked_for_again() -> None:
    scene = Scene(ScriptedApi(DOWN, DOWN, page(thing("a"))))

    await scene.play()

    assert scene.troubles == ["down", None]
    assert scene.seen == [["a"]]


async def test_everything_is_listed_again_after_a_while_and_told_only_if_it_differs() -> None:
    api = ScriptedApi(page(thing("a")), page(thing("a")), page(thing("b")))
    scene = Scene(api, resync=100.0)
    api._watches.extend([[lambda: scene.pass_time(100.0)], [lambda: scene.pass_time(100.0)]])

    await scene.play()

    assert scene.seen == [["a"], ["b"]]
    assert api.asked[1][1]["timeoutSeconds"] == "100"


@pytest.mark.parametrize("said", [{"metadata": 1}, {"items": "x"}])
async def test_what_is_no_list_is_trouble(said: dict[str, object]) -> None:
    scene = Scene(ScriptedApi(said))

    await scene.play()

    assert scene.troubles[0] is not None
    assert "sent what is no Page" in scene.troubles[0]


class Hanging(ScriptedApi):
    """Its first watch never says anything; the second one is the end."""

    @override
    async def lines(self, path: str, parameters: Parameters) -> AsyncGenerator[bytes, None]:
        self.asked.append((path, dict(parameters)))
        if len(self.asked) > 2:
            raise Over
        await asyncio.Event().wait()
        yield b""


async def test_a_watch_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.discovery.reflector.GRACE", 0.01 - WATCH)
    scene = Scene(Hanging(page()))

    await scene.play()

    assert scene.troubles[-1] == "the Kubernetes API did not end a watch in time"
