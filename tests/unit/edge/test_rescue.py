"""A failure as the answer a client gets."""

import orjson
import pytest

from proxy.core.call import Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.edge.rescue import RETRY_AFTER, answer
from tests.fixtures.ends import Reader


def failed(kind: Kind, **more: object) -> Failure:
    origin, phase = Origin.PROXY, Phase.QUEUE
    return Failure(kind=kind, origin=origin, phase=phase, detail="so it is", **more)  # type: ignore[arg-type] # passed on


def told(failure: Failure, *, close: bool = False, surface: str = "openai") -> tuple[Call, Reader]:
    call = Call("id-1", "/v1/chat/completions", 0.0)
    call.surface = surface
    call.model = "qwen2"
    raw = answer(call, failure, close=close, names=("qwen3", "llama"))
    reader = Reader(raw, closed=close)
    assert reader.complete
    assert not reader.surplus
    return call, reader


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_failure_has_an_answer_in_words(kind: Kind) -> None:
    call, reader = told(failed(kind))

    error = orjson.loads(reader.body)["error"]
    assert reader.status == call.status >= 400
    assert error["code"] == kind.value
    assert error["request_id"] == reader.fields["x-request-id"] == "id-1"
    assert "so it is" in error["message"]
    assert call.bytes_out == len(reader.body)
    assert reader.fields["x-headrace-backend"] == "-"
    assert ("retry-after" in reader.fields) is (reader.status in {429, 503})
    assert reader.fields.get("allow") == ("POST" if reader.status == 405 else None)


def test_the_time_to_wait_is_the_engines_or_ours_and_a_little_random() -> None:
    waits = {int(told(failed(Kind.QUEUE_FULL))[1].fields["retry-after"]) for _ in range(50)}
    assert waits <= set(range(RETRY_AFTER, RETRY_AFTER + 3))
    assert len(waits) > 1
    named = failed(Kind.QUEUE_FULL, retry_after=100.0)
    waits = {int(told(named)[1].fields["retry-after"]) for _ in range(50)}
    assert waits <= set(range(100, 131))
    assert told(failed(Kind.QUEUE_FULL, retry_after=0.01))[1].fields["retry-after"] == "1"


def test_an_engines_own_words_are_passed_on() -> None:
    said = b'{"error":{"message":"no"}}'
    _, reader = told(failed(Kind.STATUS, status=422, body=said, content_type=b"text/json"))

    assert (reader.status, reader.body) == (422, said)
    assert reader.fields["content-type"] == "text/json"


def test_an_engine_without_words_is_spoken_for() -> None:
    _, reader = told(failed(Kind.STATUS, status=500))

    assert reader.status == 500
    assert orjson.loads(reader.body)["error"]["code"] == "backend_status"


def test_a_status_nobody_has_a_name_for_is_passed_on() -> None:
    assert told(failed(Kind.STATUS, status=529))[1].status == 529


def test_the_last_answer_of_a_connection_says_so() -> None:
    assert told(failed(Kind.BAD_JSON), close=True)[1].fields["connection"] == "close"
    assert "connection" not in told(failed(Kind.BAD_JSON))[1].fields


def test_the_models_there_are_stand_in_the_answer() -> None:
    _, reader = told(failed(Kind.UNKNOWN_MODEL))

    message = orjson.loads(reader.body)["error"]["message"]
    assert message.index("qwen3") < message.index("llama")


def test_the_caller_is_told_in_its_own_dialect() -> None:
    _, reader = told(failed(Kind.QUEUE_FULL), surface="anthropic")

    assert orjson.loads(reader.body)["type"] == "error"
