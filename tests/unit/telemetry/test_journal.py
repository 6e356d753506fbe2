"""The journal: nothing is lost or told twice, in order, in lots."""

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.telemetry.journal import Journal

FAILURE = Failure(kind=Kind.CLOSED, origin=Origin.BACKEND, phase=Phase.WAIT, detail="x")


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.failed: list[str] = []

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        self.failed.append(f"{call.request_id} {failure.kind} {retried}")

    def finished(self, call: Call) -> None:
        self.ended.append(call.request_id)


def calls(count: int) -> list[Call]:
    """Return calls with numbers for ids."""
    return [Call(str(number), "/", 0.0) for number in range(count)]


def test_an_ended_call_waits_until_it_is_told() -> None:
    listener = Listener()
    journal = Journal([listener])

    journal.finished(calls(1)[0])

    assert len(journal) == 1
    assert listener.ended == []
    assert journal.tell() == 0
    assert listener.ended == ["0"]


def test_lots_keep_the_order_and_tell_everything_once() -> None:
    first, second = Listener(), Listener()
    journal = Journal([first, second])
    for call in calls(5):
        journal.finished(call)

    left = [journal.tell(2) for _ in range(4)]

    assert left == [3, 1, 0, 0]
    assert first.ended == second.ended == ["0", "1", "2", "3", "4"]


def test_a_failed_attempt_is_told_at_once() -> None:
    listener = Listener()

    Journal([listener]).attempt_failed(calls(1)[0], FAILURE, retried=True)

    assert listener.failed == ["0 closed_by_backend True"]
