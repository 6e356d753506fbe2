"""A backend that has never been ready is told of once, with its address and the reason."""

from structlog.testing import capture_logs

from proxy.boot.unanswered import PATIENCE, Unanswered
from tests.fixtures.fleet import make_backend

LATE = 1.0 + PATIENCE


def test_who_is_late_is_told_of_once() -> None:
    backend, unanswered = make_backend("a", ready=False), Unanswered()
    backend.health.probed(ok=False, now=1.0, reason="refused")

    with capture_logs() as logs:
        for now in (1.0, LATE - 0.1, LATE, LATE + 100.0):
            unanswered.look([backend], now)

    assert logs == [
        {
            "event": "backend not ready yet",
            "log_level": "warning",
            "backend": "a",
            "url": "http://a.test:8000",
            "reason": "refused",
            "seconds": round(PATIENCE),
        }
    ]


def test_who_is_ready_or_unchecked_or_went_down_is_not_told_of() -> None:
    ready, unchecked, down = make_backend("a"), make_backend("b", ready=False), make_backend("c")
    for now in (1.0, 2.0, 3.0):
        down.health.probed(ok=False, now=now, reason="refused")

    with capture_logs() as logs:
        Unanswered().look([ready, unchecked, down], LATE + 10.0)

    assert logs == []


def test_who_has_left_is_forgotten() -> None:
    backend, unanswered = make_backend("a", ready=False), Unanswered()
    backend.health.probed(ok=False, now=1.0, reason="refused")

    with capture_logs() as logs:
        for there in ([backend], [], [backend]):
            unanswered.look(there, LATE)

    assert len(logs) == 2
