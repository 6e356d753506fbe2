"""Which CPU does what: the subject on one, the instrument on the others.

Else the client takes CPU time from the proxy it times, in some blocks and not in others. Only
processes this program started are pinned, and this program itself while it measures.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from benchmarks.measure.host import PROC, tree


class Pins(msgspec.Struct, frozen=True, kw_only=True):
    """CPUs by part; empty sets leave everything to the scheduler."""

    subject: frozenset[int] = frozenset()
    client: frozenset[int] = frozenset()
    engines: frozenset[int] = frozenset()

    @property
    def shared(self) -> bool:
        """Whether client and engines wait for each other's CPU."""
        return not self.client or bool(self.client & self.engines)

    def words(self) -> str:
        """Say it for the report."""
        if not self.client:
            return "nothing pinned"
        told = [
            f"{name} on CPU {', '.join(map(str, sorted(cpus)))}"
            for name, cpus in (
                ("proxies", self.subject),
                ("client", self.client),
                ("engines", self.engines),
            )
        ]
        return "; ".join(told)


def plan(cpus: Sequence[int], *, subjects: int = 1) -> Pins:
    """Divide `cpus`: `subjects` for the proxy, one for the client, the rest for the engines.

    With two CPUs client and engines share one; with one nothing is pinned.
    """
    known = sorted(cpus)
    if len(known) < 2:
        return Pins()
    mine = min(max(1, subjects), len(known) - 1)
    rest = known[mine:]
    return Pins(
        subject=frozenset(known[:mine]),
        client=frozenset(rest[:1]),
        engines=frozenset(rest[1:] or rest),
    )


def of_words(word: str) -> Pins:
    """Read `--pin`: auto or off. Raises ValueError with a sentence for another word."""
    if word == "off":
        return Pins()
    if word != "auto":
        message = f"--pin takes auto or off, not {word!r}"
        raise ValueError(message)
    return plan(sorted(os.sched_getaffinity(0)))


def pin(pids: Iterable[int], cpus: frozenset[int]) -> None:
    """Keep all threads of `pids` and their descendants on `cpus`; nothing if there are none."""
    if not cpus:
        return
    for root in pids:
        for pid in tree(root):
            for thread in (PROC / str(pid) / "task").glob("*"):
                try:
                    os.sched_setaffinity(int(thread.name), cpus)
                except ProcessLookupError:
                    continue


@contextmanager
def pinned_here(cpus: frozenset[int]) -> Iterator[None]:
    """Keep this thread on `cpus` inside the block."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
