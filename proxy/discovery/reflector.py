"""The objects of one kind in Kubernetes, listed once and then followed by their changes.

    while      comes                      then
    listing    the list                   it is what there is; watch from its version on
    listing    a refusal or no answer     what is known stays; list again after a pause
    watching   an event                   apply it; its version is where the next watch begins
    watching   the end, in good order     watch again, after a pause if that came too soon
    watching   410: the version is gone   list again
    watching   a refusal or no answer     what is known stays; watch again after a pause
    either     `resync` is over           list again: an event may have been missed

Pauses grow with each failure in a row (`pauses`). A watch that hangs is noticed: the server is told
to end each after a while, and one that outlives that is given up.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from typing_extensions import override

from proxy.discovery.objects import Event, Page, Status, Thing
from proxy.discovery.pauses import Pauses

PAGE: Final = 500  # objects in one part of a list
WATCH: Final = 240.0  # seconds after which the server shall end a watch
GRACE: Final = 15.0  # seconds it may be late with that
SHORT: Final = 1.0  # seconds: a watch that ends sooner is not followed by another at once
GONE: Final = 410

T = TypeVar("T", bound=Thing)
Parameters = Mapping[str, str]


class Trouble(Exception):  # noqa: N818  it is an outcome of asking, told to a person
    """The API did not say what was asked. `status` is 0 if it did not answer; the text says why."""

    def __init__(self, words: str, status: int = 0) -> None:
        self.status = status
        super().__init__(words)

    @property
    def words(self) -> str:
        """Return what was wrong, and what to do."""
        return str(self.args[0])

    @override
    def __str__(self) -> str:
        return self.words


class Api(Protocol):
    """The Kubernetes API. Both raise `Trouble`, and nothing else."""

    async def get(self, path: str, parameters: Parameters) -> bytes:
        """Return the answer to a GET."""
        ...

    def lines(self, path: str, parameters: Parameters) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer as they come; an empty one first, when it has begun."""
        ...


class Query(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What to follow: objects of `kind` below `path`, narrowed by selectors."""

    path: str
    kind: type[T]
    selectors: Mapping[str, str] = {}


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to tell; both on the loop. `troubled` with None: all is well again."""

    changed: Callable[[], None]
    troubled: Callable[[Trouble | None], None]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The clock: `resync` in seconds, `random` in [0, 1)."""

    resync: float
    random: Callable[[], float]
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Reflector(Generic[T]):
    """Follows what `query` asks for; `listed` is False until it is known."""

    __slots__ = ("_api", "_hooks", "_known", "_pauses", "_query", "_timing", "listed")

    def __init__(self, api: Api, query: Query[T], hooks: Hooks, timing: Timing) -> None:
        self._api = api
        self._query = query
        self._hooks = hooks
        self._timing = timing
        self._pauses = Pauses(timing.random)
        self._known: dict[tuple[str, str], T] = {}
        self.listed = False

    @property
    def objects(self) -> Sequence[T]:
        """Return what there is."""
        return tuple(self._known.values())

    async def run(self) -> None:
        """Follow for ever."""
        version, listed_at = "", 0.0
        while True:
            pause = 0.0
            try:
                now = self._timing.now()
                if not version or now - listed_at >= self._timing.resync:
                    version = await self._list()
                    listed_at = now
                began = self._timing.now()
                version = await self._watch(version, listed_at)
                if self._timing.now() - began < SHORT:
                    pause = self._pauses.next()
                else:
                    self._pauses.worked()
            except Trouble as trouble:
                if trouble.status == GONE:
                    version = ""
                else:
                    self._hooks.troubled(trouble)
                pause = self._pauses.next()
            if pause:
                await self._timing.sleep(pause)

    async def _list(self) -> str:
        """List everything, and put it in place of what was known; return its version."""
        found: dict[tuple[str, str], T] = {}
        parameters = dict(self._query.selectors, limit=str(PAGE))
        while True:
            page = _decoded(await self._api.get(self._query.path, parameters), Page)
            for raw in page.items or ():
                thing = _decoded(raw, self._query.kind)
                found[thing.key] = thing
            if not page.metadata.next:
                break
            parameters["continue"] = page.metadata.next
        changed = found != self._known or not self.listed
        self._known = found
        self.listed = True
        self._pauses.worked()
        self._hooks.troubled(None)
        if changed:
            self._hooks.changed()
        return page.metadata.resource_version

    async def _watch(self, version: str, listed_at: float) -> str:
        """Follow the changes since `version`; return the last one when the watch ends."""
        left = self._timing.resync - (self._timing.now() - listed_at)
        seconds = max(1, int(min(WATCH, left)))
        parameters = {
            **self._query.selectors,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        try:
            async with (
                asyncio.timeout(seconds + GRACE),
                aclosing(self._api.lines(self._query.path, parameters)) as lines,
            ):
                async for line in lines:
                    self._hooks.troubled(None)
                    if line.strip():
                        version = self._took(_decoded(line, Event))
        except TimeoutError:
            raise Trouble("the Kubernetes API did not end a watch in time") from None
        return version

    def _took(self, event: Event) -> str:
        """Apply one event; return its version."""
        if event.type == "ERROR":
            status = _decoded(event.object, Status)
            raise Trouble(f"the Kubernetes API ended a watch: {status.message}", status.code)
        thing = _decoded(event.object, self._query.kind)
        if event.type == "DELETED":
            self._known.pop(thing.key, None)
        elif event.type != "BOOKMARK":
            self._known[thing.key] = thing
        self._pauses.worked()
        if event.type != "BOOKMARK":
            self._hooks.changed()
        return thing.metadata.resource_version


D = TypeVar("D")


def _decoded(data: bytes | msgspec.Raw, kind: type[D]) -> D:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise Trouble(f"the Kubernetes API sent what is no {kind.__name__}: {error}") from None
