"""The ledger in PostgreSQL as a store: opened when needed, dropped when it fails."""

from collections.abc import Mapping, Sequence

import pytest

from proxy.boot.ledgering import RemoteLedger
from proxy.core.account import Cost
from proxy.core.usage import Batch, Used
from proxy.settings.credential import Secret
from proxy.telemetry.postgres import PostgresLedger

ROW = Used(day="2026-11-22", key="a", tenant="a", model="m", requests=1)
BATCH = Batch(serial=1, rows=[ROW])


class FakeLedger:
    """Takes batches; what it is told last stays."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.writers: set[str] = set()
        self.broken = False

    async def prepare(self) -> None:
        self.done.append("prepare")

    async def add(self, writer: str, batch: Batch) -> None:
        self.writers.add(writer)
        if self.broken:
            raise ConnectionResetError
        self.done.append(f"add {batch.serial}")

    async def spent(self, span: str) -> Mapping[str, Cost]:
        self.done.append(span)
        return {"a": Cost(tokens=5)}

    async def close(self) -> None:
        self.done.append("close")

    def drop(self) -> None:
        self.done.append("drop")


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ledger = FakeLedger()
        self.store = RemoteLedger(Secret("postgresql://u:pw@h/x"))

        async def opened(url: str) -> FakeLedger:
            self.ledger.done.append(url)
            return self.ledger

        monkeypatch.setattr(PostgresLedger, "open", opened)

    async def exchange(self, batch: Batch = BATCH, spans: Sequence[str] = ()) -> None:
        await self.store.exchange(batch, spans)


async def test_it_is_opened_once_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)

    await scene.exchange()
    learnt = await scene.store.exchange(Batch(serial=2, rows=()), ["2026-11"])
    await scene.store.close()
    await scene.store.close()

    opened = ["postgresql://u:pw@h/x", "prepare"]
    assert scene.ledger.done == [*opened, "add 1", "2026-11", "close"]
    assert (learnt.keys, learnt.spent) == (None, {"2026-11": {"a": Cost(tokens=5)}})


async def test_after_a_failure_it_is_opened_anew_by_the_same_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch)
    scene.ledger.broken = True
    with pytest.raises(ConnectionResetError):
        await scene.exchange()
    assert scene.ledger.done[-1] == "drop"

    scene.ledger.broken = False
    await scene.exchange()

    assert scene.ledger.done[-2:] == ["prepare", "add 1"]
    assert len(scene.ledger.writers) == 1
    assert Scene(monkeypatch).store._writer not in scene.ledger.writers
