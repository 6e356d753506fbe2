"""What the log says of the referee's judgements, and by which rules it judges."""

from structlog.testing import capture_logs

from proxy.boot import judging
from proxy.core.standing import Event, Policy, Standing
from proxy.flow.hedging import Hedges, Outcome
from proxy.settings.schema import Settings
from proxy.telemetry.metrics import Metrics
from tests.fixtures.course import World
from tests.fixtures.fleet import make_backend, middle
from tests.fixtures.view import FakeView


def test_each_change_is_one_line() -> None:
    backend, standing, policy = make_backend("a"), Standing(middle), Policy()
    with capture_logs() as logs:
        for event, now in ((Event.SLOW, 1.0), (Event.OVER, 11.0), (Event.FINE, 12.0)):
            standing.take(event, now, policy)
            judging.tell(backend, standing)

    assert [line["event"] for line in logs] == [
        "backend passed over",
        "backend on trial",
        "backend in good standing",
    ]
    assert (logs[0]["reason"], logs[0]["seconds"]) == ("slow", 10.0)


def test_the_referee_judges_by_the_settings() -> None:
    referee = judging.referee(World("ab").course, Settings())

    assert referee.on_change is judging.tell
    assert referee._policy == Policy()


def test_metrics_tell_what_the_referee_and_hedges_count() -> None:
    world = World("ab")
    metrics = Metrics("1", FakeView({}))
    judging.count(metrics, judging.referee(world.course, Settings()))
    told = metrics.tables["headrace_hedges_total"]
    assert told() == []

    world.course.hedges = hedges = Hedges()
    hedges.counts[Outcome.WON] += 2

    assert told() == [(("won",), 2)]
    assert metrics.passed_over() == []
