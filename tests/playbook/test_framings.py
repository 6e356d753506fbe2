"""Engines and clients that frame bodies differently, and answers that are no streams."""

import pytest

from tests.fixtures.broken import assert_broken
from tests.fixtures.course import World
from tests.fixtures.ends import CHAT, DONE, LAST, SSE, chunk, head, plain, token

EOF_SSE = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


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


def test_an_answer_that_has_no_content_and_says_so_is_passed_on() -> None:
    world = World("a")
    client, engine = world.asked("a", body=b'{"model":"m"}')

    engine.send(head(204))

    assert client.answer.complete
    assert client.call.chunks == 0
    assert world.pools["a"].take(world.now()) is engine.connection
