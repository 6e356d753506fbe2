"""The line a person watches."""

import io

import pytest
from typing_extensions import override

from benchmarks.report.progress import Estimate, Step, Watch, bar, estimate_text, step_text


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


STEP = Step(
    done=7,
    total=36,
    doing="headrace",
    known=(Estimate(figure="token_p50_us", arm="headrace", added=180.0, half=30.0),),
    rejected=1,
    left_s=21.3,
)


def test_a_step_tells_where_it_is_and_how_sure() -> None:
    assert step_text(STEP) == (
        "headrace, ~21 s left, 1 rejected, headrace each token p50 +180 +-30 us"
    )


def test_before_there_is_an_interval_only_the_median_is_told() -> None:
    assert estimate_text(Estimate(figure="token_p50_us", added=180.0)) == "each token p50 +180 us"


def test_elsewhere_than_on_a_terminal_a_line_is_printed_now_and_then() -> None:
    out, now = io.StringIO(), [0.0]

    with Watch(file=out, clock=lambda: now[0]) as watch:
        for second in (1.0, 9.0, 10.0, 11.0, 19.0):
            now[0] = second
            watch.show(STEP)
        watch.say("block rejected: [the client] waited")
        now[0] = 28.0
        watch.show(STEP)

    assert out.getvalue() == f"7/36 {step_text(STEP)}\nblock rejected: [the client] waited\n"


def test_quiet_is_quiet_on_a_terminal_too() -> None:
    out = Terminal()

    with Watch(quiet=True, file=out) as watch:
        watch.show(STEP)
        watch.say("words")

    assert out.getvalue() == ""


def test_a_terminal_sees_the_line_and_nothing_of_it_stays() -> None:
    out = Terminal()

    with Watch(file=out) as watch:
        watch.show(STEP)

    assert "7/36 headrace, ~21 s left" in out.getvalue()
    assert "\n" not in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[K")


def test_words_that_stay_take_the_place_of_the_line() -> None:
    out = Terminal()

    with Watch(file=out) as watch:
        watch.show(STEP)
        watch.say("block rejected")

    assert out.getvalue().endswith("\r\x1b[Kblock rejected\n")


def test_the_line_is_drawn_ten_times_a_second_at_most() -> None:
    out, now = Terminal(), [0.0]

    with Watch(file=out, clock=lambda: now[0]) as watch:
        for hundredth in range(100):
            now[0] = hundredth / 100
            watch.show(STEP)

    assert out.getvalue().count("7/36") == 10


def test_a_line_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()

    with Watch(file=out) as watch:
        watch.show(STEP)

    drawn = out.getvalue().split("\x1b[K")[1].rstrip("\r")
    assert len(drawn) == 39


def test_a_terminal_that_can_move_no_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out, now = Terminal(), [0.0]

    with Watch(file=out, clock=lambda: now[0]) as watch:
        now[0] = 10.0
        watch.show(STEP)

    assert out.getvalue() == f"7/36 {step_text(STEP)}\n"


def test_a_bar_tells_the_share_that_is_done() -> None:
    assert bar(0, 36) == ".................. 0/36"
    assert bar(18, 36) == "#########......... 18/36"
    assert bar(1200, 1000) == "################## 1,200/1,000"
    assert bar(0, 0) == ".................. 0/0"
