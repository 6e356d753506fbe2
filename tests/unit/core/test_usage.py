"""What a call has used: as the engine says, or else estimated; nothing if none answered."""

import pytest

from proxy.core.usage import Measure, Used, measured
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import ended_call


def test_what_the_engine_says_counts() -> None:
    call = ended_call(make_backend("a"))
    call.committed, call.tokens_in, call.tokens_out = True, 12, 34

    assert measured(call) == Measure(tokens_in=12, tokens_out=34)


def test_embeddings_have_no_output() -> None:
    call = ended_call(make_backend("a"))
    call.committed, call.tokens_in, call.tokens_out = True, 12, None

    assert measured(call) == Measure(tokens_in=12)


@pytest.mark.parametrize(("stream", "out"), [(True, 40), (False, 256)])
def test_what_nobody_says_is_estimated(stream: bool, out: int) -> None:
    call = ended_call(make_backend("a"))
    call.committed, call.tokens_in, call.tokens_out = True, None, None
    call.stream, call.chunks, call.prompt_work, call.output_work = stream, 40, 25.5, 256.0

    assert measured(call) == Measure(tokens_in=25, tokens_out=out, estimated=True)


def test_a_prompt_nobody_counted_is_estimated() -> None:
    call = ended_call(make_backend("a"))
    call.committed, call.tokens_in, call.tokens_out, call.prompt_work = True, None, 7, 25.0

    assert measured(call) == Measure(tokens_in=25, tokens_out=7, estimated=True)


def test_a_call_without_an_answer_has_used_nothing() -> None:
    call = ended_call(make_backend("a"))
    call.committed = False
    assert measured(call) == Measure()

    call.committed, call.backend = True, None
    assert measured(call) == Measure()


def test_a_row_has_its_place() -> None:
    assert Used(day="d", key="k", tenant="t", model="m").place == ("d", "k", "t", "m")
