"""`python -m benchmarks.client.worker`: one process of a fleet. Orders on stdin, news on stdout.

It runs one block after the other and ends when its stdin does, in the middle of a block too: no
load goes on when nobody is left to take the result.
"""

import asyncio
import os
import signal
import sys
from typing import BinaryIO

import uvloop

from benchmarks.client.drive import Block
from benchmarks.client.target import EndpointError
from benchmarks.client.wire import (
    SIZE,
    TO_WORKER,
    Begin,
    Ended,
    FromWorker,
    Order,
    Ready,
    Refused,
    Result,
    ToWorker,
    frame,
)


def take(source: BinaryIO) -> ToWorker | None:
    """Read one message, blocking; None at the end of the pipe."""
    head = source.read(SIZE.size)
    if len(head) < SIZE.size:
        return None
    (length,) = SIZE.unpack(head)
    data = source.read(length)
    return TO_WORKER.decode(data) if len(data) == length else None


def tell(message: FromWorker) -> None:
    """Write one message to stdout, blocking."""
    sys.stdout.buffer.write(frame(message))
    sys.stdout.buffer.flush()


async def run(order: Order, source: BinaryIO) -> bool:
    """Run one block; False when stdin ended before it began."""
    share = order.share
    block = Block(
        order.target,
        share.schedule,
        share.requests(),
        progress=lambda ended, _all: tell(Ended(count=ended)),
        timeout=order.timeout,
        first=order.first,
    )
    try:
        await block.prepare(order.warm)
        tell(Ready())
        begin = take(source)
        if not isinstance(begin, Begin):
            return False
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        assert me is not None
        # Between Begin and Result nobody writes: readable means that the other end is gone.
        loop.add_reader(source, me.cancel)
        try:
            trial = await block.run(begin.at_ns)
        finally:
            loop.remove_reader(source)
            os.set_blocking(source.fileno(), True)  # a loop leaves what it watches non-blocking
        tell(Result(trial=trial))
    except EndpointError as problem:
        tell(Refused(sentence=str(problem)))
    finally:
        await block.close()
    return True


def main() -> int:
    """Take orders until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    source = os.fdopen(0, "rb")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        while isinstance(order := take(source), Order):
            try:
                if not runner.run(run(order, source)):
                    break
            except (asyncio.CancelledError, BrokenPipeError):
                break
    return 0


if __name__ == "__main__":
    sys.exit(main())
