"""When a process of ours has to end: a signal, or the end of the process that started it."""

import asyncio
import os
import signal


def told_to_end(*, until_stdin_closes: bool) -> asyncio.Event:
    """Return what is set by SIGTERM, SIGINT and, if wanted, the end of stdin.

    For a process that runs one event loop; call it on that loop.
    """
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if until_stdin_closes:

        def read() -> None:
            if not os.read(0, 4096):
                loop.remove_reader(0)
                over.set()

        loop.add_reader(0, read)
    return over
