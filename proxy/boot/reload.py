"""Read the settings again while the process runs, and put in force what can be.

    1 read     all of it, in a thread; anything wrong: the old settings stay, every problem is told
    2 compare  with what is in force; what only a restart can change keeps its value, and is named
    3 join     backends that are new are made and checked, so that they can take over at once
    4 settle   everything at once, between two events of the loop; no running stream is touched

One at a time: who asks meanwhile waits, and reads what is there then. When a source of discovery
finds other backends, nothing is read, but they join and settle in the same way.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from proxy.boot.sources import Sources
from proxy.boot.warmth import checked
from proxy.boot.watch import INTERVAL, Watch
from proxy.core.backend import Backend
from proxy.edge.orders import Outcome
from proxy.settings import rules
from proxy.settings.changes import between, with_fixed
from proxy.settings.load import Loaded, Supply
from proxy.settings.problems import SettingsError
from proxy.settings.rows import listed
from proxy.settings.schema import BackendSettings, Settings
from proxy.telemetry.reloads import Reloads, Result

WARM: Final = 5.0  # seconds in which backends that take over must have been checked once

Backends = tuple[BackendSettings, ...]

log = structlog.get_logger()


class Running(Protocol):
    """The proxy whose settings change."""

    @property
    def settings(self) -> Settings:
        """What is in force."""
        ...

    @property
    def draining(self) -> bool:
        """Whether it has been told to stop."""
        ...

    def join(self, settings: Settings) -> Sequence[Backend]:
        """Make and check the backends that are new in `settings`; return them."""
        ...

    def settle(self, settings: Settings) -> None:
        """Put `settings` in force; new backends have joined."""
        ...


class Reloader:
    """Reloads the settings of `running`, when told to and when its files change.

    `loaded` is what was last read in order, `sources` are followed from `start` on.
    """

    __slots__ = (
        "_adopting",
        "_counts",
        "_found",
        "_lock",
        "_loop",
        "_own",
        "_read",
        "_running",
        "_tasks",
        "_watch",
        "loaded",
        "sources",
    )

    def __init__(self, running: Running, supply: Supply, counts: Reloads) -> None:
        self._running = running
        self._read = supply.read
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Outcome | None]] = set()
        # Engines found on this machine, or started for a demonstration, are in no file.
        written = supply.loaded.settings
        self._found = not (written.backends or written.discovery.sources)
        self._own = running.settings.backends  # in force and not from a source
        self._adopting = False
        self.sources = Sources(self._heard)
        self._watch = Watch(supply.loaded.files, self._changed, INTERVAL)
        self._counts = counts
        self.loaded = supply.loaded

    def start(self) -> None:
        """Begin to watch the files, and to follow the sources."""
        self._watch.start()
        self.sources.adopt(self._running.settings.discovery)

    def stop(self) -> None:
        """End the watch, the sources, and a reload that is under way."""
        self._watch.stop()
        self.sources.stop()
        for task in self._tasks:
            task.cancel()

    def request(self, cause: str) -> None:
        """Reload soon; for who cannot wait."""
        self._soon(self.reload(cause))

    async def reload(self, cause: str) -> Outcome:
        """Read the settings again and put in force what can be."""
        async with self._lock:
            if self._running.draining:
                log.warning("settings not reloaded: the proxy is draining", cause=cause)
                why = "the proxy is draining: its settings stay"
                return Outcome(result=Result.FAILED, problems=(why,))
            try:
                loaded = await asyncio.to_thread(self._read_files)
                settings, own, outcome = self._judge(loaded)
            except SettingsError as error:
                return self._refused(cause, [str(problem) for problem in error.problems])
            if outcome.problems:
                return self._refused(cause, outcome.problems)
            if outcome.result is Result.APPLIED:
                await self._take_over(settings)
                self._own = own
                self.sources.adopt(settings.discovery)
            self._found = self._found and not own
            self.loaded = loaded
            self._tell(cause, outcome)
            return outcome

    @property
    def written(self) -> Settings:
        """Return what is in force, without the backends that sources have found."""
        return msgspec.structs.replace(self._running.settings, backends=self._own)

    def config(self) -> Mapping[str, object]:
        """Return the settings in force and what became of reloads; docs describe the fields."""
        counts, loaded = self._counts, self.loaded
        return {
            "settings": listed(self.written, loaded.origins),
            "files": [str(file) for file in loaded.files],
            "valid": counts.valid,
            "restart_pending": counts.pending,
            "reloads": {result.value: count for result, count in counts.counts.items()},
            "read_at": counts.succeeded_at,
        }

    async def _adopt(self) -> None:
        """Put in force what the sources have found."""
        async with self._lock:
            self._adopting = False
            running = self._running
            merged = self.sources.together(self.written)
            new = msgspec.structs.replace(running.settings, backends=merged.backends)
            changes = [str(change) for change in between(running.settings, new)]
            if changes and not running.draining:
                await self._take_over(new)
                log.info("backends found", changes=changes, problems=merged.problems)

    def _heard(self) -> None:
        if not self._adopting:
            self._adopting = True
            self._soon(self._adopt())

    def _soon(self, work: Coroutine[Any, Any, Outcome | None]) -> None:
        task = self._loop.create_task(work, name="reload")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self) -> None:
        # In the thread of the watch.
        self._loop.call_soon_threadsafe(self.request, "a file has changed")

    def _read_files(self) -> Loaded:
        before = self._watch.reading()
        try:
            loaded = self._read()
        except SettingsError as error:
            self._watch.follow(error.files, before)
            raise
        self._watch.follow(loaded.files, before)
        return loaded

    def _judge(self, loaded: Loaded) -> tuple[Settings, Backends, Outcome]:
        """Return the settings that would be in force, the own backends, and what that comes to."""
        old, new = self._running.settings, loaded.settings
        if not (new.backends or new.discovery.sources) and self._found:
            new = msgspec.structs.replace(new, backends=self._own)
        own = new.backends
        if not (own or new.discovery.sources):
            # A file that was cut short is in order too, and would take every backend away.
            why = "backends: none is left; engines on this machine are looked for at the start only"
            return old, own, Outcome(result=Result.FAILED, problems=(why,))
        new = msgspec.structs.replace(new, backends=self.sources.together(new).backends)
        changes = tuple(between(old, new))
        new = with_fixed(old, new)
        if any(change.restart for change in changes):
            # It was checked with the addresses that hold after a restart.
            broken = [*rules.broken(rules.Scene(new, loaded.origins, frozenset()))]
            if broken:
                return old, own, Outcome(result=Result.FAILED, problems=tuple(map(str, broken)))
        live = any(not change.restart for change in changes)
        result = Result.APPLIED if live else Result.UNCHANGED
        return new, own, Outcome(result=result, changes=changes)

    async def _take_over(self, settings: Settings) -> None:
        running = self._running
        joined = running.join(settings)
        staying = {(one.name, one.url) for one in settings.backends}
        if any((one.name, one.url) not in staying for one in running.settings.backends):
            await checked(joined, WARM)
        running.settle(settings)

    def _refused(self, cause: str, problems: Sequence[str]) -> Outcome:
        self._counts.failed()
        log.error("settings not reloaded, those of before stay", cause=cause, problems=problems)
        return Outcome(result=Result.FAILED, problems=tuple(problems))

    def _tell(self, cause: str, outcome: Outcome) -> None:
        pending = [change.path for change in outcome.changes if change.restart]
        self._counts.took(outcome.result, pending)
        live = [str(change) for change in outcome.changes if not change.restart]
        if live:
            log.info("settings reloaded", cause=cause, changes=live)
        else:
            log.info("settings read again: nothing to change", cause=cause)
        if pending:
            log.warning("settings wait: this needs a restart", keys=pending)
