"""Who knows the backends: the process that checks them, or one that is told."""

from collections.abc import Callable, Iterable
from typing import Protocol

from proxy.core.backend import Backend
from proxy.dialects.base import Engine


class Knowing(Protocol):
    """Keeps kind, readiness and models of backends known (`discovery.prober.Prober`)."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End."""
        ...

    def add(self, backend: Backend) -> None:
        """Take one more on."""
        ...

    def remove(self, backend: Backend) -> None:
        """Let one go."""
        ...

    def know(self, engines: Iterable[Engine]) -> None:
        """Take other engine kinds for true."""
        ...

    def pin(self, backend: Backend, kind: str) -> None:
        """Take a kind for the backend's, or find it out anew if it is empty."""
        ...

    def wake(self, backend: Backend) -> None:
        """Check at once: a request failed there."""
        ...

    def reread(self, backend: Backend) -> None:
        """Read its models soon: it has denied to have one."""
        ...


class Told:
    """A `Knowing` that finds nothing out: it passes on what has been noticed here."""

    __slots__ = ("reread", "wake")

    def __init__(self, wake: Callable[[Backend], None], reread: Callable[[Backend], None]) -> None:
        self.wake = wake
        self.reread = reread

    def start(self) -> None:
        """Do nothing: what is known comes by itself."""

    async def stop(self) -> None:
        """Do nothing."""

    def add(self, backend: Backend) -> None:
        """Do nothing."""

    def remove(self, backend: Backend) -> None:
        """Do nothing."""

    def know(self, engines: Iterable[Engine]) -> None:
        """Do nothing."""

    def pin(self, backend: Backend, kind: str) -> None:
        """Do nothing."""
