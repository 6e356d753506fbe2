"""A committed answer: carried byte for byte, ended cleanly only if it is whole."""

import msgspec
import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from tests.fixtures.broken import assert_broken, streaming
from tests.fixtures.course import World
from tests.fixtures.ends import (
    DONE,
    LAST,
    ROLE,
    SSE,
    EngineEnd,
    chunk,
    head,
    plain,
    stream,
    token,
)

DRAINING = Failure(
    kind=Kind.DRAINING, origin=Origin.PROXY, phase=Phase.STREAM, detail="the proxy is stopping"
)


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
def test_of_a_stream_cut_elsewhere_only_whole_events_are_passed_on(rest: bytes) -> None:
    world = World("a")
    client, engine = streaming(world)
    engine.send(rest)

    engine.close()

    assert_broken(client, "BS", event=True)
    whole = token() if rest.startswith(chunk(token())[:-1]) else b""
    assert client.answer.body.startswith(token("one") + whole + b'data: {"error"')
    world.assert_at_rest()


def test_three_bytes_of_an_event_may_slip_through_and_no_error_event_is_glued_to_them() -> None:
    world = World("a")
    client, engine = streaming(world)
    size = len(b"39\r\ndat")
    engine.send(chunk(token())[:size])  # a line end stands where that of an event would

    engine.close()

    assert_broken(client, "BS", event=False)
    assert client.answer.body == token("one") + b"dat"


def test_what_follows_bytes_that_slipped_through_is_passed_on_as_it_is() -> None:
    world = World("a")
    client, engine = streaming(world)
    said = chunk(token("b"))

    engine.send(said[:7], said[7:20], said[20:], chunk(token("c"))[:9], chunk(token("c"))[9:])
    engine.send(chunk(DONE) + LAST)

    assert client.answer.body == b"".join(map(token, ("one", "b", "c"))) + DONE
    assert client.answer.complete
    world.assert_at_rest()


def test_a_chunk_with_what_looks_like_its_end_inside_is_not_torn_apart() -> None:
    world = World("a")
    client, engine = streaming(world)
    odd = chunk(b'data: {"a":1}\n\n\r\ndata: {"b":2}\n\n')
    cut = odd.index(b'data: {"b')

    engine.send(odd[:cut], odd[cut : cut + 5])  # the first part passes as a whole event and chunk

    assert_broken(client, "BS", event=False)
    assert client.call.failure is not None
    assert client.call.failure.kind is Kind.BAD_RESPONSE


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

    assert_broken(client, "BS", event=True)
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

    assert_broken(client, "BS", event=True)
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
    bodies = [b'{"a":1}', b"{}", b"0", b'{"b":%b}' % (b"1" * 5000), b'{"a":2}']
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

    said = b'{"error":{"message":"too large"}}'
    engine.send(plain(said, 413))

    assert client.answer.status == 413
    assert client.answer.body == said
    assert engine.wire.aborted
    world.assert_at_rest()


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
