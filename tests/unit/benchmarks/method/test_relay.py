"""The relay's three ways with a piece, on made transports; tests/wire shows it with sockets."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchmarks.method.relay import Burning, Delaying, Side, arguments, burned_ns, onward, straight


class Wire:
    """Stands for a transport."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def pair() -> tuple[Side, Side, Wire]:
    """Return an engine's side, the client's side, and the client's wire."""
    engine, client = Side(straight), Side(straight)
    engine.other, client.other = client, engine
    wire: Any = Wire()
    client.connection_made(wire)
    return engine, client, wire


def test_bytes_go_straight_across() -> None:
    engine, _, wire = pair()

    engine.data_received(b"one")

    assert wire.written == [b"one"]


def test_what_comes_before_the_connection_is_kept() -> None:
    engine, client, _ = pair()
    client.data_received(b"early")
    wire: Any = Wire()

    engine.connection_made(wire)

    assert wire.written == [b"early"]


def test_a_full_side_stops_the_other() -> None:
    engine, client, wire = pair()

    engine.pause_writing()
    assert not wire.reading

    engine.resume_writing()
    assert wire.reading
    client.connection_lost(None)


def test_an_end_on_one_side_ends_the_other() -> None:
    engine, _, wire = pair()

    engine.connection_lost(None)

    assert wire.closed


def test_a_delay_keeps_order_and_distances() -> None:
    engine, _, wire = pair()
    now: list[int] = [0]
    asked: list[float] = []
    delaying = Delaying(5_000_000, asked.append, lambda: now[0])

    delaying(engine, b"a")
    now[0] = 1_000_000
    delaying(engine, b"b")
    now[0] = 5_000_000
    delaying.due()
    assert wire.written == [b"a"]

    now[0] = 6_000_000
    delaying.due()
    assert wire.written == [b"a", b"b"]
    assert asked == [0.005, 0.001]


def test_burning_takes_its_time_and_says_how_much(tmp_path: Path) -> None:
    engine, _, wire = pair()
    ledger = bytearray(8)
    burning = Burning(20_000, ledger)

    burning(engine, b"a")
    burning(engine, b"b")
    (tmp_path / "ledger").write_bytes(ledger)

    assert wire.written == [b"a", b"b"]
    assert burned_ns(tmp_path / "ledger") >= 40_000


def test_a_burn_needs_a_ledger() -> None:
    with pytest.raises(SystemExit):
        arguments(["--listen", "1", "--to", "2", "--burn-us", "5"])


def test_without_options_it_only_relays() -> None:
    assert onward(arguments(["--listen", "1", "--to", "2"])) is straight


def test_a_burning_relay_begins_its_ledger_at_nothing(tmp_path: Path) -> None:
    file = tmp_path / "ledger"

    onward(arguments(["--listen", "1", "--to", "2", "--burn-us", "5", "--ledger", str(file)]))

    assert burned_ns(file) == 0


async def test_a_delaying_relay_uses_the_alarm_of_its_process() -> None:
    made = onward(arguments(["--listen", "1", "--to", "2", "--delay-ms", "5"]))

    assert isinstance(made, Delaying)
    asyncio.get_running_loop().remove_signal_handler(14)
