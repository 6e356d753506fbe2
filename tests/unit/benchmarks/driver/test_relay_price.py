"""The command line and the scenes of the price."""

from benchmarks.driver.relay_price import SCENES, arguments
from benchmarks.report.price import ROWS


def test_defaults_measure_everything() -> None:
    options = arguments([])

    assert options.arms.split(",") == ["nginx", "envoy", "headrace"]
    assert (options.subject, options.no_cold, options.json) == ("headrace", False, None)


def test_every_row_is_measured() -> None:
    measured = {block.key for scene in SCENES for block in scene.blocks} | {
        "idle",
        "stream",
        "start",
    }

    assert {row.metric.partition(".")[0] for row in ROWS} == measured


def test_plain_requests_come_before_the_streams_they_are_taken_from() -> None:
    keys = [block.key for scene in SCENES for block in scene.blocks]

    assert keys.index("small") < keys.index("chunk")
