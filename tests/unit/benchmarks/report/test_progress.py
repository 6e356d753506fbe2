"""The line a person watches."""

import io

from typing_extensions import override

from benchmarks.report.progress import Estimate, Step, Watch, estimate_text, step_text


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
        "headrace, headrace each token p50 +180 +-30 us, 1 rejected, ~21 s left"
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


def test_a_terminal_sees_the_line() -> None:
    out = Terminal()

    with Watch(file=out) as watch:
        watch.show(STEP)

    assert "~21 s left" in out.getvalue()
