"""Where the time to the first token goes."""

from benchmarks.report.plots.waterfall import waterfall
from benchmarks.report.record import Arm, Record


def run(**more: float) -> Record:
    return Record(
        command="overhead",
        arms=[Arm(name="headrace", role="proxy")],
        figures={
            "headrace": {
                "first_token_p50_ms": 1.6,
                "request_path_p50_us": 600.0,
                "ttft_p50_ms": 111.6,
                **more,
            }
        },
    )


def test_the_parts_add_up_to_the_whole() -> None:
    assert waterfall(run()).rows == (
        ("headrace", "0.600 ms", "0.000 ms", "110.000 ms", "1.000 ms"),
    )


def test_a_queue_that_is_known_is_taken_out_of_the_engine() -> None:
    plot = waterfall(run(engine_queue_p50_ms=30.0))

    assert plot.rows[0][2:4] == ("30.000 ms", "80.000 ms")
    assert "queue 30 ms" in plot.svg


def test_without_stamps_there_is_none() -> None:
    record = run()
    record.figures["headrace"].pop("request_path_p50_us")

    assert waterfall(record).why
