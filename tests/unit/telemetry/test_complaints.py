"""The SDK's complaints: one line a minute, and none of its own."""

import logging
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from proxy.telemetry.complaints import QUIET, Complaints


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Root(logging.Handler):
    """What would be written of the SDK's own lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def root() -> Iterator[Root]:
    handler = Root()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def complaints(clock: Clock) -> Iterator[Complaints]:
    made = Complaints(clock)
    yield made
    made.remove()


def complain(times: int = 1) -> None:
    for _ in range(times):
        logging.getLogger("opentelemetry.exporter.otlp").error("no batch got through: %s", 1)


def test_one_line_a_minute(complaints: Complaints, clock: Clock, root: Root) -> None:
    with capture_logs() as logs:
        complain(50)
        clock.time += QUIET - 1
        complain()
        clock.time += 2
        complain(9)

    assert [(line["reason"], line["untold"]) for line in logs] == [
        ("no batch got through: 1", 0),
        ("no batch got through: 1", 50),
    ]
    assert not root.lines


def test_small_talk_is_not_passed_on(complaints: Complaints) -> None:
    with capture_logs() as logs:
        logging.getLogger("opentelemetry").info("hello")

    assert not logs


def test_afterwards_the_sdk_speaks_for_itself(complaints: Complaints, root: Root) -> None:
    complaints.remove()

    with capture_logs() as logs:
        complain()

    assert not logs
    assert len(root.lines) == 1
