"""headrace with an eye on its tasks: their number is written to the file `tasks`, every second.

    python -m tests.beside.scorecard.watched serve -c FILE ...

The file is put beside the settings. No page of headrace tells how many asyncio tasks there are.
"""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from proxy.cli import main

FILE = "tasks"
EVERY = 1.0  # seconds


async def _telling(file: Path) -> None:
    """Write how many tasks there are besides this one."""
    while True:
        file.write_text(str(len(asyncio.all_tasks()) - 1))
        await asyncio.sleep(EVERY)


async def _watched(service: Coroutine[Any, Any, int], file: Path) -> int:
    telling = asyncio.create_task(_telling(file))
    try:
        return await service
    finally:
        telling.cancel()


def watch(file: Path) -> None:
    """Let every loop that is started from now on count its tasks."""
    run = uvloop.run

    def counted(service: Coroutine[Any, Any, int]) -> int:
        return int(run(_watched(service, file)))

    uvloop.run = counted  # type: ignore[assignment] # as far as headrace uses it


if __name__ == "__main__":
    watch(Path(sys.argv[sys.argv.index("-c") + 1]).with_name(FILE))
    sys.exit(main())
