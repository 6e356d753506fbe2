"""Our own lines and the libraries' come out alike, safe, and through one door."""

import json
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any, cast

import pytest
import structlog

from proxy.telemetry import logs
from proxy.telemetry.logs import Render, configure, console_renderer, render_json
from proxy.telemetry.sink import Sink


class Door:
    """Takes lines as a sink does, and keeps them."""

    def __init__(self) -> None:
        self.raw = b""

    def write(self, block: bytes) -> None:
        self.raw += block

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw.splitlines()]

    def open(self, level: str = "info", render: Render = render_json) -> None:
        configure(cast("Sink", self), level=level, render=render)


@pytest.fixture
def door() -> Iterator[Door]:
    """Yield a door, and leave both logging systems as they were found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs._QUIET}
    yield Door()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def test_a_line_begins_with_time_level_and_event(door: Door) -> None:
    door.open()
    structlog.get_logger().info("backend is up", backend="gpu-a", after_s=1.5, tries=None)
    (line,) = door.lines
    assert list(line) == ["timestamp", "level", "event", "backend", "after_s", "tries"]
    assert line["timestamp"].endswith("Z")
    assert line["timestamp"][10] == "T"
    assert (line["level"], line["event"], line["after_s"]) == ("info", "backend is up", 1.5)
    assert door.raw.endswith(b"\n")


@pytest.mark.setting("log.level")
def test_lines_below_the_level_are_not_written(door: Door) -> None:
    door.open("warning")
    log = structlog.get_logger()
    log.debug("no")
    log.info("no")
    log.warning("yes")
    log.error("yes")
    logging.getLogger("some.library").info("no")
    assert [line["level"] for line in door.lines] == ["warning", "error"]


def test_hostile_text_is_spelt_out(door: Door) -> None:
    door.open()
    structlog.get_logger().info("bad\u202ename", path="/a\x7f\udcff\n" + "x" * 9000)
    (line,) = door.lines
    assert line["event"] == "bad\\u202ename"
    assert line["path"].startswith("/a\\x7f\\udcff\\x0axxx")
    assert len(line["path"]) < 2100


def test_values_json_does_not_know_are_shown_as_text(door: Door) -> None:
    door.open()
    structlog.get_logger().info("odd", value={1}, raw=b"\xff", kind=threading.Lock)
    (line,) = door.lines
    assert line["value"] == "{1}"
    assert line["raw"] == "b'\\xff'"


def test_an_exception_comes_with_its_traceback(door: Door) -> None:
    door.open()
    try:
        int("broken \x1b[31m thing")
    except ValueError:
        structlog.get_logger().exception("it failed")
    (line,) = door.lines
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("with base 10: 'broken \\x1b[31m thing'")


def test_libraries_speak_through_the_same_door(door: Door) -> None:
    door.open()
    logging.getLogger("asyncio").error("Task exception: %s", "boom\x07")
    (line,) = door.lines
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["level"], line["logger"]) == ("error", "asyncio")
    assert line["event"] == "Task exception: boom\\x07"


def test_a_librarys_exception_comes_with_its_traceback(door: Door) -> None:
    door.open()
    logging.getLogger("aiohttp.server").error("Error", exc_info=ValueError("broken"))
    (line,) = door.lines
    assert line["exception"].endswith("ValueError: broken")
    assert "exc_info" not in line


def test_chatty_libraries_are_kept_quiet(door: Door) -> None:
    door.open("debug")
    logging.getLogger("asyncio").info("Using selector")
    logging.getLogger("aiohttp.access").warning("GET / 200")
    logging.getLogger("some.library").debug("heard at debug")
    assert [line["event"] for line in door.lines] == ["heard at debug"]


def test_warnings_are_lines_too(door: Door) -> None:
    with warnings.catch_warnings():
        door.open()
        warnings.simplefilter("always")
        warnings.warn("old habit", DeprecationWarning, stacklevel=1)
    (line,) = door.lines
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "old habit" in line["event"]


@pytest.mark.setting("log.format")
def test_for_people_a_line_is_text(door: Door) -> None:
    door.open(render=console_renderer(colors=False))
    structlog.get_logger().warning("backend is down", backend="gpu-a", reason="")
    line = door.raw.decode()
    assert "[warning  ] backend is down" in line
    assert "backend=gpu-a" in line
    assert "reason" not in line
    assert line.endswith("\n")
