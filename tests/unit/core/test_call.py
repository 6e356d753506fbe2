"""The facts of one request: how they begin, and what a person reads of them."""

from proxy.core.call import Call


def test_a_new_call_has_done_nothing() -> None:
    call = Call("id-1", "/v1/chat/completions", 12.5)

    assert call.received_at == 12.5
    assert (call.attempts, call.tried, call.committed, call.end) == (0, [], False, "")
    assert call.dispatched_at == call.first_token_at == call.ended_at == 0.0


def test_calls_do_not_share_what_they_tried() -> None:
    first, second = Call("1", "/", 0.0), Call("2", "/", 0.0)

    first.tried.append(None)  # type: ignore[arg-type] # anything will do

    assert second.tried == []


def test_work_is_prompt_and_answer() -> None:
    call = Call("1", "/", 0.0)
    call.prompt_work, call.output_work = 100.0, 28.0

    assert call.work == 128.0


def test_it_shows_where_it_stands() -> None:
    call = Call("id-1", "/v1/completions", 0.0)
    call.model = "m"

    assert repr(call) == "<Call id-1 /v1/completions 'm' - end=?>"
