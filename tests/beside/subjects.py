"""The proxies that go through the same trials: headrace, nginx and Envoy, each a process here."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.driver import arms
from benchmarks.driver.procs import NotReadyError
from tests.fixtures.wire import chat, post

NAMES = (arms.HEADRACE, arms.NGINX, arms.ENVOY)


@asynccontextmanager
async def subjects(
    engines: Sequence[int], names: Sequence[str] = NAMES
) -> AsyncIterator[dict[str, int]]:
    """Start what is installed in front of `engines`; yield name -> port, and say what is not."""
    found = arms.find(names)
    for sentence in found.skipped:
        print(f"left out: {sentence}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="headrace-beside-") as folder, ExitStack() as stack:
        ports: dict[str, int] = {}
        for plan in found.plans:
            try:
                arm = await arms.start(
                    plan, engines, lambda _port: post(chat()), stack, Path(folder), patience=60.0
                )
            except NotReadyError as error:
                print(f"left out: {plan.name}: {error}", file=sys.stderr)
                continue
            ports[plan.name] = arm.ports[0]
        await asyncio.sleep(0.5)  # what was asked of the engines to begin with has ended
        yield {name: ports[name] for name in names if name in ports}


def table(title: str, rows: Sequence[tuple[str, ...]], head: Sequence[str]) -> str:
    """Return rows as a Markdown table."""
    lines = [f"| {' | '.join((title, *head))} |", "|---" * (len(head) + 1) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)
