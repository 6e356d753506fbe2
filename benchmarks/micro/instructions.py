"""Instructions of a request and of a chunk through headrace, free of the machine's noise.

    python -m benchmarks.micro.instructions [--keys] [--json FILE] [--against FILE]

The calls of bench_call (with `--keys` the plain ones of bench_keys), counted by callgrind instead
of timed: transports are fakes, so the figure
is Python, the parsers and our code, without the kernel. `--against` compares with a file that
`--json` wrote before: exit code 3 if a figure has grown by more than the tolerance in that file.
Counts of different interpreters or libraries cannot be compared; then it says so and judges
nothing. Exit code 4 if nothing could be counted.
"""

import argparse
import asyncio
import gc
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.micro import bench_call, bench_keys
from benchmarks.micro.bench_call import Case
from benchmarks.micro.callgrind import CallgrindError, mark, stretches

# What the counts depend on besides our own code.
_LIBRARIES: Final = ("aiohttp", "httptools", "msgspec", "orjson", "multidict", "yarl")
WARM: Final = 200  # the interpreter has specialised its bytecode after some dozens of runs
ROUNDS: Final = 5
TIMES: Final = 50
# Between runs of unchanged code the figures move by 0.1 %: hashes of addresses, digits of clocks.
TOLERANCE: Final = 0.01
INSIDE: Final = "--inside"
KEYS: Final = "--keys"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Instructions of each case, and what they were counted with."""

    schema: int = 1
    made_with: dict[str, str]
    tolerance: float = TOLERANCE
    instructions: dict[str, int]


def main(words: Sequence[str] | None = None) -> int:
    """Count, print, save and compare as `words` ask; return the exit code."""
    ask = _parser().parse_args(words)
    if ask.inside:
        asyncio.run(_inside(keys=ask.keys))
        return 0
    try:
        before = _read(ask.against) if ask.against else None
        found = count(keys=ask.keys)
    except (CallgrindError, OSError, msgspec.MsgspecError) as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 4
    print(table(found, before))
    if ask.json:
        ask.json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    return 3 if before is not None and grown(before, found) else 0


def count(*, keys: bool = False) -> Counts:
    """Run the cases under callgrind. About half a minute, most of it imports."""
    names = ["nothing", *(case.name for case in asyncio.run(_cases(keys=keys)))]
    words = [sys.executable, "-m", "benchmarks.micro.instructions", INSIDE]
    seen = stretches([*words, KEYS] if keys else words)
    # Each case has a stretch of making and warming before its rounds.
    per = ROUNDS + 1
    if len(seen) != len(names) * per - 1:
        raise CallgrindError(f"callgrind saw {len(seen)} stretches, not {len(names) * per - 1}")
    least = [min(seen[at : at + ROUNDS]) / TIMES for at in range(0, len(seen), per)]
    figures = {
        name: round(value - least[0]) for name, value in zip(names[1:], least[1:], strict=True)
    }
    return Counts(made_with=_made_with(), instructions=figures)


def grown(before: Counts, after: Counts) -> list[str]:
    """Return the cases that take more than the tolerance more than `before`; none if unlike."""
    if before.made_with != after.made_with:
        return []
    return [
        name
        for name, value in after.instructions.items()
        if value > before.instructions.get(name, value) * (1 + before.tolerance)
    ]


def table(found: Counts, before: Counts | None) -> str:
    """Return the figures a line each, with the change if there is something to compare with."""
    lines = [f"{'instructions':28}{'each':>10}"]
    unlike = before is not None and before.made_with != found.made_with
    worse = grown(before, found) if before else []
    for name, value in found.instructions.items():
        line = f"{name:28}{value:10,}"
        if before and not unlike and name in before.instructions:
            line += f"  {value / before.instructions[name] - 1:+7.2%}"
            line += "  grown" if name in worse else ""
        lines.append(line)
    if unlike and before:
        lines.append(f"not compared: counted with {_differences(before, found)}")
    elif before:
        lines.append(f"tolerance {before.tolerance:.0%}; {len(worse)} grown beyond it")
    return "\n".join(lines)


def _read(path: Path) -> Counts:
    return msgspec.json.decode(path.read_bytes(), type=Counts)


def _differences(before: Counts, after: Counts) -> str:
    return ", ".join(
        f"{name} {after.made_with.get(name)} (before: {before.made_with.get(name)})"
        for name in sorted({*before.made_with, *after.made_with})
        if before.made_with.get(name) != after.made_with.get(name)
    )


def _made_with() -> dict[str, str]:
    return {
        "python": f"{platform.python_version()} {platform.python_compiler()}",
        "machine": platform.machine(),
        **{name: version(name) for name in _LIBRARIES},
    }


async def _cases(*, keys: bool) -> list[Case]:
    return bench_keys.cases() if keys else bench_call.cases()


async def _inside(*, keys: bool) -> None:
    """Do every case between marks. This runs under callgrind."""
    every = [Case(name="nothing", act=lambda: None), *await _cases(keys=keys)]
    for case in every:
        act = case.act
        for _ in range(WARM):
            act()
        settle()
        mark()
        for _ in range(ROUNDS):
            for _ in range(TIMES):
                act()
            mark()
        await asyncio.sleep(0)


def settle() -> None:
    """Set the collector as the proxy does: what exists is left alone, and rounds are rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.instructions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the counts")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare; 3 if grown")
    parser.add_argument(KEYS, action="store_true", help="count what API keys add instead")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
