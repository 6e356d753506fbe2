"""A committed answer: carried byte for byte, ended cleanly only if it is whole."""

import msgspec
import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.settings.schema import Timeouts
from tests.fixtures.course import (
    CHAT,
    DONE,
    LAST,
    ROLE,
    SSE,
    EngineEnd,
    FakeClient,
    World,
    chunk,
    head,
    plain,
    stream,
    token,
)

DRAINING = Failure(
    kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.STREAM, detail="the proxy is stopping"
)
EOF_SSE = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def streaming(world: World, **request: object) -> tuple[FakeClient, EngineEnd]:
    """Return a call whose first token has gone out."""
    client, engine = world.asked("a", **request)
    engine.send(SSE + chunk(token("one")))
    assert client.raw
    return client, engine


def assert_broken(client: FakeClient, code: str, *, event: bool) -> None:
    """Fail unless the answer was broken off visibly, with an error event or without."""
    answer = client.answer
    assert not answer.complete
    assert client.ended == [False]
    assert client.end == code
    assert (b'"error"' in answer.body) == event
    assert b"[DONE]" not in answer.body


def test_a_stream_passes_unchanged_but_for_its_head() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(SSE, chunk(token("one")), chunk(token("two")) + chunk(DONE), LAST)

    assert client.raw.endswith(chunk(token("one")) + chunk(token("two")) + chunk(DONE) + LAST)
    assert client.answer.complete
    assert client.answer.fields["content-type"] == "text/event-stream"
    assert client.answer.fields["x-request-id"] == "id-1"
    assert client.ended == [True]
    assert client.end == "--"
    assert not engine.gone
    world.assert_at_rest()


def test_nothing_is_sent_before_the_first_data_event() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(SSE, chunk(b": keep-alive\n\n"), chunk(b"data: {"), chunk(b'"a":1}\n'))
    assert not client.raw
    engine.send(chunk(b"\n"))

    assert client.answer.body == b': keep-alive\n\ndata: {"a":1}\n\n'


@pytest.mark.parametrize("end", [EngineEnd.close, EngineEnd.reset])
def test_a_stream_cut_between_events_gets_an_error_event_and_no_end(end: object) -> None:
    world = World("a")
    client, engine = streaming(world)

    end(engine)  # type: ignore[operator] # one of two methods

    assert_broken(client, "BS", event=True)
    assert client.answer.body.startswith(token("one"))
    assert world.backends["a"].breaker.run == 1
    world.assert_at_rest()


@pytest.mark.parametrize(
    "rest",
    [
        chunk(token())[:-1],  # the chunk's own line end is missing
        chunk(token())[:12],  # half a chunk
        b"5",  # half a size
        chunk(b"data: half an event"),
        chunk(token()[:-1]),  # an event without its blank line
    ],
)
def test_a_stream_cut_elsewhere_is_only_aborted(rest: bytes) -> None:
    world = World("a")
    client, engine = streaming(world)
    engine.send(rest)

    engine.close()

    assert_broken(client, "BS", event=False)
    world.assert_at_rest()


@pytest.mark.parametrize(
    "ending",
    [
        (LAST,),
        (chunk(token()) + LAST,),
        (chunk(token()), LAST),
        (chunk(token()), b"0\r\n", b"\r\n"),
    ],
)
def test_a_stream_that_ends_without_its_marker_is_not_ended_cleanly(
    ending: tuple[bytes, ...],
) -> None:
    world = World("a")
    client, engine = streaming(world)

    engine.send(*ending)

    assert_broken(client, "BS", event=len(ending[-1]) != 2)
    assert client.call.failure is not None
    assert client.call.failure.kind is Kind.TRUNCATED
    world.assert_at_rest()


def test_an_engine_that_needs_no_marker_may_end_without() -> None:
    world = World("a")
    side = world.course.sides[world.backends["a"]]
    side.engine = msgspec.structs.replace(side.engine, done_required=False)
    client, engine = streaming(world)

    engine.send(LAST)

    assert client.answer.complete
    assert client.end == "--"


def test_an_error_event_inside_a_whole_stream_is_passed_on_and_noted() -> None:
    world = World("a")
    client, engine = streaming(world)

    engine.send(chunk(b'data: {"error":{"message":"out of memory"}}\n\n') + chunk(DONE) + LAST)

    assert client.answer.complete
    assert client.ended == [True]
    assert client.end == "BS"
    assert client.call.failure is not None
    assert client.call.failure.kind is Kind.ERROR_EVENT
    world.assert_at_rest()


def test_bad_framing_in_the_middle_breaks_the_answer_off() -> None:
    world = World("a")
    client, engine = streaming(world)

    engine.send(b"zz\r\nnot a chunk")

    assert_broken(client, "BS", event=False)
    assert engine.wire.aborted


