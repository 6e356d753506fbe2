"""End codes and the record of a finished call."""

import re
from pathlib import Path

import pytest

from proxy.core.call import OK, Call
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.outcome import END_CODES, reference, summarise

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "end-codes.md"


def test_the_reference_page_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "write reference() to the page"


def test_every_error_code_belongs_to_an_end() -> None:
    assert {kind for code in END_CODES.values() for kind in code.kinds} == set(Kind)


def test_a_code_is_an_origin_and_a_phase() -> None:
    origins, phases = {o.value for o in Origin}, {p.value for p in Phase}

    for code in END_CODES:
        assert code == OK or (code[0] in origins and code[1] in phases and len(code) == 2)


@pytest.mark.parametrize("origin", [Origin.CLIENT, Origin.PROXY, Origin.DEADLINE])
@pytest.mark.parametrize("phase", list(Phase))
def test_clients_proxy_and_deadlines_can_end_a_call_in_every_phase(
    origin: Origin, phase: Phase
) -> None:
    failure = Failure(kind=Kind.INTERNAL, origin=origin, phase=phase, detail="")

    assert failure.code in END_CODES


def test_an_engine_ends_a_call_only_once_it_is_asked() -> None:
    assert {code for code in END_CODES if code.startswith("B")} == {"BC", "BW", "BS"}


def test_meanings_are_one_sentence() -> None:
    for code in END_CODES.values():
        assert re.fullmatch(r"[A-Z][^.]*\.", code.meaning), code.code
        assert code.code == OK or (code.look and code.kinds)


def finished_call() -> Call:
    """Return a call that ended well."""
    call = Call("id-1", "/v1/chat/completions", 100.0)
    call.model, call.native_model = "big", "org/big"
    call.stream, call.status, call.attempts = True, 200, 2
    call.queued_s, call.body_size = 0.5, 77
    call.first_byte_at, call.first_token_at, call.ended_at = 100.75, 101.0, 104.0
    call.tokens_in, call.tokens_out, call.bytes_out, call.chunks = 10, 12, 3000, 14
    call.end = OK
    return call


def test_the_record_of_a_call_that_ended_well() -> None:
    outcome = summarise(finished_call())

    assert (outcome.end, outcome.kind, outcome.detail, outcome.backend) == (OK, "", "", "")
    assert (outcome.queued, outcome.to_first_byte, outcome.to_first_token) == (0.5, 0.75, 1.0)
    assert (outcome.total, outcome.status, outcome.attempts) == (4.0, 200, 2)
    assert (outcome.tokens_in, outcome.tokens_out, outcome.chunks) == (10, 12, 14)
    assert (outcome.bytes_in, outcome.bytes_out, outcome.stream) == (77, 3000, True)
    assert (outcome.model, outcome.native_model) == ("big", "org/big")


def test_the_record_of_a_call_that_failed_before_any_answer() -> None:
    call = Call("id-2", "/v1/embeddings", 100.0)
    call.failure = Failure(
        kind=Kind.QUEUE_FULL, origin=Origin.PROXY, phase=Phase.QUEUE, detail="full"
    )
    call.end, call.ended_at = call.failure.code, 100.5
    outcome = summarise(call)

    assert (outcome.end, outcome.kind, outcome.detail) == ("PQ", "queue_full", "full")
    assert (outcome.to_first_byte, outcome.to_first_token, outcome.total) == (None, None, 0.5)
