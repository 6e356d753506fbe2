"""What a demo shows: the settings it is quiet with, the line to try, the text out of a stream."""

import shlex

import orjson
import pytest

from proxy.cli.greeting import banner, quiet, request_body, text_of
from proxy.settings.address import Address
from proxy.settings.load import Loaded, load
from proxy.settings.logging import LogFormat, LogLevel
from proxy.settings.schema import Settings


def demo(**variables: str) -> Settings:
    return quiet(
        load(None, {f"HEADRACE_{name}": value for name, value in variables.items()})
    ).settings


def test_a_demo_writes_no_lines_beside_its_greeting_and_stops_at_once() -> None:
    settings = demo()

    assert not settings.log.access
    assert settings.log.level is LogLevel.WARNING
    assert settings.log.format is LogFormat.CONSOLE
    assert settings.drain.delay == 0.0


def test_what_somebody_chose_stays_even_if_it_is_the_default() -> None:
    chosen = demo(LOG_ACCESS="true", DRAIN_DELAY="5s")

    assert chosen.log.access
    assert chosen.drain.delay == 5.0
    assert chosen.log.level is LogLevel.WARNING


def test_everything_else_is_left_alone() -> None:
    settings = Settings()
    changed = quiet(Loaded(settings=settings, origins={})).settings

    assert changed.drain.timeout == settings.drain.timeout
    assert changed.limits == settings.limits
    assert changed.listen == settings.listen


def test_the_line_to_try_is_a_command_that_asks_for_a_stream() -> None:
    shown = banner(Settings(), "two engines", "some-model")
    line = shown.partition("Try:\n\n")[2].partition("\n\n")[0]
    words = shlex.split(line)

    assert words[:3] == ["curl", "-N", "http://127.0.0.1:8900/v1/chat/completions"]
    assert words[-2] == "-d"
    body = orjson.loads(words[-1])
    assert (body["model"], body["stream"]) == ("some-model", True)
    assert "  engines    two engines\n" in shown
    assert "  dashboard  http://127.0.0.1:8901/dashboard\n" in shown


def test_the_line_to_try_reaches_a_unix_socket() -> None:
    shown = banner(Settings(listen=Address(path="/run/a.sock")), "", "m")

    assert "  clients    unix:/run/a.sock\n" in shown
    assert "curl -N --unix-socket /run/a.sock http://localhost/v1/chat/completions " in shown


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'data: {"choices":[{"delta":{"content":" wa\\u0074er"}}]}\n', " water"),
        (b'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n', ""),
        (b'data: {"choices":[],"usage":{"total_tokens":3}}\n', ""),
        (b"data: [DONE]\n", ""),
        (b": still here\n", ""),
        (b"\n", ""),
    ],
)
def test_text_of_a_line(line: bytes, text: str) -> None:
    assert text_of(line) == text


def test_a_request_is_limited() -> None:
    body = orjson.loads(request_body("m", "why?", 7))

    assert body == {
        "model": "m",
        "stream": True,
        "max_tokens": 7,
        "messages": [{"role": "user", "content": "why?"}],
    }
