"""Alarm: an operator hears of a trouble now and then, not for every request."""

from structlog.testing import capture_logs

from proxy.boot.alarm import APART, Alarm
from proxy.core.failure import Failure, Kind, Origin, Phase
from tests.fixtures.fleet import make_backend

REFUSED = Failure(kind=Kind.STATUS, origin=Origin.BACKEND, phase=Phase.WAIT, detail="x", status=401)


def test_a_refused_key_is_told_once_a_minute_for_each_backend() -> None:
    time = [1000.0]
    alarm = Alarm(lambda: time[0])
    one, two = make_backend("one"), make_backend("two")

    with capture_logs() as lines:
        for _ in range(3):
            alarm.refused(one, REFUSED)
        alarm.refused(two, REFUSED)
        time[0] += APART
        alarm.refused(one, REFUSED)

    assert [line["backend"] for line in lines] == ["one", "two", "one"]
    assert {(line["log_level"], line["status"]) for line in lines} == {("error", 401)}
    assert "api_key" in lines[0]["hint"]
