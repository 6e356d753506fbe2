"""One successor at a time is started beside the traffic; what became of it is told."""

import asyncio
import os
import socket
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from proxy.boot import successor
from proxy.boot.succession import Succession
from proxy.boot.successor import Successor
from tests.fixtures.stack import eventually


class Child(Successor):
    """A successor whose word is written by the test."""

    def __init__(self) -> None:
        self.descriptor, self.word = os.pipe()

    @property
    def pid(self) -> int:
        return 77

    def wait(self) -> int:
        return 3

    def give_up(self) -> None:
        os.close(self.descriptor)


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.children: list[Child] = []
        self.taken: list[int] = []
        monkeypatch.setattr(successor, "start", self.start)
        self.succession = Succession({}, lambda: self.taken.append(1))

    def start(self, sockets: Mapping[str, socket.socket]) -> Child:
        self.children.append(Child())
        return self.children[-1]


async def test_one_that_serves_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)

    scene.succession.request()
    scene.succession.request()
    await eventually(lambda: bool(scene.children))
    os.write(scene.children[0].word, b"1")
    os.close(scene.children[0].word)

    await eventually(lambda: bool(scene.taken))
    assert len(scene.children) == 1


async def test_one_that_ends_changes_nothing_and_another_may_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch)
    with capture_logs() as said:
        scene.succession.request()
        await eventually(lambda: bool(scene.children))
        os.close(scene.children[0].word)
        await eventually(lambda: any(line["log_level"] == "error" for line in said))

    assert said[-1]["code"] == 3
    assert not scene.taken
    await asyncio.sleep(0)
    scene.succession.request()
    await eventually(lambda: len(scene.children) == 2)
    os.close(scene.children[1].word)
    await eventually(lambda: bool(scene.succession._task and scene.succession._task.done()))


async def test_one_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)

    def broken(sockets: Mapping[str, socket.socket]) -> Child:
        raise FileNotFoundError("no python")

    monkeypatch.setattr(successor, "start", broken)
    with capture_logs() as said:
        scene.succession.request()
        await eventually(lambda: bool(said))

    assert "no python" in said[0]["reason"]
