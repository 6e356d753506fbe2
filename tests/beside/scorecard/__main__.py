"""`make scorecard`: figures of reliability that no other command measures, each with its bar.

    python -m tests.beside.scorecard [NAME]... [--soak SECONDS]

Everything runs on this machine, engines are simulated, and each figure has processes of its own,
one after the other. Prints Markdown; the exit code is 1 if a bar is missed.
"""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Sequence

import uvloop

from benchmarks.client.drive import allow_files
from benchmarks.driver.procs import NotReadyError
from benchmarks.measure import host
from tests.beside.scorecard import (
    amplified,
    burst,
    dying,
    idle,
    readers,
    scaling,
    slow_gpu,
    soak,
    stale,
    stalls,
    tenants,
    workers,
)
from tests.beside.scorecard.row import Measure, Row, line

FIGURES: dict[str, Measure] = {
    "dying": dying.measure,
    "stale": stale.measure,
    "amplified": amplified.measure,
    "slow-gpu": slow_gpu.measure,
    "tenants": tenants.measure,
    "readers": readers.measure,
    "idle": idle.measure,
    "burst": burst.measure,
    "stalls": stalls.measure,
    "workers": workers.measure,
    "scaling": scaling.measure,
}
HEAD = "| figure | target | measured | | how |\n|---|---|---|---|---|"


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scorecard", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)}")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="only a soak of this length")
    return parser.parse_args(words)


def told(name: str, measure: Measure) -> list[Row]:
    """Measure one figure on a loop of its own; what cannot be measured says why."""
    print(f"{name} ...", file=sys.stderr, end=" ", flush=True)
    began = time.monotonic()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows = runner.run(measure())
    except (NotReadyError, OSError, TimeoutError) as error:
        rows = [Row(figure=name, target="-", measured=f"could not be measured: {error!r}")]
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Measure what is asked for and print it."""
    asked = arguments(words)
    allow_files()
    gc.freeze()
    stolen = host.stolen()
    print(", ".join(f"{name} {value}" for name, value in host.facts().items()))
    print(f"\n{HEAD}", flush=True)
    missed = False
    figures = {name: FIGURES[name] for name in asked.names or FIGURES}
    if asked.soak:
        figures = {"soak": lambda: soak.soak(asked.soak)}
    for name, measure in figures.items():
        how = f"make soak SECONDS={asked.soak:.0f}" if asked.soak else f"make scorecard ARGS={name}"
        for row in told(name, measure):
            print(line(row, how), flush=True)
            missed = missed or row.met is False
    print(f"\nStolen by the hypervisor meanwhile: {host.stolen() - stolen:.1f} s.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
