"""`make bench`: what a request and a chunk cost through headrace, beside nginx and Envoy.

Three pairs of simulated engines run at once: one answers as fast as it can, one gives 50 tokens a
second, one 200. Each proxy runs once in front of each pair. A round takes every block through every
arm before the next block begins, and every round begins with another arm. The client is this
process; engines and proxies are processes of their own.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import uvloop

from benchmarks.driver import arms, blocks, cold, engines
from benchmarks.driver.procs import NotReadyError
from benchmarks.driver.workload import chat, prompt
from benchmarks.measure import host
from benchmarks.report.result import Result
from benchmarks.report.text import price_report

MEASURED, INVALID = 0, 4
COLD_STARTS = 3
HELD_STREAMS = 500


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of engines of one pace, and what is measured in front of them."""

    pace: engines.Pace
    blocks: tuple[blocks.Requests | blocks.Streams, ...]


SCENES = (
    Scene(
        pace=engines.Pace(name="instant", step=0.0),
        blocks=(
            blocks.Requests(key="small", connections=16, requests=4000, prompt=100, tokens=12),
            blocks.Requests(key="one", connections=1, requests=1000, prompt=100, tokens=12),
            blocks.Requests(key="large", connections=8, requests=600, prompt=100_000, tokens=12),
        ),
    ),
    Scene(
        pace=engines.Pace(name="paced", step=0.02),
        blocks=(
            blocks.Streams(key="chunk", streams=60, chunks=60),
            blocks.Streams(key="crowd", streams=100, chunks=40),
            blocks.Streams(key="solo", streams=1, chunks=60),
        ),
    ),
    Scene(
        pace=engines.Pace(name="fast", step=0.005),
        blocks=(blocks.Streams(key="fast", streams=60, chunks=160),),
    ),
)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A scene with its processes running."""

    scene: Scene
    arms: tuple[arms.Arm, ...]


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks price", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--arms", default="nginx,envoy,headrace", help="which of these to run")
    parser.add_argument("--arm", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument(
        "--subject", default=arms.HEADRACE, help="the arm the bars are held against"
    )
    parser.add_argument("--engines", type=int, default=2, help="simulated engines behind each arm")
    parser.add_argument(
        "--settle", type=float, default=0.25, help="seconds after a block that still count"
    )
    parser.add_argument("--no-cold", action="store_true", help="leave out start and memory")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(words)


async def raise_stages(
    found: arms.Found, count: int, stack: ExitStack, folder: Path
) -> list[Stage]:
    """Start the engines and the arms of every scene. Raises NotReadyError."""
    stages = []
    for scene in SCENES:
        ports = await engines.start(scene.pace, count, stack, folder)
        running = [arms.Arm(name=arms.DIRECT, ports=tuple(ports))]
        running += [
            await arms.start(plan, ports, cold.greeting, stack, folder) for plan in found.plans
        ]
        stages.append(Stage(scene=scene, arms=tuple(running)))
    return stages


async def one_block(
    arm: arms.Arm, block: blocks.Requests | blocks.Streams, result: Result, settle: float
) -> blocks.Values:
    """Measure one block. Raises BlockFailedError."""
    text, port = prompt(block.prompt), arm.ports[0]
    if isinstance(block, blocks.Requests):
        request = chat(port, text, tokens=block.tokens)
        return blocks.values(await blocks.plain(arm, block, lambda _: request, settle))
    long = chat(port, text, tokens=block.chunks, stream=True)
    short = chat(port, text, tokens=3, stream=True)
    window = await blocks.streamed(
        arm, block, (lambda _: short, lambda _: long), settle, engines.STAMP
    )
    return blocks.values(window, result.of("small.cpu", arm.name)[-1])


async def one_round(stages: Sequence[Stage], turn: int, result: Result, settle: float) -> None:
    """Take every block through every arm, beginning with another arm each round."""
    for stage in stages:
        order = [stage.arms[(turn + k) % len(stage.arms)] for k in range(len(stage.arms))]
        for block in stage.scene.blocks:
            for arm in order:
                values: blocks.Values = {}
                try:
                    values = await one_block(arm, block, result, settle)
                except (blocks.BlockFailedError, OSError) as error:
                    result.notes.append(f"round {turn + 1}: {error}")
                for figure in blocks.FIGURES:  # a failed block too: rounds stay aligned
                    result.record(f"{block.key}.{figure}", arm.name, [values.get(figure)])


async def cold_rows(found: arms.Found, count: int, result: Result, folder: Path) -> None:
    """Measure start and memory of every arm, `COLD_STARTS` times in rotation."""
    with ExitStack() as stack:
        ports = list(await engines.start(SCENES[0].pace, count, stack, folder))
        for _ in range(COLD_STARTS):
            for plan in found.plans:
                try:
                    seen = await cold.cold(plan, ports, folder, streams=HELD_STREAMS)
                except (NotReadyError, OSError) as error:
                    result.notes.append(f"{plan.name}: {error}")
                    continue
                result.record("start.s", plan.name, [seen.first_answer_s])
                result.record("idle.rss", plan.name, [seen.idle_kib / 1000 * 1.024])
                result.record("stream.rss", plan.name, [seen.stream_kib])


async def run(options: argparse.Namespace, folder: Path) -> Result:
    """Measure everything. Raises NotReadyError if an arm does not come up."""
    stolen = host.stolen()
    extras = [arms.from_words(spec) for spec in options.arm]
    found = arms.find(options.arms.split(","), extras)
    result = Result(facts=host.facts(), notes=[f"left out: {why}" for why in found.skipped])
    result.arms = [arms.DIRECT, *(plan.name for plan in found.plans)]
    if not options.no_cold:
        say("start and memory")
        await cold_rows(found, options.engines, result, folder)
    with ExitStack() as stack:
        stages = await raise_stages(found, options.engines, stack, folder)
        for turn in range(options.rounds):
            say(f"round {turn + 1} of {options.rounds}")
            await one_round(stages, turn, result, options.settle)
    result.facts["load after"] = host.facts()["load"]
    result.facts["stolen by the hypervisor"] = f"{host.stolen() - stolen:.1f} s"
    return result


def say(line: str) -> None:
    """Show progress beside the report."""
    print(line, file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the report, return the exit code: 0 measured, 4 could not."""
    options = arguments(words)
    if not host.supported():
        say("cannot measure: this kernel does not publish /proc/PID/schedstat")
        return INVALID
    with tempfile.TemporaryDirectory(prefix="relay-price-") as folder:
        try:
            result = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(
                run(options, Path(folder))
            )
        except (NotReadyError, ValueError) as error:
            say(f"cannot measure: {error}")
            return INVALID
    if options.json is not None:
        options.json.write_bytes(result.encoded())
    print(price_report(result, options.subject))
    return MEASURED if any(result.of("small.cpu", options.subject)) else INVALID


if __name__ == "__main__":
    sys.exit(main())
