"""The referee of a running proxy, and what the log says of its judgements."""

import structlog

from proxy.core.backend import Backend
from proxy.core.standing import Standing, State
from proxy.flow.course import Course
from proxy.flow.hedging import Hedges
from proxy.flow.referee import Referee
from proxy.settings.schema import Settings
from proxy.telemetry import families
from proxy.telemetry.metrics import Metrics

log = structlog.get_logger()


def referee(course: Course, settings: Settings) -> Referee:
    """Return the referee of a course."""
    made = Referee(course, settings.balance.outliers.policy)
    made.on_change = tell
    return made


def tell(backend: Backend, standing: Standing) -> None:
    """Log that a backend is passed over, or is not any more."""
    if standing.passed_over:
        log.warning(
            "backend passed over",
            backend=backend.name,
            reason=standing.state.value,
            slowness=round(backend.slowness, 1),
            seconds=round(standing.until - standing.since, 1),
        )
    elif standing.state is State.TRIAL:
        log.info("backend on trial", backend=backend.name)
    else:
        log.info("backend in good standing", backend=backend.name)


def count(metrics: Metrics, referee: Referee) -> None:
    """Let metrics tell what was counted."""
    course = referee.course

    def hedges() -> list[tuple[tuple[str, ...], float]]:
        counts = course.hedges.counts if isinstance(course.hedges, Hedges) else {}
        return [((outcome.value,), number) for outcome, number in counts.items()]

    metrics.passed_over = referee.counts
    metrics.tables[families.HEDGES.name] = hedges
