"""In step with the database: keys come, usage goes, and a broken file loses nothing."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from proxy.boot.persisting import ROWS, Learnt, Persisting
from proxy.boot.storage import Storage
from proxy.core.account import Cost, Grant
from proxy.core.call import OK, Call
from proxy.core.keys import Key
from proxy.core.usage import Batch, Used
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
        self.persisting = Persisting(Storage(path), self.guard, self.books, self.told.append)

    def use(self, tokens: int, model: str = "m") -> None:
        call = Call("id", "/", 1.0)
        account = self.guard.accounts["team"]
        grant = account.admit(1.0, tokens, 0.0, NOW)
        assert isinstance(grant, Grant)
        call.grant = grant
        call.backend, call.committed, call.end, call.model = make_backend("a"), True, OK, model
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
        await scene.persisting.exchange()  # what could not be written
        await scene.persisting.exchange()  # what has been used since

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


class FakeStore:
    """A ledger that counts each serial once, and may break after it has written."""

    name, hint = "the ledger", "the ledger"
    errors = (OSError,)

    def __init__(self) -> None:
        self.batches: dict[int, Batch] = {}
        self.broken = False
        self.closed = False

    async def exchange(self, batch: Batch, spans: Sequence[str]) -> Learnt:
        assert self.batches.setdefault(batch.serial, batch) == batch
        if self.broken:
            raise ConnectionResetError
        tokens = sum(row.tokens_in for one in self.batches.values() for row in one.rows)
        return Learnt(spent={span: {"team": Cost(tokens=tokens)} for span in spans})

    async def close(self) -> None:
        self.closed = True


async def test_a_batch_stays_the_same_until_it_has_been_written() -> None:
    store, scene = FakeStore(), Scene(Path("none"), budget_tokens=1000)
    persisting = Persisting(store, scene.guard, scene.books, scene.told.append)
    spent = scene.guard.accounts["team"]
    store.broken = True
    with capture_logs() as logs:
        for tokens in (5, 7, 11):
            scene.use(tokens)
            await persisting.exchange()
        assert (persisting.errors, persisting.unwritten, spent.spent.tokens) == (3, 2, 23)

        store.broken = False
        await persisting.exchange()
        assert (persisting.unwritten, spent.spent.tokens) == (1, 23)
        await persisting.exchange()

    assert [sum(row.tokens_in for row in one.rows) for one in store.batches.values()] == [5, 18]
    assert (persisting.unwritten, spent.spent.tokens) == (0, 23)
    assert [line["log_level"] for line in logs] == ["error", "info"]
    assert not scene.told


async def test_what_is_more_than_a_batch_is_written_in_several() -> None:
    store, scene = FakeStore(), Scene(Path("none"), budget_tokens=10_000_000)
    persisting = Persisting(store, scene.guard, scene.books, scene.told.append)
    for number in range(ROWS + 1):
        scene.use(1, f"m{number}")

    await persisting.exchange()
    assert scene.guard.accounts["team"].spent.tokens == ROWS + 1
    scene.use(1, "m")
    await persisting.stop()

    assert [len(one.rows) for one in store.batches.values()] == [ROWS, 2]
    assert scene.guard.accounts["team"].spent.tokens == ROWS + 2
    assert store.closed


async def test_what_can_not_be_written_at_the_end_is_told() -> None:
    store, scene = FakeStore(), Scene(Path("none"))
    persisting = Persisting(store, scene.guard, scene.books, scene.told.append)
    store.broken = True
    scene.use(5)

    with capture_logs() as logs:
        await persisting.stop()

    assert logs[-1]["event"] == "usage was given up: the ledger cannot be used"


async def test_keys_can_be_had_without_keeping_usage(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "x.db")
    scene.books.kept = False
    other = Persisting(Storage(scene.path), scene.guard, None, scene.told.append)
    scene.use(5)

    await other.exchange()
    await other.stop()

    assert scene.told == [[]]
    assert (scene.books.kept, other.unwritten) == (False, 0)
