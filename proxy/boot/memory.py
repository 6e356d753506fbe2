"""Refuse new requests before the memory of the container is used up.

The kernel kills a process in a cgroup that has used up its memory, and with it every stream. What
it counts includes pages of files that it would give up first; those are taken off, as Kubernetes
does. Where there is no limit there is nothing to look at, and this does nothing.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from proxy.core.pressure import short
from proxy.edge.server import Edge
from proxy.flow.shedding import Shedding

SPACING: Final = 1.0  # seconds between two looks
_MOST: Final = 1 << 60  # bytes; what version 1 calls no limit is more
_VERSIONS: Final = (  # limit, use, and the pages of files in the statistics
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)

log = structlog.get_logger()


class Cgroup:
    """The memory of a cgroup: a folder of the kernel's, of version 2 or 1."""

    __slots__ = ("_folder", "_names", "limit")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = _VERSIONS[0]
        self.limit: int | None = None
        for names in _VERSIONS:
            text = _read(folder / names[0])
            if text.isdigit() and int(text) < _MOST:
                self._names, self.limit = names, int(text)

    def used(self) -> int:
        """Return the bytes in use; it reads two files."""
        _, current, inactive = self._names
        text = _read(self._folder / current)
        if not text.isdigit():
            return 0
        for line in _read(self._folder / "memory.stat").splitlines():
            name, _, value = line.partition(" ")
            if name == inactive:
                return max(0, int(text) - int(value))
        return int(text)


def own(root: Path = Path("/sys/fs/cgroup"), process: Path = Path("/proc/self/cgroup")) -> Cgroup:
    """Return the cgroup of this process. A container sees its own as the root."""
    for line in _read(process).splitlines():
        _, controllers, path = line.split(":", 2)
        below = path.lstrip("/")
        if controllers == "memory":
            found = Cgroup(root / "memory" / below)
        elif not controllers:
            found = Cgroup(root / below)
        else:
            continue
        if found.limit is not None:
            return found
    inside = Cgroup(root)
    return inside if inside.limit is not None else Cgroup(root / "memory")


class Shelter:
    """Lets the edge refuse calls while memory is short. `look` as often as you like.

    `find` reads files, so it is called in a thread, at the first look.
    """

    __slots__ = ("_before", "_edge", "_find", "_next", "_now", "_task", "cgroup")

    def __init__(
        self, edge: Edge, now: Callable[[], float], find: Callable[[], Cgroup] = own
    ) -> None:
        self._edge = edge
        self._find = find
        self.cgroup: Cgroup | None = None
        self._now = now
        self._before = edge.intake
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def shedding(self) -> bool:
        """Tell whether calls are refused."""
        return isinstance(self._edge.intake, Shedding)

    def look(self) -> None:
        """Have the memory looked at, in a thread: the kernel may take its time."""
        now = self._now()
        if now < self._next or (self.cgroup is not None and self.cgroup.limit is None):
            return
        if self._task is None or self._task.done():
            self._next = now + SPACING
            self._task = asyncio.get_running_loop().create_task(self._look(), name="memory")

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _look(self) -> None:
        if self.cgroup is None:
            self.cgroup = await asyncio.to_thread(self._find)
        limit = self.cgroup.limit
        if limit is not None:
            self._judge(await asyncio.to_thread(self.cgroup.used), limit)

    def _judge(self, used: int, limit: int) -> None:
        """Refuse calls from now on, or take them again."""
        before = self.shedding
        tight = short(used, limit, before=before)
        if tight == before:
            return
        edge = self._edge
        if tight:
            self._before, edge.intake = edge.intake, Shedding(edge.course, "memory")
            log.warning("short of memory: new requests are refused", used=used, limit=limit)
        else:
            edge.intake = self._before
            log.info("memory is no longer short", used=used, limit=limit)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
