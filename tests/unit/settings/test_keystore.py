"""Keys in a file: made, listed, replaced, revoked; never the keys themselves."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.core.keys import Credential, Key, digest
from proxy.settings.keystore import Keystore, Missing, Secret, Taken, connect

TEAM = Key(name="team", tenant="t", models=("a*",), requests_per_minute=5, budget_period="day")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = connect(tmp_path / "keys.db")
    yield found
    found.close()


def secret(text: str) -> Secret:
    return Secret(digest=digest(text), shown=text[:2])


def test_a_key_is_kept_with_all_that_it_allows(connection: sqlite3.Connection) -> None:
    store = Keystore(connection)

    store.create(TEAM, secret("abc"), now=10.0, expires=99.0)

    (entry,) = Keystore(connection).entries()
    assert (entry.shown, entry.created, entry.expires, entry.revoked) == (("ab",), 10.0, 99.0, None)
    (key,) = store.keys()
    assert key.credentials == (Credential(digest=digest("abc"), expires_at=99.0),)
    assert (key.models, key.requests_per_minute, key.budget_period) == (("a*",), 5, "day")


def test_a_name_is_taken_for_ever(connection: sqlite3.Connection) -> None:
    store = Keystore(connection)
    store.create(TEAM, secret("abc"), now=10.0, expires=None)
    store.revoke("team", 11.0)

    with pytest.raises(Taken):
        store.create(TEAM, secret("def"), now=12.0, expires=None)

    (entry,) = store.entries()
    assert (entry.revoked, entry.key.credentials) == (11.0, ())
    assert store.keys() == []


def test_a_replaced_secret_counts_for_a_while(connection: sqlite3.Connection) -> None:
    store = Keystore(connection)
    store.create(TEAM, secret("abc"), now=10.0, expires=None)

    store.rotate("team", secret("def"), now=20.0, until=30.0)
    store.rotate("team", secret("ghi"), now=25.0, until=90.0)

    (key,) = store.keys()
    assert [one.expires_at for one in key.credentials] == [30.0, 90.0, None]


def test_a_replaced_secret_lasts_no_longer_than_its_key(connection: sqlite3.Connection) -> None:
    store = Keystore(connection)
    store.create(TEAM, secret("abc"), now=10.0, expires=50.0)

    store.rotate("team", secret("def"), now=20.0, until=90.0)

    (key,) = store.keys()
    assert [one.expires_at for one in key.credentials] == [50.0, 50.0]


def test_what_is_not_there_cannot_be_changed(connection: sqlite3.Connection) -> None:
    store = Keystore(connection)

    with pytest.raises(Missing):
        store.revoke("team", 1.0)
    with pytest.raises(Missing):
        store.rotate("team", secret("x"), now=1.0, until=2.0)


def test_the_file_is_its_owners_and_holds_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    opened = connect(path)
    Keystore(opened).create(TEAM, secret("a-very-secret-key"), now=1.0, expires=None)
    opened.close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"a-very-secret-key" not in path.read_bytes()


def test_what_is_no_database_is_not_left_open(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("something else " * 100)
    before = descriptors()

    with pytest.raises(sqlite3.DatabaseError) as caught:
        connect(other)

    assert caught.value.__traceback__ is not None  # keeps the frame and all that is open in it
    assert descriptors() == before


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())
