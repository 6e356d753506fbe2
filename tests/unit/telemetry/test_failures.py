"""The ring of recent failures: what an operator asks for first."""

from proxy.core.failure import Kind, Origin, Phase
from proxy.telemetry.failures import Recent
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call, failed_with


def test_a_failure_a_retry_made_good_is_remembered_with_its_backend() -> None:
    recent = Recent(lambda: 91.5)
    call = ended_call(make_backend("gpu-a"))
    call.end = ""
    recent.attempt_failed(call, failed_with(), retried=True)
    call = ended_call(make_backend("gpu-b"))
    recent.finished(call)
    (record,) = recent.records
    assert (record.backend, record.kind, record.at) == ("gpu-a", "connect_refused", 91.5)
    assert record.retried
    assert record.end == ""


def test_the_last_failure_of_a_request_is_remembered_once() -> None:
    recent = Recent(lambda: 91.5)
    failure = failed_with(Kind.TRUNCATED, phase=Phase.STREAM, detail="cut after 3 events")
    call = ended_call(make_backend("gpu-a"), failure=failure)
    recent.attempt_failed(call, failure, retried=False)
    recent.finished(call)
    (record,) = recent.records
    assert (record.end, record.status, record.at) == ("BS", 200, 92.0)
    assert record.detail == "cut after 3 events"
    assert not record.retried


def test_what_the_client_did_is_no_failure_here() -> None:
    recent = Recent(lambda: 0.0)
    recent.finished(ended_call(failure=failed_with(Kind.CLIENT_GONE, Origin.CLIENT)))
    recent.finished(ended_call())
    assert recent.records == ()


def test_old_records_give_way() -> None:
    recent = Recent(lambda: 0.0, keep=3)
    for number in range(5):
        failure = failed_with(Kind.QUEUE_FULL, Origin.PROXY, Phase.QUEUE, f"number {number}")
        recent.finished(ended_call(failure=failure))
    assert [record.detail for record in recent.records] == ["number 2", "number 3", "number 4"]
    assert recent.records[0].backend is None


def test_hostile_text_cannot_reach_the_page() -> None:
    recent = Recent(lambda: 0.0)
    failure = failed_with(detail="\x1b[2J" + "x" * 1000)
    recent.finished(ended_call(model="a\u202eb", failure=failure))
    (record,) = recent.records
    assert record.model == "a\\u202eb"
    assert record.detail.startswith("\\x1b[2Jx")
    assert len(record.detail) < 600
