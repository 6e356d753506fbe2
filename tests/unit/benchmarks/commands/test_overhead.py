"""The command `overhead`: which arms it wants, what a round sends, what progress shows."""

import msgspec
import pytest

from benchmarks.client.target import EndpointError, Stamp
from benchmarks.commands.overhead import (
    Options,
    design,
    main,
    schedules,
    shown,
    trials,
    wanted,
    weighed,
)
from benchmarks.fake.profile import Stamps
from benchmarks.load.workload import Shape
from benchmarks.method.holding import Weight
from benchmarks.method.rounds import Design, Rounds, Step
from benchmarks.method.stage import Via
from benchmarks.report.record import Record
from tests.fixtures.trials import Instrument, lanes, schedule

URL = "http://127.0.0.1:8000"


def test_without_arguments_headrace_is_measured_in_front_of_own_engines() -> None:
    found = wanted(Options())

    assert found.vias == (Via(name="headrace"),)
    assert found.direct == ()
    assert (found.again, found.floor, found.engines) == (True, True, 2)
    assert found.stamps is Stamps.FIELD


def test_any_proxy_can_be_named_with_its_process() -> None:
    found = wanted(
        Options(direct=(URL,), via=("a=http://h:1", "b=http://h:2"), via_pid=(("b", 77),))
    )

    assert found.vias == (
        Via(name="a", url="http://h:1"),
        Via(name="b", url="http://h:2", pids=(77,)),
    )


def test_a_place_for_stamps_is_handed_to_the_engines() -> None:
    assert wanted(Options(stamp=Stamp.SIDELOG)).stamps is Stamps.SIDELOG


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options(via=("a=http://h:1",)), "needs --direct URL"),
        (Options(direct=(URL,)), "needs --via NAME=URL"),
        (Options(via=("nginx",), via_pid=(("x", 1),)), "no --via of that name"),
        (Options(via=("other",)), "write NAME=URL"),
    ],
)
def test_arms_that_make_no_sense_are_refused(options: Options, sentence: str) -> None:
    with pytest.raises(EndpointError, match=sentence):
        wanted(options)


def test_refusal_is_a_sentence_and_exit_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(Options(direct=(URL,))) == 4

    said = capsys.readouterr()
    assert said.out == ""
    assert "headrace bench overhead: --direct needs --via" in said.err


def test_a_workload_that_makes_no_sense_is_told_before_anything_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(Options(shape=Shape(rate=50, input="many"))) == 2

    assert "many" in capsys.readouterr().err


def test_each_round_has_its_own_schedule_and_the_seed_decides() -> None:
    one, same, other = (schedules(Options(seed=seed)) for seed in (1, 1, 2))

    assert one(1) == same(1)
    assert one(1) != one(2)
    assert one(1) != other(1)


def test_a_block_lasts_as_long_as_asked_for_and_the_warm_up_half_as_long() -> None:
    of_round = schedules(Options(block=4.0))

    assert of_round(1).span == 4.0
    assert of_round(0).span == 2.0


def test_a_number_of_requests_is_kept() -> None:
    of_round = schedules(Options(shape=Shape(rate=50, requests=33)))

    assert len(of_round(3).requests) == 33


def test_progress_names_arm_and_estimate() -> None:
    step = Step(
        arm="nginx",
        round=3,
        rounds=12,
        done=10,
        rejected=1,
        first="headrace",
        effect=150.0,
        half_us=20.0,
        seconds_left=30.0,
    )

    found = shown(step, 4)

    assert (found.done, found.total, found.doing, found.left_s) == (10, 48, "nginx", 30.0)
    assert [(one.arm, one.added, one.half) for one in found.known] == [("headrace", 150.0, 20.0)]


async def test_raw_requests_are_those_that_count() -> None:
    instrument = Instrument({})
    instrument.disturbed = [(1, "mine")]
    rounds = Rounds(
        lanes("direct", "mine"),
        instrument,
        lambda _turn: schedule(4, 2),
        Design(rounds=7, max_time=999, repeats=0),
        clock=instrument.clock,
    )

    found = trials(await rounds.play())

    assert {name: len(one.observed) for name, one in found.items()} == {"direct": 28, "mine": 24}


def test_only_an_even_load_is_watched_for_engines_that_fall_behind() -> None:
    shape = Options().shape

    assert not design(Options(), 4).uneven
    for bursty in ({"arrivals": "gamma:0.3"}, {"ramp": "1..9@5s"}, {"preset": "flash-crowd"}):
        assert design(Options(shape=msgspec.structs.replace(shape, **bursty)), 4).uneven


def test_streams_are_weighed_only_where_the_run_counts() -> None:
    weight = Weight(open_streams=[0.0, 512.0], rss_mib=[50.0, 55.0], closed=[0.0, 0.0])
    good, bad = (
        Record(command="overhead", verdict="valid"),
        Record(command="overhead", verdict="invalid"),
    )

    weighed(good, {"mine": weight}, ["a note"])
    weighed(bad, {"mine": weight}, ["a note"])

    assert good.figures["mine"]["kib_per_stream"] == pytest.approx(10)
    assert good.series["memory:mine"]["open_streams"] == [0.0, 512.0]
    assert (bad.figures, bad.series, bad.notes) == ({}, {}, ["a note"])


def test_more_arms_get_more_time_unless_told_otherwise() -> None:
    assert [design(Options(), lanes).max_time for lanes in (2, 4, 6)] == [60.0, 60.0, 90.0]
    assert design(Options(max_time=7.0), 6).max_time == 7.0
