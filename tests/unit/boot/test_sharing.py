"""A limit of a key holds over several workers."""

from proxy.boot import sharing
from proxy.core.account import Account
from proxy.core.keys import Key
from proxy.core.window import Window
from proxy.settings.credential import Secret
from proxy.settings.keys import ClientKey, Keys
from proxy.settings.schema import Settings
from tests.fixtures.crew import SETTINGS, crew
from tests.fixtures.stack import eventually


def test_only_limits_there_are_are_told() -> None:
    limited = Account(Key(name="a", requests_per_minute=10), sharing.window)
    free = Account(Key(name="b"), sharing.window)
    alone = Account(Key(name="c", requests_per_minute=10), lambda kind, name, limit: Window(limit))
    accounts = {"a": limited, "b": free, "c": alone}
    assert limited.requests is not None
    limited.requests.take(2.0, 1.0)

    assert sharing.taken(accounts) == {"a": (2.0, 0.0)}
    assert sharing.taken(accounts) == {}
    sharing.hear(accounts, {"a": (3.0, 4.0), "b": (1.0, 1.0), "gone": (1.0, 1.0)}, 1.0)
    assert limited.requests.room(1.0) == 5.0
    assert sharing.taken(accounts) == {}


async def test_what_one_worker_lets_through_the_others_count() -> None:
    async with crew() as scene:
        key = ClientKey(key=Secret("sk-1"), requests_per_minute=10)
        keys = Keys(clients={"team": key})
        scene.next = Settings(backends=SETTINGS.backends, keys=keys)
        await scene.control.reload("test")
        one, two = (worker._keys.accounts["team"].requests for worker in scene.workers.values())
        assert one is not None
        assert two is not None

        one.take(4.0, scene.control.now())
        for worker in scene.workers.values():
            worker._tell()

        await eventually(lambda: two.room(scene.control.now()) == 6.0)
        assert one.room(scene.control.now()) == 6.0
