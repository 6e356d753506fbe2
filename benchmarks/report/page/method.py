"""How a run measured, in words a reader can hold against it."""

from typing import Final

from benchmarks.report.compose import scope
from benchmarks.report.effects import AGAIN, DELAY, FLOOR, PROXY, arms_of
from benchmarks.report.record import Record

PAIRED: Final = (
    "A round sends one schedule, drawn once, through every arm in random order: request 17 is the "
    "same request everywhere. Differences are taken inside a round, between blocks seconds apart; "
    "the figure is their median, and its 95 % interval comes from 10,000 bootstrap resamples of "
    "the rounds (with bias correction from 20 rounds on)."
)
CLOCK: Final = (
    "All times are CLOCK_MONOTONIC. Latency counts from the intended time of a request, so a "
    "client that falls behind hides nothing; how late it sent is reported, and a late client makes "
    "the run invalid instead of the proxy slow."
)
STAMPS: Final = (
    "Where the engine stamps what it takes and writes, its own time is taken out: the first token "
    '"non-backend" is the way there and the way back, and each token counts from the engine\'s '
    "write to the client's read."
)
ROLES: Final = {
    AGAIN: "Direct is measured a second time as if it were a proxy (A/A). What that shows is "
    "chance, and a difference not larger than it is called below the resolution.",
    FLOOR: "The floor is a plain TCP relay: what two more socket hops cost on this machine, "
    "whatever runs in them.",
    DELAY: "A relay with a known delay is the positive control: the run must find it again.",
}
CPU: Final = (
    "CPU is the sum of the kernel's per-thread run times over the proxy's process tree, the work "
    "for its system calls included; CPU per request and per 1,000 tokens each hold all of it."
)
REJECTED: Final = (
    "A block is thrown away and measured again if the client or the engines had to wait for a CPU, "
    "whoever won it; the count stands above."
)


def method(record: Record) -> list[str]:
    """Return the paragraphs that apply to this run."""
    told = []
    size = scope(record)
    first = record.workload.rstrip(".")
    told.append(". ".join(part for part in (first, size) if part) + "." if first or size else "")
    if arms_of(record, PROXY) and record.effects:
        told.append(PAIRED)
    told += [CLOCK, STAMPS]
    told += [words for role, words in ROLES.items() if arms_of(record, role)]
    if arms_of(record, PROXY):
        told.append(CPU)
    if record.blocks:
        told.append(REJECTED)
    return [one for one in told if one]