def test_surplus_bytes_never_reach_the_client_nor_the_pool() -> None:
    world = World("a")
    client, engine = streaming(world)

    engine.send(chunk(DONE) + LAST + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    assert client.answer.complete
    assert not client.answer.surplus
    assert engine.gone
    world.assert_at_rest()


@pytest.mark.parametrize(
    "pieces", [(LAST + b"\r\n",), (b"0\r\n", b"\r\n\r\n"), (b"0", b"\r\n\r\n\r\n")]
)
def test_line_ends_behind_the_end_never_reach_the_client(pieces: tuple[bytes, ...]) -> None:
    world = World("a")
    client, engine = streaming(world)

    engine.send(chunk(DONE), *pieces)

    assert client.answer.complete
    assert not client.answer.surplus


def test_a_stream_with_trailers_passes() -> None:
    world = World("a")
    client, engine = streaming(world)

    engine.send(chunk(DONE) + b"0\r\nx-tokens: 10\r\n\r\n")

    assert client.answer.complete
    assert not client.answer.surplus
    assert client.end == "--"


def test_a_stream_with_a_length_that_lacks_its_marker_stays_short() -> None:
    world = World("a")
    client, engine = world.asked("a")
    length = b"content-length: %d" % (2 * len(token()))
    engine.send(head(200, b"content-type: text/event-stream", length), token())

    engine.send(token())

    assert_broken(client, "BS", event=False)
    assert not client.answer.surplus
    world.assert_at_rest()


# other framings ---------------------------------------------------------------------------------


def test_a_body_ended_by_closing_is_chunked_for_the_client() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(EOF_SSE, token("one"), token("two") + DONE)
    engine.close()

    assert client.answer.complete
    assert client.answer.body == token("one") + token("two") + DONE
    assert client.ended == [True]
    world.assert_at_rest()


def test_a_body_ended_by_closing_too_early_gets_an_error_event() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(EOF_SSE, token("one"))
    engine.close()

    assert_broken(client, "BS", event=True)


def test_a_plain_body_ended_by_closing_is_whole_when_its_bracket_is() -> None:
    world = World("a")
    said = b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n"
    whole, engine = world.asked("a", body=b'{"model":"m"}')
    engine.send(said, b'{"a":', b"1}\n")
    engine.close()
    cut, engine = world.asked("a", body=b'{"model":"m"}')
    engine.send(said, b'{"a":', b"1")
    engine.close()

    assert whole.answer.complete
    assert whole.answer.body == b'{"a":1}\n'
    assert_broken(cut, "BS", event=False)


def test_a_client_of_http_1_0_gets_decoded_bytes_and_a_closed_connection() -> None:
    world = World("a")
    client, engine = world.asked("a", http10=True)

    engine.send(SSE, chunk(token("one")), chunk(token("two")) + chunk(DONE), LAST)

    assert client.raw.endswith(b"\r\n\r\n" + token("one") + token("two") + DONE)
    assert b"transfer-encoding" not in client.raw
    assert client.answer.fields["connection"] == "close"
    assert client.closing
    assert client.end == "--"


def test_a_client_of_http_1_0_is_told_of_a_broken_stream() -> None:
    world = World("a")
    client, engine = world.asked("a", http10=True)
    engine.send(SSE, chunk(token("one")), chunk(token("two")), LAST)

    assert client.ended == [False]
    assert client.raw.count(b'"error"') == 1
    assert client.raw.endswith(b"\n\n")


def test_a_plain_answer_keeps_its_length_and_its_bytes() -> None:
    world = World("a")
    body = b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}'
    client, engine = world.asked("a", body=b'{"model":"m"}')

    engine.send(plain(body))

    assert client.answer.complete
    assert client.answer.body == body
    assert (client.call.tokens_in, client.call.tokens_out) == (3, 5)
    assert world.pools["a"].take(world.now()) is engine.connection


def test_a_plain_answer_shorter_than_its_length_is_broken_off() -> None:
    world = World("a")
    client, engine = world.asked("a", body=b'{"model":"m"}')

    engine.send(head(200, b"content-length: 100"), b"{}")
    engine.close()

    assert_broken(client, "BS", event=False)


def test_a_plain_answer_longer_than_its_length_is_cut_and_its_connection_closed() -> None:
    world = World("a")
    client, engine = world.asked("a", body=b'{"model":"m"}')

    engine.send(plain(b"{}") + b"HTTP/1.1 200 OK\r\n\r\n")

    assert client.answer.body == b"{}"
    assert not client.answer.surplus
    assert engine.gone


