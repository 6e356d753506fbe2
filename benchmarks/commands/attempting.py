"""Runs a command's work on an event loop; what makes it impossible becomes one sentence and 4.

SIGINT and SIGTERM cancel the work, which ends what it has started: else proxies would outlive it.
"""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

import uvloop

from benchmarks.client.target import EndpointError
from benchmarks.driver.procs import NotReadyError
from benchmarks.load.wording import WorkloadError
from benchmarks.report.budget import BudgetError

CANNOT_MEASURE: Final = 4
WRONG_WORDS: Final = 2
INTERRUPTED: Final = 130  # as a shell reports a program that SIGINT ended
TERMINATED: Final = 143  # and SIGTERM


class UnmeasurableError(Exception):
    """There is no figure to be had; the message is a sentence that says why."""


BROKEN: Final = (EndpointError, NotReadyError, UnmeasurableError, OSError)


def attempt(command: str, work: Coroutine[Any, Any, int]) -> int:
    """Return what `work` returns, or the exit code of what went wrong, told on standard error."""
    try:
        return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_ended(work))
    except (WorkloadError, BudgetError) as error:
        return tell(command, error, WRONG_WORDS)
    except BROKEN as error:
        return tell(command, error, CANNOT_MEASURE)
    except ExceptionGroup as group:  # of parts that ran side by side
        broken, others = group.split(BROKEN)
        if others is not None or broken is None:
            raise
        return tell(command, _first(broken), CANNOT_MEASURE)
    except KeyboardInterrupt:
        return tell(command, "interrupted; nothing was measured", INTERRUPTED)
    except asyncio.CancelledError:
        return tell(command, "told to end; nothing was measured", TERMINATED)


async def _ended(work: Coroutine[Any, Any, int]) -> int:
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    return await work


def tell(command: str, what: object, code: int) -> int:
    """Say what went wrong and return `code`."""
    print(f"headrace bench {command}: {what}", file=sys.stderr)
    return code


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    one: BaseException = group
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    return one
