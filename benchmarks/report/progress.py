"""What a person sees while a run goes on: one line that says where it is and what it knows so far.

On a terminal the line is redrawn in place and what is worth keeping is printed above it. Elsewhere
it is printed anew every `EVERY_S` seconds, so that a log shows that something goes on. All of it
goes to standard error: standard output belongs to the result.
"""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, Final, Self

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from benchmarks.report.amounts import duration, unit
from benchmarks.report.figures import figure

EVERY_S: Final = 10.0


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
    """Return a step as one line."""
    parts = [step.doing, *(estimate_text(one) for one in step.known[:2])]
    if step.rejected:
        parts.append(f"{step.rejected} rejected")
    if step.left_s is not None:
        parts.append(f"~{duration(max(0.0, step.left_s))} left")
    return ", ".join(part for part in parts if part)


class Watch:
    """The live line. Use it as a context; `quiet` draws and says nothing at all."""

    __slots__ = ("_bar", "_clock", "_console", "_drawn", "_live", "_quiet", "_told")

    def __init__(
        self,
        *,
        quiet: bool = False,
        file: IO[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._told = clock()
        self._console = Console(file=file if file is not None else sys.stderr, highlight=False)
        self._quiet = quiet
        self._drawn = self._console.is_terminal and not quiet
        self._live = Progress(
            SpinnerColumn("line"),
            BarColumn(bar_width=18),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
            disable=not self._drawn,
        )
        self._bar = self._live.add_task("", total=1, visible=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, step: Step) -> None:
        """Redraw the line, or print it if the last one is `EVERY_S` old."""
        if not self._drawn and self._clock() - self._told >= EVERY_S:
            self.say(f"{step.done:,}/{step.total:,} {step_text(step)}".rstrip())
        if self._drawn:
            self._live.update(
                self._bar,
                completed=step.done,
                total=step.total,
                description=step_text(step),
                visible=True,
            )

    def say(self, words: str) -> None:
        """Print a line that stays: a rejected block, a phase that began."""
        self._told = self._clock()
        if not self._quiet:
            self._console.print(words, markup=False, soft_wrap=True)