@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings"])
def test_a_plain_answer_to_a_stream_request_is_passed_on(path: str) -> None:
    world = World("a")
    client, engine = world.asked("a", path=path)

    engine.send(plain(b'{"choices":[]}'))

    assert client.answer.body == b'{"choices":[]}'
    assert client.end == "--"


def test_an_empty_answer_is_passed_on() -> None:
    world = World("a")
    client, engine = world.asked("a", body=b'{"model":"m"}')

    engine.send(head(200, b"content-length: 0"))

    assert client.answer.complete
    assert client.call.chunks == 0
    assert world.pools["a"].take(world.now()) is engine.connection


# back-pressure ----------------------------------------------------------------------------------


def test_a_client_that_does_not_read_pauses_its_engine() -> None:
    world = World("a")
    client, engine = streaming(world)
    assert client.attempts is not None

    client.attempts.client_paused()
    assert engine.wire.paused
    client.attempts.client_resumed()

    assert not engine.wire.paused
    engine.send(chunk(DONE) + LAST)
    assert client.end == "--"


def test_a_client_paused_before_the_commit_pauses_its_engine_at_the_commit() -> None:
    world = World("a")
    client, engine = world.asked("a")
    assert client.attempts is not None

    client.attempts.client_paused()
    assert not engine.wire.paused
    engine.send(SSE + chunk(token()))

    assert engine.wire.paused


@pytest.mark.parametrize("first", [b"", SSE + chunk(token())])
def test_a_buffer_filled_by_the_last_piece_leaves_no_paused_connection_behind(first: bytes) -> None:
    world = World("a")
    client, engine = world.asked("a")
    if first:
        engine.send(first)
    client.full_at = len(client.raw) + 1

    engine.send((b"" if first else SSE) + chunk(token()) + chunk(DONE) + LAST)

    assert client.end == "--"
    assert not engine.wire.paused
    again = world.ask()
    engine.send(stream(token()))
    assert again.end == "--"


def test_a_paused_connection_is_read_again_before_its_next_call() -> None:
    world = World("a")
    client, engine = streaming(world)
    assert client.attempts is not None
    client.attempts.client_paused()
    engine.wire.paused = False  # what was on its way arrives all the same

    engine.send(chunk(DONE) + LAST)

    assert not engine.wire.paused
    world.ask()
    engine.send(stream(token()))
    assert world.clients[-1].end == "--"


def test_an_engine_paused_for_its_client_is_not_taken_for_silent() -> None:
    world = World("a", timeouts=Timeouts(idle=5.0))
    client, _ = streaming(world)
    assert client.attempts is not None

    client.attempts.client_paused()
    world.pass_time(30.0)
    assert not client.end
    client.attempts.client_resumed()
    world.pass_time(4.0)
    assert not client.end
    world.pass_time(2.0)

    assert_broken(client, "TS", event=True)


def test_a_client_that_does_not_read_for_a_minute_is_given_up() -> None:
    world = World("a")
    client, engine = streaming(world)
    assert client.attempts is not None

    client.attempts.client_paused()
    world.pass_time(62.0)

    assert_broken(client, "CS", event=True)
    assert engine.wire.aborted
    assert world.backends["a"].breaker.run == 0
    world.assert_at_rest()


# clocks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("idle", [0.3, 5.0])
def test_an_engine_silent_for_too_long_is_given_up(idle: float) -> None:
    world = World("a", timeouts=Timeouts(idle=idle))
    client, engine = streaming(world)
    world.pass_time(idle - 0.1)
    engine.send(chunk(token("two")))
    world.pass_time(idle - 0.1)
    assert not client.end

    world.pass_time(0.2)

    assert_broken(client, "TS", event=True)
    assert engine.wire.aborted
    world.assert_at_rest()


def test_a_comment_counts_against_silence() -> None:
    world = World("a", timeouts=Timeouts(idle=5.0))
    client, engine = streaming(world)

    for _ in range(5):
        world.pass_time(4.0)
        engine.send(chunk(b": ping\n\n"))

    assert not client.end


# The settings' limit depends on the backend, so it holds from the first choice on: not in a queue.
@pytest.mark.parametrize(
    ("stage", "source"),
    [("queue", "client")]
    + [(s, who) for s in ("connect", "wait", "stream") for who in ("client", "settings")],
)
def test_the_overall_deadline_holds_in_every_phase(stage: str, source: str) -> None:
    total = 3.0 if source == "settings" else 0.0
    world = World("a", cap=1, timeouts=Timeouts(connect=10.0, total=total))
    if stage == "queue":
        world.timeouts = Timeouts(connect=0.0)
        world.ask()
    client = world.ask(timeout=3.0 if source == "client" else 0.0)
    if stage in {"wait", "stream"}:
        engine = world.reached("a")
        if stage == "stream":
            engine.send(SSE + chunk(token()))

    world.pass_time(2.9)
    assert not client.end
    world.pass_time(0.2)

    assert client.call.failure is not None
    assert client.call.failure.kind is Kind.TOTAL_TIMEOUT
    if stage != "stream":
        assert client.answer.status == 504
    else:
        assert_broken(client, "TS", event=True)


