"""Token counts: read after the answer has gone out, and learned from if it went well."""

from proxy.core.call import Call
from proxy.flow.course import Estimator
from proxy.flow.reckon import HELD, Reckoner, leave
from tests.fixtures.view import failed_with

USAGE = b'{"usage":{"prompt_tokens":9,"completion_tokens":%d,"total_tokens":13}}'


def call_for(model: str = "m") -> Call:
    call = Call("id-1", "/v1/chat/completions", 0.0)
    call.model = model
    return call


def test_a_plain_answer_is_read_when_its_call_has_ended() -> None:
    call, estimator = call_for(), Estimator()
    leave(call, USAGE % 4)
    assert call.tokens_out is None

    Reckoner(estimator).finished(call)

    assert (call.tokens_in, call.tokens_out) == (9, 4)
    assert call.answer == b""  # nothing big stays
    assert estimator.expected("m", None) == 4.0


def test_a_big_answer_does_not_wait() -> None:
    call = call_for()

    leave(call, b" " * HELD + USAGE % 4)

    assert call.answer == b""
    assert call.tokens_out == 4


def test_a_broken_answer_teaches_nothing() -> None:
    call, estimator = call_for(), Estimator()
    call.tokens_out = 4
    call.failure = failed_with()

    Reckoner(estimator).finished(call)

    assert estimator.expected("m", None) == Estimator.START
