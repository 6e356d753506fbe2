"""One exchange with the file: what was used goes in, keys and sums come out."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.boot.storage import Storage
from proxy.core.account import Cost
from proxy.core.keys import Key, digest
from proxy.core.usage import Batch, Used
from proxy.settings.keystore import Keystore, Secret, connect

ROW = Used(day="2026-11-22", key="a", tenant="a", model="m", requests=1, tokens_in=5, money=2.0)


def batch(*rows: Used) -> Batch:
    return Batch(serial=1, rows=rows)


def create(path: Path, name: str) -> None:
    with closing(connect(path)) as connection:
        secret = Secret(digest=digest(name), shown=name)
        Keystore(connection).create(Key(name=name), secret, now=1.0, expires=None)


async def test_keys_come_at_first_and_when_others_have_changed_them(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    storage = Storage(path)
    assert (await storage.exchange(batch(), [])).keys == []
    assert (await storage.exchange(batch(ROW), [])).keys is None

    create(path, "team")

    learnt = await storage.exchange(batch(), [])
    assert learnt.keys is not None
    assert [key.name for key in learnt.keys] == ["team"]
    await storage.close()
    await storage.close()


async def test_sums_hold_what_was_just_written(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "x.db")
    await storage.exchange(batch(ROW), [])

    learnt = await storage.exchange(batch(ROW), ["2026-11", "2026-10"])

    assert learnt.spent == {"2026-11": {"a": Cost(tokens=10, money=4.0)}, "2026-10": {}}
    await storage.close()


async def test_a_file_that_is_none_is_an_error_until_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_text("no database, but something else " * 100)
    storage = Storage(path)
    with pytest.raises(sqlite3.Error):
        await storage.exchange(batch(ROW), [])

    path.unlink()

    assert (await storage.exchange(batch(ROW), [])).keys == []
    await storage.close()


async def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await Storage(tmp_path / "none" / "x.db").exchange(batch(), [])
