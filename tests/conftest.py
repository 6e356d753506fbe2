"""What every tier stands on: which loops run a test, which tests may open sockets, free ports."""

import asyncio
import logging
import random
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import pytest_socket
import uvloop
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

TESTS = Path(__file__).parent
SOCKETLESS = frozenset({"unit", "playbook", "property"})
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# No deadline: a busy machine is not a bug. Examples that failed once are tried first next time.
settings.register_profile(
    "headrace",
    deadline=None,
    database=DirectoryBasedExampleDatabase(TESTS.parent / ".cache" / "hypothesis"),
)
settings.load_profile("headrace")


def pytest_configure() -> None:
    """Leave no loop for sync tests to find: on 3.11 asyncio would make one that nobody closes."""
    asyncio.set_event_loop(None)


def tier(item: pytest.Item) -> str:
    """Return the folder of `tests/` that holds this test."""
    return item.path.relative_to(TESTS).parts[0]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, LoopFactory]:
    """Run what touches real sockets on both loops, chaos on the one that serves, else asyncio's."""
    if tier(item) == "wire":
        return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
    if tier(item) == "chaos":
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.SelectorEventLoop}


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Refuse sockets in the tiers that must not need any; a loop's own socket pair is allowed."""
    if tier(request.node) not in SOCKETLESS:
        yield
        return
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _warnings_let_go() -> Iterator[None]:
    """Give warnings back after each test: `logging` takes them once, pytest undoes half of it.

    A test that leaves them taken makes the next one that takes them, in any file, see none.
    """
    yield
    logging.captureWarnings(capture=False)


@pytest.fixture(scope="session")
def given_ports() -> deque[int]:
    """Return the ports given out last: one that nobody has bound yet looks free."""
    return deque(maxlen=1000)


@pytest.fixture
def free_port(given_ports: deque[int]) -> Callable[[], int]:
    """Return a function that finds a free loopback port below the range the kernel hands out."""

    def find() -> int:
        while True:
            port = random.randrange(20000, 30000)
            if port in given_ports:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                given_ports.append(port)
                return port

    return find
