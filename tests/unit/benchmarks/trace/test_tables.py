"""Figures of a trace on the terminal."""

import io

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.load.patterns import Pattern
from benchmarks.trace.fit import Fit, Point
from benchmarks.trace.info import info
from benchmarks.trace.rows import Row, Trace
from benchmarks.trace.tables import dispersion, facts, fitted, lengths


def shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


TRACE = Trace(
    rows=tuple(
        Row(at=float(at), input_tokens=7, output_tokens=3, prefix=(1,), session=0)
        for at in np.repeat(np.arange(10) * 3.0, 5)
    ),
    format="mooncake",
    name="a.jsonl",
)


def test_facts_hold_what_a_reader_looks_for() -> None:
    text = shown(facts(info(TRACE)))

    for words in ("a.jsonl (mooncake)", "50", "27s", "steps of 3s", "98.0%", "sessions"):
        assert words in text


def test_what_is_not_known_is_a_dash() -> None:
    row = shown(dispersion(info(TRACE))).splitlines()[-2]

    assert row.count(" - ") == 7


def test_lengths_stand_by_percentile() -> None:
    text = shown(lengths(info(TRACE)))

    assert "99.9" in text
    assert text.count(" 7 ") == 11


def test_a_fit_stands_beside_the_trace() -> None:
    table = ((0.0, 1.0), (100.0, 9.0))
    found = Fit(
        pattern=Pattern(name="x", rate=2.5, arrivals="logou:0.9@3", input=table, output=table),
        pairs=(),
        points=(
            Point(window=0.1, measured=2.5, model=2.4, low=1.7, high=2.54),
            Point(window=60, measured=1640, model=1660),
        ),
        error=0.02,
    )
    text = shown(fitted(found))

    assert "2.5 req/s, logou:0.9@3" in text
    assert "1.7 .. 2.54" in text
    assert "1,640" in text
