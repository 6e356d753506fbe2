"""Where the log goes: with a thread where there is a loop, straight where there must be none."""

import logging
import os
import sys
import threading

import pytest
import structlog

from proxy.boot import lines
from proxy.settings.logging import Log, LogFormat
from proxy.settings.schema import Settings


@pytest.fixture(autouse=True)
def _logging_as_before() -> object:
    handlers = logging.getLogger().handlers[:]
    level = logging.getLogger().level
    yield
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def test_lines_say_which_process_speaks(capfd: pytest.CaptureFixture[str]) -> None:
    with lines.written(Settings(), worker=3) as ways:
        structlog.get_logger().info("spoken")
        ways.out.write(b"line\n")

    out, err = capfd.readouterr()
    assert out == "line\n"
    assert '"event":"spoken","worker":3' in err
    assert ways.access is None


def test_for_people_access_lines_are_text_too(capfd: pytest.CaptureFixture[str]) -> None:
    with lines.written(Settings(log=Log(format=LogFormat.CONSOLE))) as ways:
        assert ways.access is not None


@pytest.mark.setting("log.format")
def test_each_way_out_is_text_if_a_terminal_reads_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    with lines.written(Settings()) as ways:
        structlog.get_logger().info("spoken")

    assert ways.access is not None
    assert capfd.readouterr().err.startswith("{")


def test_straight_needs_no_thread(capfd: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()

    lines.straight(Settings())
    structlog.get_logger().warning("spoken")

    assert threading.active_count() == before
    assert "spoken" in capfd.readouterr().err


def test_a_reader_that_is_gone_is_no_trouble() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    lines.Straight(writing).write(b"x\n")
    os.close(writing)
