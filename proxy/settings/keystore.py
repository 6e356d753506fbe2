"""Keys in a SQLite file: those that `headrace keys` makes, so that nobody need edit the settings.

The file holds hashes, never keys. Everything here blocks: it belongs into a command or a thread.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from proxy.core.keys import Credential, Key

PATIENCE: Final = 5.0  # seconds for another process to finish its writing
_TABLES: Final = (
    (
        "CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, terms BLOB NOT NULL,"
        " created REAL NOT NULL, expires REAL, revoked REAL)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS secrets (digest BLOB PRIMARY KEY, name TEXT NOT NULL,"
        " shown TEXT NOT NULL, created REAL NOT NULL, expires REAL)"
    ),
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A key as lists show it: what it allows, how its secrets begin, and when it was made.

    Times are Unix seconds. A revoked key has no credentials.
    """

    key: Key
    shown: tuple[str, ...]
    created: float
    expires: float | None = None
    revoked: float | None = None


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a new secret: its hash, and its first letters for lists."""

    digest: bytes
    shown: str


class Taken(Exception):  # noqa: N818  it is an answer
    """There is a key of this name, or there has been one."""


class Missing(Exception):  # noqa: N818  it is an answer
    """There is no key of this name, or no longer."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, made for its owner only if it is not there; sqlite3.Error if it cannot be."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    # Threads of a pool use it in turn, never two at once.
    connection = sqlite3.connect(
        path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:  # it is no database
        connection.close()
        raise
    return connection


class Keystore:
    """The tables of keys. Each change is one transaction."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for table in _TABLES:
            connection.execute(table)

    def entries(self) -> list[Entry]:
        """Return every key there is or has been, by name."""
        rows = self._connection.execute(
            "SELECT name, terms, created, expires, revoked FROM keys ORDER BY name"
        ).fetchall()
        return [self._entry(*row) for row in rows]

    def keys(self) -> list[Key]:
        """Return the keys that are not revoked."""
        return [entry.key for entry in self.entries() if entry.revoked is None]

    def create(self, key: Key, secret: Secret, *, now: float, expires: float | None) -> None:
        """Add a key with one secret."""
        terms = msgspec.json.encode(msgspec.structs.replace(key, credentials=()))
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.execute(
                    "INSERT INTO keys VALUES (?, ?, ?, ?, NULL)", (key.name, terms, now, expires)
                )
            except sqlite3.IntegrityError:
                raise Taken(key.name) from None
            self._add(key.name, secret, now)

    def revoke(self, name: str, now: float) -> None:
        """End a key and all its secrets; its name stays taken, because its usage does."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._held(name)
            self._connection.execute("UPDATE keys SET revoked = ? WHERE name = ?", (now, name))
            self._connection.execute("DELETE FROM secrets WHERE name = ?", (name,))

    def rotate(self, name: str, secret: Secret, *, now: float, until: float) -> None:
        """Give a key another secret; those it has end at `until`, if they do not before."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._held(name)
            self._connection.execute(
                "UPDATE secrets SET expires = MIN(COALESCE(expires, :until), :until)"
                " WHERE name = :name",
                {"until": until, "name": name},
            )
            self._add(name, secret, now)

    def _held(self, name: str) -> None:
        found = self._connection.execute(
            "SELECT 1 FROM keys WHERE name = ? AND revoked IS NULL", (name,)
        ).fetchone()
        if found is None:
            raise Missing(name)

    def _add(self, name: str, secret: Secret, now: float) -> None:
        self._connection.execute(
            "INSERT INTO secrets VALUES (?, ?, ?, ?, NULL)",
            (secret.digest, name, secret.shown, now),
        )

    def _entry(
        self, name: str, terms: bytes, created: float, expires: float | None, revoked: float | None
    ) -> Entry:
        secrets = self._connection.execute(
            "SELECT digest, shown, expires FROM secrets WHERE name = ? ORDER BY created", (name,)
        ).fetchall()
        key = msgspec.json.decode(terms, type=Key)
        credentials = tuple(
            Credential(digest=digest, expires_at=_sooner(expires, own))
            for digest, _, own in secrets
        )
        return Entry(
            key=msgspec.structs.replace(key, credentials=credentials),
            shown=tuple(shown for _, shown, _ in secrets),
            created=created,
            expires=expires,
            revoked=revoked,
        )


def _sooner(one: float | None, other: float | None) -> float | None:
    return min((each for each in (one, other) if each is not None), default=None)
