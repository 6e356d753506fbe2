"""The stage of a run: engines, proxies and relays, started or found, each an arm with its lane.

What is started here listens on 127.0.0.1 and ends with the exit stacks. What a user named by its
URL is left as it is: its processes are looked up by their listening port and only watched.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import msgspec

from benchmarks.client.target import EndpointError, Target, address
from benchmarks.driver import arms as recipes
from benchmarks.driver.cold import greeting
from benchmarks.driver.procs import REPOSITORY, NotReadyError, Process, free_port
from benchmarks.fake.launch import launched
from benchmarks.fake.presets import numbered, preset
from benchmarks.fake.profile import Profile, Stamps
from benchmarks.measure.listeners import listening
from benchmarks.method.lanes import AGAIN, DELAY, DIRECT, FLOOR, PROXY, Lane
from benchmarks.method.pinning import Pins, pin
from benchmarks.report.record import Arm

FAR = 1_000_000  # tokens: no answer ends before it was told to
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
STARTED = (recipes.HEADRACE, recipes.NGINX, recipes.ENVOY, recipes.HAPROXY)
"""Names that alone, without a URL, start that proxy with one worker."""
RESERVED = frozenset({DIRECT, AGAIN, FLOOR})


class Via(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy to measure. Without `url` it is one of `STARTED`, started here."""

    name: str
    url: str = ""
    pids: tuple[int, ...] = ()


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """A relay with a known effect."""

    name: str
    delay_ms: float = 0.0
    burn_us: float = 0.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which arms there shall be."""

    direct: tuple[str, ...] = ()
    """URLs of engines; none: simulated ones are started."""
    vias: tuple[Via, ...] = ()
    again: bool = True
    floor: bool = True
    controls: tuple[Control, ...] = ()
    engines: int = 2
    profile: Profile | None = None
    """Of engines started here; None: `own_profile()`."""
    stamps: Stamps = Stamps.FIELD
    like: Target = Target(name="", url="")
    """What all targets have in common: API, model, headers, key."""


class Stage(msgspec.Struct, kw_only=True):
    """What stands ready."""

    lanes: list[Lane]
    engines: tuple[int, ...] = ()
    """Roots of the engines' process trees; empty where they cannot be found."""
    ledgers: dict[str, Path] = {}
    """Of controls that burn, by name: what they have burned."""
    notes: list[str] = []
    own: bool = False
    """Whether the engines were started here."""
    ports: tuple[int, ...] = ()
    """Of the engines, if all are on this machine."""


def own_profile() -> Profile:
    """Return an engine as fast as an 8B model on a large GPU, without chance in its steps.

    Steps of 10 ms, 20,000 prompt tokens a second. Jitter and a cache would only add noise: the
    engine's time is taken out of what is measured.
    """
    return msgspec.structs.replace(
        preset("h100-8b"),
        pace=0.010,
        pace_per_sequence=0.0,
        jitter=0.0,
        prefill=0.0,
        prefill_per_token=0.00005,
        prefix_blocks=0,
        kv_tokens=1000 * FAR,
        max_num_seqs=4096,
        output_tokens=FAR,
        context_length=FAR,
    )


def via_of(word: str) -> Via:
    """Read `NAME=URL`, or the name alone of a proxy that can be started. Raises EndpointError."""
    name, equals, url = word.partition("=")
    if equals and name and url:
        address(url)
        return Via(name=name, url=url)
    if word in STARTED:
        return Via(name=word)
    if "://" in word:
        return Via(name=address(word).authority, url=word)
    raise EndpointError(
        f"--via {word!r}: write NAME=URL, or one of {', '.join(STARTED)} to have it started."
    )


def check_names(vias: Sequence[Via]) -> None:
    """Raise EndpointError for two arms of one name, and for names that are taken."""
    seen: set[str] = set()
    for via in vias:
        if via.name in RESERVED:
            raise EndpointError(f"--via {via.name}=...: this name is taken; choose another.")
        if via.name in seen:
            raise EndpointError(f"--via {via.name}=... stands there twice; give each its own name.")
        seen.add(via.name)


def local_port(url: str) -> int | None:
    """Return the port of a plain http URL on this machine without a path, else None."""
    there = address(url)
    fits = there.host in LOCAL and not there.tls and not there.base
    return there.port if fits else None


