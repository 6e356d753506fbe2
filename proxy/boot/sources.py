"""The sources of backends while they run: asked for ever, their findings kept, each on its own.

A source whose settings change keeps what it has found until it has found anew, so that no engine
is let go meanwhile. One that ends by an error is begun again; what it has found stays.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from proxy.discovery.finding import Finding
from proxy.discovery.merging import Merged, merged
from proxy.discovery.pauses import Pauses
from proxy.discovery.reflector import Timing, Trouble
from proxy.settings.discovery import Discovery, DnsSource, KubernetesSource
from proxy.settings.schema import Settings
from proxy.telemetry.sources import SourceState

log = structlog.get_logger()

Source = DnsSource | KubernetesSource
Follow = Callable[[Source, Callable[[Finding], None]], Awaitable[None]]
_OURS: Final = "it has failed by a fault of headrace itself: see the log; it is begun again"


class _Followed:
    """One source, the task that asks it, and what it has found; `heard`: it has said something."""

    __slots__ = ("failures", "finding", "heard", "source", "task")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.finding = Finding()
        self.heard = False
        self.failures = 0
        self.task: asyncio.Task[None] | None = None


class Sources:
    """Follows what `adopt` names. `told` is called whenever what has been found has changed."""

    __slots__ = ("_follow", "_followed", "_told")

    def __init__(self, told: Callable[[], None], follow: Follow | None = None) -> None:
        self._told = told
        self._follow = follow or _follow
        self._followed: dict[str, _Followed] = {}

    def adopt(self, discovery: Discovery) -> None:
        """Follow these sources from now on, and no others."""
        wanted = {source.title: source for source in discovery.sources}
        for title in self._followed.keys() - wanted.keys():
            _cancel(self._followed.pop(title))
        for title, source in wanted.items():
            followed = self._followed.setdefault(title, _Followed(source))
            if followed.task is not None and followed.source == source:
                continue
            _cancel(followed)
            followed.source = source
            loop = asyncio.get_running_loop()
            followed.task = loop.create_task(self._run(followed), name=title)

    def stop(self) -> None:
        """End all."""
        for followed in self._followed.values():
            _cancel(followed)

    def together(self, settings: Settings) -> Merged:
        """Return the backends of `settings` and those that its sources have found."""
        followed = self._followed
        found = [
            (source.title, followed[source.title].finding.backends)
            for source in settings.discovery.sources
            if source.title in followed
        ]
        ours = (settings.listen, settings.admin)
        return merged(settings.backends, found, ours, settings.engines)

    def states(self) -> Sequence[SourceState]:
        """Return what becomes of each."""
        return [_state(title, one) for title, one in self._followed.items()]

    def silent(self) -> list[str]:
        """Return those that have not said anything yet: which engines there are is open."""
        return [title for title, one in self._followed.items() if not one.heard]

    async def _run(self, followed: _Followed) -> None:
        pauses = Pauses(random.random)
        while True:
            try:
                await self._follow(followed.source, lambda finding: self._heard(followed, finding))
            except Trouble as trouble:
                self._failed(followed, trouble.words)
            except Exception:  # a fault of one source must not end the others, or go unseen
                log.exception("discovery failed", source=followed.source.title)
                self._failed(followed, _OURS)
            await asyncio.sleep(pauses.next())

    def _failed(self, followed: _Followed, problem: str) -> None:
        lost = msgspec.structs.replace(followed.finding, problems=(problem,), current=False)
        self._heard(followed, lost)

    def _heard(self, followed: _Followed, finding: Finding) -> None:
        title, before, first = followed.source.title, followed.finding, not followed.heard
        followed.finding = finding
        followed.heard = followed.heard or finding.current
        if before.current and not finding.current:
            followed.failures += 1
        for problem in finding.problems:
            if problem not in before.problems:
                log.warning("discovery", source=title, problem=problem)
        if before.problems and not finding.problems:
            log.info("discovery: all is well again", source=title)
        if before.backends != finding.backends or (first and followed.heard):
            self._told()


def _state(title: str, one: _Followed) -> SourceState:
    return SourceState(
        name=title,
        heard=one.heard,
        current=one.heard and one.finding.current,
        backends=len(one.finding.backends),
        failures=one.failures,
        problems=one.finding.problems,
    )


def _cancel(followed: _Followed) -> None:
    if followed.task is not None:
        followed.task.cancel()


async def _follow(source: Source, told: Callable[[Finding], None]) -> None:
    """Follow a source by the module of its kind: its library is loaded only now, in a thread."""
    if isinstance(source, DnsSource):
        await (await asyncio.to_thread(_names))(source, told)
    else:
        loop = asyncio.get_running_loop()
        timing = Timing(resync=source.resync, random=random.random, now=loop.time)
        await (await asyncio.to_thread(_kubernetes))(source, timing, told)


def _names() -> Callable[[DnsSource, Callable[[Finding], None]], Awaitable[None]]:
    from proxy.discovery import names  # noqa: PLC0415 - 9 MB that only this kind of source needs

    return names.follow


def _kubernetes() -> Callable[
    [KubernetesSource, Timing, Callable[[Finding], None]], Awaitable[None]
]:
    from proxy.discovery import kubernetes  # noqa: PLC0415 - 4 MB that only this kind needs

    return kubernetes.follow
