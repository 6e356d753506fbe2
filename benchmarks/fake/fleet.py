"""Several simulated engines from one command: a process each, ended together.

One that is killed from outside does not take the others with it: losing an engine is what some
benchmarks are about. The command ends when it is told to, or when none is left.
"""

import asyncio
import io
import sys
from collections.abc import Sequence

import msgspec

from benchmarks.fake.launch import Child, Ready, launched
from benchmarks.fake.lifetime import told_to_end
from benchmarks.fake.profile import Profile


async def keep(profiles: Sequence[Profile], *, as_json: bool, until_stdin_closes: bool) -> int:
    """Start an engine per profile, print where they are, and wait; returns the exit code.

    Raises OSError when one of them cannot start; the others are ended.
    """
    over = told_to_end(until_stdin_closes=until_stdin_closes)
    async with launched(profiles) as children:
        ready = [child.ready for child in children]
        print(
            msgspec.json.encode(ready).decode() if as_json else table(profiles, ready), flush=True
        )
        async with asyncio.TaskGroup() as watch:
            deaths = [watch.create_task(_report(child, over)) for child in children]
            all_gone = watch.create_task(_when_all(deaths, over))
            await over.wait()
            code = 1 if all_gone.done() else 0
            for task in (*deaths, all_gone):
                task.cancel()
    return code


def table(profiles: Sequence[Profile], ready: Sequence[Ready]) -> str:
    """Render the addresses for people."""
    from rich.console import Console  # noqa: PLC0415 - every engine imports this module
    from rich.table import Table  # noqa: PLC0415 - and only one that starts others prints

    rows = Table(title=f"{len(ready)} simulated engines", title_justify="left")
    for column in ("name", "dialect", "models", "address", "faults and requests", "pid"):
        rows.add_column(column, no_wrap=True)
    for profile, one in zip(profiles, ready, strict=True):
        models = ", ".join(profile.models)
        where = f"{one.admin_url}/fake/"
        rows.add_row(one.name, profile.dialect, models, one.url, where, str(one.pid))
    # Never folded: an address in two lines cannot be copied.
    out = Console(file=io.StringIO(), width=1000, color_system=None)
    out.print(rows)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().rstrip()


async def _report(child: Child, over: asyncio.Event) -> None:
    code = await child.ended()
    if not over.is_set():
        print(f"Simulated engine {child.name!r} has ended with {code}.", file=sys.stderr)


async def _when_all(deaths: Sequence[asyncio.Task[None]], over: asyncio.Event) -> None:
    await asyncio.gather(*deaths)
    over.set()
