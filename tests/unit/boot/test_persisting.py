"""In step with the database: keys come, usage goes, and a broken file loses nothing."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from proxy.boot.persisting import Persisting
from proxy.core.account import Grant
from proxy.core.call import OK, Call
from proxy.core.keys import Key
from proxy.core.usage import Used
from proxy.flow.books import Books
from proxy.flow.guard import Guard
from proxy.settings.keystore import connect
from proxy.telemetry.ledger import Ledger
from tests.fixtures.fleet import make_backend
from tests.fixtures.keyed import NOW, guarding, key


class Scene:
    def __init__(self, path: Path, **limits: Any) -> None:
        self.path = path
        self.told: list[Sequence[Key]] = []
        self.guard: Guard = guarding([key("team", **limits)])
        self.books = Books(self.guard, lambda: 1.0)
        self.persisting = Persisting(path, self.guard, self.books, self.told.append)

    def use(self, tokens: int) -> None:
        call = Call("id", "/", 1.0)
        account = self.guard.accounts["team"]
        grant = account.admit(1.0, tokens, 0.0, NOW)
        assert isinstance(grant, Grant)
        call.grant = grant
        call.backend, call.committed, call.end, call.model = make_backend("a"), True, OK, "m"
        call.tokens_in, call.tokens_out = tokens, 0
        self.books.finished(call)

    def written(self) -> float:
        with closing(connect(self.path)) as connection:
            return Ledger(connection).spent("2026-11")["team"].tokens


async def test_usage_is_written_once_and_keys_are_told(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "x.db")
    scene.use(5)

    await scene.persisting.exchange()
    await scene.persisting.exchange()
    scene.use(7)
    await scene.persisting.stop()

    assert scene.written() == 12
    assert scene.told == [[]]


async def test_a_budget_counts_what_other_processes_have_spent(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "x.db", budget_tokens=1000)
    row = Used(day="2026-11-03", key="team", tenant="team", model="m", tokens_in=900)
    with closing(connect(scene.path)) as connection:
        Ledger(connection).add([row])
    scene.use(5)

    await scene.persisting.exchange()
    scene.use(3)

    assert scene.guard.accounts["team"].spent.tokens == 908
    await scene.persisting.stop()
    assert scene.written() == 908


async def test_a_broken_file_is_told_once_and_loses_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "none" / "x.db", budget_tokens=1000)
    with capture_logs() as logs:
        for _ in range(3):
            scene.use(5)
            await scene.persisting.exchange()
        assert scene.guard.accounts["team"].spent.tokens == 15

        scene.path.parent.mkdir()
        await scene.persisting.exchange()

    assert [line["log_level"] for line in logs] == ["error", "info"]
    assert scene.written() == 15
    assert scene.guard.accounts["team"].spent.tokens == 15
    await scene.persisting.stop()


async def test_a_beat_does_not_overtake_the_one_before(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "x.db")

    scene.persisting.beat()
    first = scene.persisting._task
    scene.persisting.beat()

    assert scene.persisting._task is first
    await scene.persisting.stop()
    assert scene.told == [[]]
