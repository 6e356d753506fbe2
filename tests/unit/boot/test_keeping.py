"""Keys as the settings have them: nothing while there are none, and what follows a reload."""

from typing import Any

import msgspec

from proxy.boot.keeping import Keeping
from proxy.core import keys
from proxy.core.lease import Lease
from proxy.edge.server import Edge
from proxy.settings.credential import Secret
from proxy.settings.keys import ClientKey, Keys, Price, Shared
from proxy.settings.schema import Limits
from proxy.telemetry import families
from proxy.telemetry.metrics import Metrics
from tests.fixtures.course import World
from tests.fixtures.view import FakeView

TEAM = Keys(clients={"team": ClientKey(hash=(keys.written(keys.digest("TEAM")),))})


class Scene:
    def __init__(self, settings: Keys, **more: Any) -> None:
        self.wall = 1_800_000_000.0
        self.course = World("a").course
        self.edge = Edge(self.course, Limits())
        self.metrics = Metrics("1", FakeView({}))
        self.keeping = Keeping(settings, self.course, wall=lambda: self.wall, **more)
        self.keeping.attach(self.edge, self.metrics)


def test_without_keys_there_is_nothing_on_the_way() -> None:
    scene = Scene(Keys())

    assert (scene.course.guard, scene.edge.gate) == (None, None)
    assert (scene.keeping.observers, scene.keeping.readers) == ((), ())
    assert scene.keeping.permits() is None
    assert scene.metrics.tables[families.KEYS.name]() == [((), 0)]
    scene.keeping.tend()


def test_keys_put_up_a_gate_and_a_guard() -> None:
    scene = Scene(TEAM)

    assert scene.course.guard is not None
    assert scene.edge.gate is not None
    assert (len(scene.keeping.observers), len(scene.keeping.readers)) == (1, 1)
    assert scene.keeping.permits() == scene.course.guard.permits
    assert scene.metrics.tables[families.KEYS.name]() == [((), 1)]


def test_a_reload_brings_keys_and_takes_them_away() -> None:
    scene = Scene(Keys())

    scene.keeping.renew(TEAM)
    assert scene.course.guard is not None
    assert scene.edge.gate is not None

    scene.keeping.renew(Keys())
    assert (scene.course.guard, scene.edge.gate) == (None, None)


def test_passing_credentials_on_needs_a_gate_without_a_guard() -> None:
    scene = Scene(Keys(pass_through=True))

    assert scene.course.guard is None
    assert scene.edge.gate is not None
    assert scene.edge.gate.pass_through


def test_the_calendar_goes_on() -> None:
    scene = Scene(TEAM)
    (guard,) = scene.keeping.observers

    scene.wall += 86_400 * 40
    scene.keeping.tend()

    assert guard.calendar.wall == scene.wall  # type: ignore[attr-defined]


def test_prices_are_those_of_the_settings() -> None:
    scene = Scene(Keys(clients=TEAM.clients, prices={"m": Price(input=1.0, output=2.0)}))
    (guard,) = scene.keeping.observers

    assert guard.tariff["m"] == (1e-6, 2e-6)  # type: ignore[attr-defined]


async def test_replicas_count_together_and_so_does_every_process_of_theirs() -> None:
    url = Secret("redis://127.0.0.1:1")  # where nobody listens
    settings = msgspec.structs.replace(TEAM, shared=Shared(url=url, replicas=2))
    limited = msgspec.structs.replace(TEAM.clients["team"], requests_per_minute=60)
    settings = msgspec.structs.replace(settings, clients={"team": limited})
    scene = Scene(settings, processes=3)

    await scene.keeping.start()

    requests = scene.keeping.accounts["team"].requests
    assert isinstance(requests, Lease)
    assert requests.room(1000.0) == 10  # no store: its share of the limit
    assert scene.metrics.tables[families.SHARED_UP.name]() == [((), 0)]
    assert scene.metrics.tables[families.SHARED_ERRORS.name]() == [((), 1)]
    await scene.keeping.stop()
