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


def test_elsewhere_than_on_a_terminal_only_words_that_stay_are_written() -> None:
    out = io.StringIO()

    with Watch(file=out) as watch:
        watch.show(STEP)
        watch.count(3, 10)
        watch.say("block rejected: [the client] waited")

    assert out.getvalue() == "block rejected: [the client] waited\n"


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