class Builder:
    """Builds a stage arm by arm."""

    __slots__ = ("_folder", "_pins", "_stack", "_stage", "_wanted", "_ports", "_urls")

    def __init__(self, wanted: Wanted, stack: ExitStack, folder: Path, pins: Pins) -> None:
        self._wanted = wanted
        self._stack = stack
        self._folder = folder
        self._pins = pins
        self._stage = Stage(lanes=[])
        self._urls: tuple[str, ...] = ()
        self._ports: list[int] = []

    async def build(self, outer: AsyncExitStack) -> Stage:
        """Start everything; `outer` ends the engines. Raises NotReadyError, OSError."""
        await self._engines(outer)
        for via in self._wanted.vias:
            await self._via(via)
        if self._wanted.floor:
            await self._relay(Control(name=FLOOR), FLOOR)
        for control in self._wanted.controls:
            await self._relay(control, DELAY)
        return self._stage

    async def _engines(self, outer: AsyncExitStack) -> None:
        stage, wanted = self._stage, self._wanted
        if wanted.direct:
            self._urls = wanted.direct
            found = [listening(port) for url in wanted.direct if (port := local_port(url))]
            stage.engines = tuple(pid for pids in found for pid in pids)
        else:
            profile = msgspec.structs.replace(wanted.profile or own_profile(), stamps=wanted.stamps)
            children = await outer.enter_async_context(launched(numbered(profile, wanted.engines)))
            self._urls = tuple(child.url for child in children)
            stage.engines = tuple(child.pid for child in children)
            stage.own = True
            pin(stage.engines, self._pins.engines)
        self._ports = [port for url in self._urls if (port := local_port(url)) is not None]
        stage.ports = tuple(self._ports) if len(self._ports) == len(self._urls) else ()
        self._lane(Arm(name=DIRECT, role=DIRECT, url=" ".join(self._urls)), self._urls)
        if wanted.again:
            self._lane(Arm(name=AGAIN, role=AGAIN, url=" ".join(self._urls)), self._urls)

    def _lane(self, arm: Arm, urls: Sequence[str]) -> None:
        made = tuple(
            msgspec.structs.replace(self._wanted.like, name=arm.name, url=url, engines=self._urls)
            for url in urls
        )
        self._stage.lanes.append(Lane(arm=arm, targets=made))

    async def _via(self, via: Via) -> None:
        url, pids = via.url, via.pids
        if not url:
            if len(self._ports) < len(self._urls):
                raise NotReadyError(
                    f"{via.name} can only be started in front of engines on this machine,"
                    " named as http://127.0.0.1:PORT"
                )
            url, pids = await self._start(via.name)
        elif not pids:
            port = address(url).port
            pids = listening(port) if address(url).host in LOCAL else ()
            if not pids:
                self._stage.notes.append(
                    f"{via.name}: no process of this machine found behind {url}, so its CPU and"
                    " memory are unknown (--via-pid NAME=PID names it)"
                )
        self._lane(Arm(name=via.name, role=PROXY, url=url, pids=pids), [url])

    async def _start(self, name: str) -> tuple[str, tuple[int, ...]]:
        found = recipes.find([name])
        if found.skipped:
            raise NotReadyError(found.skipped[0])
        (plan,) = found.plans
        arm = await recipes.start(plan, self._ports, greeting, self._stack, self._folder)
        pin(arm.pids, self._pins.subject)
        return f"http://127.0.0.1:{arm.ports[0]}", arm.pids

    async def _relay(self, control: Control, role: str) -> None:
        if len(self._ports) < len(self._urls):
            self._stage.notes.append(
                f"no {control.name}: the relay reaches engines on this machine only"
            )
            return
        port = free_port(set())
        words = [sys.executable, "-m", "benchmarks.method.relay", "--listen", str(port)]
        words += [word for engine in self._ports for word in ("--to", str(engine))]
        if control.delay_ms:
            words += ["--delay-ms", str(control.delay_ms)]
        if control.burn_us:
            ledger = self._folder / f"{control.name}.burned"
            self._stage.ledgers = self._stage.ledgers | {control.name: ledger}
            words += ["--burn-us", str(control.burn_us), "--ledger", str(ledger)]
        env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        process = self._stack.enter_context(Process(control.name, words, self._folder, env=env))
        await process.await_port(port)
        pin([process.pid], self._pins.subject)
        arm = Arm(name=control.name, role=role, url=f"http://127.0.0.1:{port}", pids=(process.pid,))
        self._lane(arm, [arm.url])


async def build(wanted: Wanted, outer: AsyncExitStack, folder: Path, pins: Pins) -> Stage:
    """Start and find everything `wanted`; it ends with `outer`.

    Raises EndpointError for words that make no sense, NotReadyError and OSError for what does not
    come up.
    """
    check_names(wanted.vias)
    stack = outer.enter_context(ExitStack())
    return await Builder(wanted, stack, folder, pins).build(outer)
