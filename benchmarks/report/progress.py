"""What a person sees while a run goes on: one line that says where it is and what it knows so far.

On a terminal the line is redrawn in place and what is worth keeping is printed above it. Elsewhere
it is printed anew every `EVERY_S` seconds, so that a log shows that something goes on. All of it
goes to standard error: standard output belongs to the result.

It is drawn while load runs, by the process that makes the load. So it is a plain write of some 30
us when something new is told, no animation: a thread that renders a line ten times a second holds
the interpreter for more than a millisecond each time, and requests due then leave late.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from benchmarks.report.amounts import duration, unit
from benchmarks.report.figures import figure

EVERY_S: Final = 10.0
REDRAWN_S: Final = 0.1
_BAR: Final = 18
_CLEAR: Final = "\r\x1b[K"


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a running interval holds: the median so far, and half its width (None: too few yet)."""

    figure: str
    arm: str = ""
    added: float
    half: float | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run is. `done` and `total` count whatever the command counts: blocks, requests."""

    done: int
    total: int
    doing: str = ""
    """What runs now: an arm, a probe."""
    known: tuple[Estimate, ...] = ()
    rejected: int = 0
    left_s: float | None = None


def estimate_text(one: Estimate) -> str:
    """Return an estimate as words: `headrace each token p50 +0.18 +-0.03 ms`."""
    meant = figure(one.figure)
    shown = unit(meant, [one.added, one.half])
    added = shown.number(one.added, signed=True)
    spread = f" +-{shown.number(one.half)}" if one.half is not None else ""
    words = [one.arm, meant.label, f"{added}{spread}", shown.symbol]
    return " ".join(word for word in words if word)


def step_text(step: Step) -> str:
    """Return a step as one line, what a narrow terminal may cut off last."""
    left = f"~{duration(max(0.0, step.left_s))} left" if step.left_s is not None else ""
    rejected = f"{step.rejected} rejected" if step.rejected else ""
    parts = [step.doing, left, rejected, *(estimate_text(one) for one in step.known[:2])]
    return ", ".join(part for part in parts if part)


def bar(done: int, total: int) -> str:
    """Return how far a run is as a bar and a fraction."""
    full = min(_BAR, _BAR * done // max(1, total))
    return f"{'#' * full:.<{_BAR}} {done:,}/{total:,}"


class Watch:
    """The live line. Use it as a context; `quiet` draws and says nothing at all."""

    __slots__ = ("_clock", "_drawn_at", "_file", "_live", "_quiet", "_shown", "_told")

    def __init__(
        self,
        *,
        quiet: bool = False,
        file: IO[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._told = clock()
        self._drawn_at = -REDRAWN_S
        self._file = file if file is not None else sys.stderr
        self._quiet = quiet
        self._live = not quiet and self._file.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write(self._wipe())

    def show(self, step: Step) -> None:
        """Redraw the line, or print it if the last one is `EVERY_S` old."""
        now = self._clock()
        if not self._live:
            if now - self._told >= EVERY_S:
                self.say(f"{step.done:,}/{step.total:,} {step_text(step)}".rstrip())
        elif now - self._drawn_at >= REDRAWN_S:
            room = shutil.get_terminal_size().columns - 1
            self._write(_CLEAR + f"{bar(step.done, step.total)} {step_text(step)}"[:room])
            self._shown, self._drawn_at = True, now

    def say(self, words: str) -> None:
        """Print a line that stays: a rejected block, a phase that began."""
        self._told = self._clock()
        if not self._quiet:
            self._write(f"{self._wipe()}{words}\n")

    def _wipe(self) -> str:
        shown, self._shown = self._shown, False
        return _CLEAR if shown else ""

    def _write(self, text: str) -> None:
        if text:
            self._file.write(text)
            self._file.flush()