def test_the_shorter_of_both_overall_limits_holds() -> None:
    world = World("a", timeouts=Timeouts(total=5.0))

    assert world.ask(timeout=2.0).call.deadline == world.now() + 2.0
    assert world.ask(timeout=9.0).call.deadline == world.now() + 5.0


@pytest.mark.parametrize("timeout", [0.15, 0.4])
def test_a_deadline_of_a_fraction_of_a_second_is_kept(timeout: float) -> None:
    world = World("a")
    client = world.ask(timeout=timeout)

    world.pass_time(timeout + 0.06)

    assert client.answer.status == 504


# the end of the proxy and of the client ---------------------------------------------------------


def test_a_drain_breaks_a_stream_off_with_an_error_event() -> None:
    world = World("a")
    client, engine = streaming(world)
    assert client.attempts is not None

    client.attempts.stop(DRAINING)
    client.attempts.stop(DRAINING)

    assert_broken(client, "PS", event=True)
    assert engine.wire.aborted
    assert world.backends["a"].breaker.run == 0
    world.assert_at_rest()


def test_a_client_that_leaves_takes_its_engine_with_it() -> None:
    world = World("a")
    client, engine = streaming(world)

    client.leave()

    assert engine.wire.aborted
    assert client.end == "CS"
    assert not client.ended
    assert world.backends["a"].breaker.run == 0
    world.assert_at_rest()


# the first token --------------------------------------------------------------------------------


def test_an_event_that_names_the_role_is_no_token_yet() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(SSE + chunk(ROLE))
    world.pass_time(0.5)
    engine.send(chunk(token()))
    world.pass_time(0.5)
    engine.send(chunk(token()), chunk(DONE), LAST)

    assert client.call.first_byte_at == client.call.received_at
    assert client.call.first_token_at == pytest.approx(client.call.received_at + 0.5)
    assert client.answer.body == ROLE + token() + token() + DONE


@pytest.mark.parametrize("opening", [chunk(ROLE) + chunk(token()), chunk(ROLE + token())])
def test_a_role_that_comes_with_a_token_is_one(opening: bytes) -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(SSE + opening)
    world.pass_time(0.5)
    engine.send(chunk(DONE) + LAST)

    assert client.call.first_token_at == client.call.received_at


@pytest.mark.parametrize("end", [(LAST,), (chunk(DONE) + LAST,), (chunk(DONE), LAST)])
def test_a_stream_of_a_role_only_ends_like_any_other(end: tuple[bytes, ...]) -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(SSE + chunk(ROLE), *end)

    assert client.answer.complete == (end != (LAST,))
    world.assert_at_rest()


def test_a_role_and_then_a_broken_connection_is_a_broken_stream() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(SSE + chunk(ROLE))
    engine.reset()

    assert_broken(client, "BS", event=True)


# several calls on one connection ----------------------------------------------------------------


def test_a_response_whole_in_one_piece_leaves_its_connection_to_the_next_call_alone() -> None:
    world = World("a")
    first, engine = world.asked("a")
    engine.send(stream(token()))
    raw = first.raw

    engine.reset()

    assert first.raw == raw
    assert first.ended == [True]
    world.assert_at_rest()


def test_lengths_and_echoed_ids_differ_though_the_heads_are_recognised() -> None:
    world = World("a")
    bodies = [b'{"a":1}', b"{}", b"", b'{"b":%b}' % (b"1" * 5000), b"", b'{"a":2}']
    _, engine = world.asked("a", body=b'{"model":"m"}')
    engine.send(plain(b"{}", 200, b"x-request-id: id-1"))

    for number, body in enumerate(bodies):
        client = world.ask(body=b'{"model":"m"}')
        engine.send(plain(body, 200, b"x-request-id: other-%d" % number))
        assert client.answer.body == body
        assert client.answer.complete
        assert not client.answer.surplus
        assert client.answer.fields["x-request-id"] == client.call.request_id
    assert len(world.pools["a"].heads) == 1


def test_an_engine_that_answers_before_it_has_read_the_request_is_not_waited_for() -> None:
    world = World("ab")
    client, engine = world.asked("a")
    engine.wire.unsent = 1_000_000

    engine.send(plain(b'{"error":"too large"}', 413))

    assert client.answer.status == 413
    assert client.answer.body == b'{"error":"too large"}'
    assert engine.wire.aborted
    world.assert_at_rest()
