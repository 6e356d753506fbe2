"""The report on a terminal and in a pipe."""

import io

from typing_extensions import override

from benchmarks.report.compose import compose
from benchmarks.report.console import as_text, fitted, show, show_sheet
from benchmarks.report.sheet import Grid, cell
from tests.fixtures.bench import records


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_text_that_is_never_cut() -> None:
    out = io.StringIO()

    show(records.overhead(["headrace", "nginx", "litellm"], rounds=8), out)

    lines = out.getvalue().splitlines()
    row = next(line for line in lines if line.startswith("first token (non-backend) p50"))
    assert row.count(" ms") + row.count(" us") == 5
    assert "\x1b" not in out.getvalue()
    assert "…" not in out.getvalue()
    assert not [line for line in lines if line != line.rstrip()]


def test_a_terminal_gets_colour() -> None:
    out = Terminal()

    show_sheet(compose(records.endpoint()), out)

    assert "\x1b[" in out.getvalue()


def test_brackets_are_text_and_not_markup() -> None:
    assert "[0." in as_text(records.overhead(rounds=8))


def test_a_table_too_wide_is_split_by_columns_and_keeps_its_labels() -> None:
    row = tuple(cell(text) for text in ("label", "1111111111", "2222222222", ""))
    grid = Grid(title="t", heads=("", "a", "b", "c"), rows=(row, row), notes=("n",))

    parts = fitted(grid, 20)

    assert [part.heads for part in parts] == [("", "a"), ("", "b"), ("", "c")]
    assert [len(part.rows) for part in parts] == [2, 2, 0]
    assert [part.notes for part in parts] == [(), (), ("n",)]


def test_a_table_that_fits_stays_whole() -> None:
    grid = compose(records.endpoint()).grids[0]

    assert fitted(grid, 200)[0].heads == grid.heads
