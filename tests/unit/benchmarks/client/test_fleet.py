"""A worker that is gone is said to be."""

import asyncio
from asyncio.subprocess import Process
from typing import cast

import pytest

from benchmarks.client.fleet import WorkerError, _Worker
from benchmarks.client.wire import Ended, Ready, frame


class Child:
    """A process with an output written by the test."""

    pid = 7
    stdin = None

    def __init__(self, output: bytes) -> None:
        self.stdout = asyncio.StreamReader()
        self.stdout.feed_data(output)
        self.stdout.feed_eof()


async def test_news_are_heard_until_the_end_of_the_pipe() -> None:
    worker = _Worker(cast("Process", Child(frame(Ready()) + frame(Ended(count=3)) + b"\0")))

    assert await worker.hear() == Ready()
    assert await worker.hear() == Ended(count=3)
    with pytest.raises(WorkerError, match="load process 7 ended early"):
        await worker.hear()
