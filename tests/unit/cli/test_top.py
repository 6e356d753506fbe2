"""What `headrace top` draws of a look at the fleet."""

import asyncio
import io
from typing import Any

import msgspec
import orjson
import pytest
from rich.console import Console

from proxy.cli import top
from proxy.cli.status import Unanswered
from proxy.edge import admin, portrait
from proxy.settings.address import Address
from tests.fixtures.fleet import make_backend, take_down
from tests.fixtures.view import FakeView, ended_call, failed_with

ADMIN = Address(host="127.0.0.1", port=8901)


def fleet(count: int = 3) -> top.Fleet:
    """Return what a proxy would answer: the first of so many down, the second busy."""
    backends = [make_backend(f"gpu-{number}", cap=8) for number in range(count)]
    take_down(backends[0], 80.0)
    view = FakeView({backend: ["llama"] for backend in backends})
    if count > 1:
        backends[1].lease(1.0, 1.0, view.clock)
        for reader in view.lookout.readers:
            reader.finished(ended_call(backends[1]))
            reader.finished(ended_call(backends[0], failure=failed_with()))
    view.running = 1
    view.recent = list(view.lookout.recent.records)
    return top.decoded(
        orjson.dumps(asyncio.run(portrait.document(lambda: admin.document(view), view))), ADMIN
    )


def drawn(one: top.Fleet, width: int = 160, **asked: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(top.look(one, **{"sort": "state", "lines": 40, **asked}))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_the_worst_stands_first_with_its_reason() -> None:
    lines = drawn(fleet(), note="q: quit")
    assert lines[0].startswith("headrace 1.2.3, up 1m 0s")
    assert lines[0].rstrip().endswith("q: quit")
    assert lines[1].rstrip() == "gpu-0 is down."
    assert lines[2].startswith("tokens/s -   requests/s 0.0   in flight 1   queued 0")
    assert lines[4].split()[:2] == ["■", "down"]
    assert lines[4].rstrip().endswith("refused")
    assert lines[5].split() == [
        *("●", "ready", "gpu-1", "1/8", "-", "500ms", "500ms", "50ms", "50ms", "0")
    ]
    assert lines[-2].strip() == "last failures"
    assert lines[-1].split()[2:5] == ["gpu-0", "connect_refused", "req-1"]


def test_without_marks_words_are_enough() -> None:
    assert drawn(fleet(), marks=False)[4].split()[:2] == ["down", "gpu-0"]


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("state", "gpu-0"),
        ("name", "gpu-0"),
        ("in-flight", "gpu-1"),
        ("tokens", "gpu-0"),
        ("first", "gpu-0"),
        ("between", "gpu-0"),
        ("failed", "gpu-0"),
    ],
)
def test_every_order_has_its_first(sort: str, first: str) -> None:
    assert top.ordered(fleet().backends, sort)[0].name == first


def test_what_does_not_fit_is_counted() -> None:
    lines = drawn(fleet(30), lines=20)
    assert lines[-1] == "and 17 more"
    assert len(lines) <= 20


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_gets_no_line_too_long(width: int) -> None:
    assert max(map(len, drawn(fleet(), width))) <= width


def test_text_of_engines_cannot_command_the_terminal() -> None:
    one = fleet()
    shown = top.decoded(orjson.dumps({**msgspec.to_builtins(one), "headline": "\x1b[2Jx"}), ADMIN)
    assert drawn(shown)[1].rstrip() == "?[2Jx"


def test_something_else_at_that_address_is_told() -> None:
    with pytest.raises(Unanswered, match="not as a headrace of this version"):
        top.decoded(b'{"version": 1}', ADMIN)


def test_a_cap_that_only_slows_a_start_is_not_shown() -> None:
    (one, *_) = fleet().backends
    shown = msgspec.structs.replace(fleet(), backends=(msgspec.structs.replace(one, cap=15415),))
    assert drawn(shown)[4].split()[2:4] == ["gpu-0", "0"]
