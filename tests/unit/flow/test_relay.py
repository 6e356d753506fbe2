"""Relay: what is kept of a stream, and when its first token is noted."""

import pytest

from proxy.flow.relay import JOINED, SLIM, TAIL, ConvertingRelay, Relay
from proxy.upstream.receiver import CRUMB
from tests.fixtures.course import World
from tests.fixtures.ends import DONE, LAST, ROLE, SSE, EngineEnd, FakeClient, chunk, head, token

USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'


def relaying(said: bytes, *, http10: bool = False) -> tuple[FakeClient, EngineEnd, Relay]:
    client, engine = World("a").asked("a", http10=http10)
    engine.send(said)
    assert client.attempts is not None
    relay = client.attempts.relay
    assert relay is not None
    return client, engine, relay


def test_every_piece_is_written_once_and_as_it_came() -> None:
    client, engine, relay = relaying(SSE + chunk(token("a")))
    pieces = [chunk(token("b")), chunk(token("c")) + chunk(token("d")), chunk(token("e"))]

    engine.send(*pieces)

    assert client.writes[1:] == pieces
    assert all(written is piece for written, piece in zip(client.writes[1:], pieces, strict=True))
    assert relay.chunks == 4
    assert relay.size == sum(map(len, pieces)) + len(chunk(token("a")))


def test_only_the_last_pieces_are_kept() -> None:
    _, engine, relay = relaying(SSE + chunk(token()))

    engine.send(*[chunk(token())] * 100)
    assert len(relay._tail) == 1
    assert relay.latest == relay.earlier == chunk(token())
    engine.send(*[chunk(token())[:40], chunk(token())[40:]] * 100)

    assert len(relay._tail) == TAIL


@pytest.mark.parametrize("whole_first", [False, True])
def test_crumbs_of_an_engine_are_kept_together(whole_first: bool) -> None:
    client, engine = World("a").asked("a")
    said = chunk(USAGE) + chunk(DONE) + LAST
    first = SSE + chunk(token())
    if whole_first:  # nothing told at the commit that crumbs would follow
        engine.send(first)
    else:
        said = first + said

    engine.send(*[said[index : index + 1] for index in range(len(said))])

    assert client.end == "--"
    assert (client.call.tokens_in, client.call.tokens_out) == (3, 2)


def test_crumbs_do_not_pile_up() -> None:
    _, engine, relay = relaying(SSE + chunk(token()))

    engine.send(*[chunk(token("x"))[index : index + 1] for index in range(20)] * 1000)

    assert sum(map(len, relay._tail)) <= TAIL * (JOINED + CRUMB)


def test_while_its_client_does_not_read_little_is_kept() -> None:
    client, engine, relay = relaying(SSE + chunk(token()))
    assert client.attempts is not None
    engine.send(*[chunk(token("x" * 20_000))] * 5, chunk(USAGE))

    client.attempts.client_paused()

    assert sum(map(len, (*relay._tail, relay.latest, relay.earlier))) <= SLIM
    client.attempts.client_resumed()
    engine.send(chunk(DONE) + LAST)
    assert client.end == "--"
    assert client.call.tokens_out == 2


def test_usage_is_read_from_the_end_of_a_stream() -> None:
    client, engine, _ = relaying(SSE + chunk(token()))

    engine.send(chunk(token()), chunk(USAGE), chunk(DONE), LAST)

    assert (client.call.tokens_in, client.call.tokens_out) == (3, 2)
    assert client.call.chunks == 5


@pytest.mark.parametrize("http10", [False, True])
def test_a_converting_relay_counts_and_reads_decoded_bytes(http10: bool) -> None:
    said = SSE if http10 else head(200, b"content-type: text/event-stream")
    pieces = (token(), USAGE, DONE)
    client, engine, relay = relaying(
        said + (chunk(pieces[0]) if http10 else pieces[0]), http10=http10
    )
    assert isinstance(relay, ConvertingRelay)

    for piece in pieces[1:]:
        engine.send(chunk(piece) if http10 else piece)
    if http10:
        engine.send(LAST)
    else:
        engine.close()

    assert client.end == "--"
    assert client.call.bytes_out == sum(map(len, pieces))
    assert client.call.tokens_out == 2


def test_after_the_first_token_pieces_go_straight_to_the_relay() -> None:
    _, engine, relay = relaying(SSE + chunk(ROLE))
    assert engine.connection._chunk != relay.chunk

    engine.send(chunk(token()))

    assert engine.connection._chunk == relay.chunk


def test_pieces_without_content_are_not_written_by_a_converting_relay() -> None:
    client, engine, _ = relaying(SSE + chunk(token()), http10=True)
    before = len(client.writes)

    engine.send(b"5\r\n")

    assert len(client.writes) == before
