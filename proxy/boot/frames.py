"""What the processes of one proxy say to each other, and how it is written.

    worker to control   Noticed, Heard, Freed, Taken, Ended, Report, Applied
    control to worker   Snapshot, Changed, Heard, Freed, Taken, Drain, Hurry

A frame is four bytes of length and MessagePack. A `Snapshot` is everything a worker has to know: it
begins with one, and gets another at every reload. `Changed` brings single backends up to date, each
whole, so nothing depends on what was known before. Backends are named by their slot on the board.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from proxy.core.call import Call
from proxy.core.catalog import Model
from proxy.core.failure import Failure
from proxy.core.health import State
from proxy.core.joint import News
from proxy.core.reported import Reported
from proxy.dialects import assembly
from proxy.dialects.base import Engine
from proxy.dialects.profile import Profile
from proxy.settings import securing
from proxy.settings.credential import Secret
from proxy.settings.profiles import Profiles
from proxy.settings.reading import Reading
from proxy.settings.schema import Settings
from proxy.settings.seals import Seal

Rows = list[tuple[tuple[str, ...], float]]  # labels and a value
SIZE: Final = 4  # bytes of the length in front
# Of a call: what its observers read. Bodies and grants stay where they are; a trace is sent there.
_LEFT_OUT: Final = frozenset({"answer", "backend", "body", "failure", "grant", "trace", "tried"})
FACTS: Final = tuple(name for name in Call.__slots__ if name not in _LEFT_OUT)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a backend. `foreign` are requests there that are not this proxy's."""

    slot: int
    name: str
    url: str
    kind: str
    state: State
    since: float
    reason: str
    recovered_at: float
    next_probe_at: float
    trusted_at: float  # when its breaker closed again
    learned_cap: int | None
    reported: Reported | None
    foreign: int
    models: tuple[Model, ...]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Settings and backends, all at once. `standing` are news that open the breakers that are."""

    serial: int
    settings: msgspec.Raw
    backends: tuple[Known, ...]
    standing: tuple["Heard", ...] = ()


class Changed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What is known of some backends now."""

    backends: tuple[Known, ...]


class Noticed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A call failed at a backend: check it; with `models`: it denies to have one that it lists."""

    slot: int
    models: bool = False


class Heard(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """News of a breaker."""

    slot: int
    news: News


class Freed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A place is free, and calls of another worker wait."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A call that has ended, or an attempt that failed; `retried` is None for the former."""

    facts: list[Any]
    backend: str | None
    failure: Failure | None
    retried: bool | None


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Calls and attempts, in order."""

    entries: list[Entry]


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What keys have taken of their limits of a minute: requests and tokens, by name."""

    keys: dict[str, tuple[float, float]]


class Report(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How a worker is. `lag` is the worst lateness of its loop since the last report."""

    in_flight: int = 0
    connections: int = 0
    queues: dict[str, int] = {}
    lag: float = 0.0
    dropped: int = 0
    handshakes: Mapping[str, int] = {}
    tables: Mapping[str, Rows] = {}  # what is counted beside calls, by the name of its family


class Applied(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The snapshot of this number is in force."""

    serial: int


class Drain(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Let go in order, then end. `handed_over`: a newer process has the listeners already."""

    handed_over: bool = False


class Hurry(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cut the drain short."""


Frame = (
    Snapshot | Changed | Noticed | Heard | Freed | Taken | Ended | Report | Applied | Drain | Hurry
)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else None  # live: it means nothing elsewhere


def _told(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Seal):
        return None  # it is made anew
    raise TypeError(f"a setting of type {type(value).__name__} cannot be told")


def _made(kind: type, value: Any) -> object:  # noqa: ANN401 - whatever was written
    return kind(value) if kind in {Secret, Path} else value


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_teller = msgspec.msgpack.Encoder(enc_hook=_told)
_decoder = msgspec.msgpack.Decoder(Frame)


def encoded(frame: Frame) -> bytes:
    """Return a frame with its length in front."""
    data = _encoder.encode(frame)
    return len(data).to_bytes(SIZE, "big") + data


class Frames:
    """Puts frames together as bytes arrive."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes."""
        held = self._data
        held += data
        while len(held) >= SIZE:
            end = SIZE + int.from_bytes(held[:SIZE], "big")
            if len(held) < end:
                return
            frame = _decoder.decode(bytes(held[SIZE:end]))
            del held[:end]
            yield frame


class _Written(msgspec.Struct, frozen=True, kw_only=True):
    """Settings; the profiles apart, because records hold functions: those are made anew.

    So are TLS contexts, from the files that the settings name.
    """

    settings: Settings
    folder: str | None
    profiles: dict[str, Profile]
    base: str


_settings = msgspec.msgpack.Decoder(_Written, dec_hook=_made)


def written(settings: Settings, base: Path) -> msgspec.Raw:
    """Return settings as they stand in a snapshot; paths in them start at `base`."""
    own = settings.profiles
    kinds = {} if own is None else {name: kind.profile for name, kind in own.engines.items()}
    bare = msgspec.structs.replace(settings, profiles=None)
    folder = None if own is None else own.folder
    return msgspec.Raw(
        _teller.encode(_Written(settings=bare, folder=folder, profiles=kinds, base=str(base)))
    )


def read(raw: msgspec.Raw) -> Settings:
    """Return settings from a snapshot."""
    found = _settings.decode(raw)
    settings = securing.secured(found.settings, Path(found.base), Reading({}))
    if found.folder is None:
        return settings
    kinds = {name: _record(_teller.encode(kind)) for name, kind in found.profiles.items()}
    own = Profiles(folder=found.folder, engines=MappingProxyType(kinds))
    return msgspec.structs.replace(settings, profiles=own)


@lru_cache(maxsize=256)
def _record(profile: bytes) -> Engine:
    # The same profile gives the same record: so a reload sees which kinds have changed.
    return assembly.engine(msgspec.msgpack.decode(profile, type=Profile))


def entry(call: Call, *, retried: bool | None = None, failure: Failure | None = None) -> Entry:
    """Return what is told of a call."""
    failure = failure or call.failure
    if failure is not None and failure.body is not None:
        failure = msgspec.structs.replace(failure, body=None)
    backend = call.backend
    name = None if backend is None else backend.name
    return Entry([getattr(call, fact) for fact in FACTS], name, failure, retried)


def call_of(told: Entry, backend_of: Callable[[str], Any]) -> Call:
    """Return the call that an entry tells of."""
    call = Call("", "", 0.0)
    for fact, value in zip(FACTS, told.facts, strict=True):
        setattr(call, fact, value)
    call.backend = None if told.backend is None else backend_of(told.backend)
    if told.retried is None:
        call.failure = told.failure
    return call
