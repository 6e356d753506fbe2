"""Where this process writes: its log to standard error, access lines to standard output."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import msgspec

from proxy.settings.schema import Settings
from proxy.telemetry import logs
from proxy.telemetry.logs import Render
from proxy.telemetry.sink import Sink


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """The two ways out. `access` renders access lines for people; None = they are JSON."""

    out: Sink
    err: Sink
    access: Render | None


class Straight:
    """Writes at once: for a process that has nothing to keep waiting, and no thread."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, block: bytes, /) -> None:
        """Write whole lines; what cannot be written is given up."""
        try:
            os.write(self._descriptor, block)
        except OSError:
            return


@contextmanager
def written(settings: Settings, **about: object) -> Iterator[Lines]:
    """Log as the settings have it while the block runs; all is written when it has ended.

    `about` stands in every line of the log.
    """
    out, err = Sink(sys.stdout.fileno()), Sink(sys.stderr.fileno())
    level = settings.log.level.value
    logs.configure(err, level=level, render=_renderer(settings, sys.stderr), about=about)
    try:
        yield Lines(out=out, err=err, access=_text(settings, sys.stdout))
    finally:
        out.close()
        err.close()


def straight(settings: Settings) -> None:
    """Log as the settings have it, without a thread."""
    writer = Straight(sys.stderr.fileno())
    logs.configure(writer, level=settings.log.level.value, render=_renderer(settings, sys.stderr))


def _renderer(settings: Settings, way: TextIO) -> Render:
    return _text(settings, way) or logs.render_json


def _text(settings: Settings, way: TextIO) -> Render | None:
    terminal = way.isatty()
    if not settings.log.format.for_people(terminal=terminal):
        return None
    return logs.console_renderer(colors=terminal)
