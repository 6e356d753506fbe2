"""A client that leaves, and a proxy that stops, in every phase; and requests nobody can serve."""

import orjson
import pytest

from proxy.core.failure import Failure, Kind, Origin, Phase
from tests.fixtures.course import World
from tests.fixtures.ends import SSE, FakeClient, chunk, plain, stream, token

PHASES = [Phase.QUEUE, Phase.CONNECT, Phase.WAIT, Phase.STREAM]


def brought_to(phase: Phase) -> tuple[World, FakeClient]:
    """Return a call in that phase; a second call occupies the backend only in QUEUE."""
    world = World("a", cap=1)
    if phase is Phase.QUEUE:
        world.asked("a")
    client = world.ask()
    if phase in {Phase.WAIT, Phase.STREAM}:
        engine = world.reached("a")
        if phase is Phase.STREAM:
            engine.send(SSE + chunk(token()))
    assert client.attempts is not None
    assert client.attempts.phase is phase
    return world, client


@pytest.mark.parametrize("phase", PHASES)
def test_a_client_that_leaves_ends_its_call_at_once(phase: Phase) -> None:
    world, client = brought_to(phase)
    raw = client.raw

    client.leave()
    client.leave()

    assert client.end == f"C{phase.value}"
    assert client.raw == raw
    if phase is Phase.CONNECT:
        assert world.pools["a"].dials[-1].cancelled
    elif phase is not Phase.QUEUE:
        assert world.pools["a"].ends[-1].wire.aborted
    assert world.backends["a"].breaker.run == 0
    assert world.backends["a"].in_flight == (phase is Phase.QUEUE)


@pytest.mark.parametrize("phase", PHASES)
def test_a_stop_ends_a_call_with_words(phase: Phase) -> None:
    world, client = brought_to(phase)
    assert client.attempts is not None

    client.attempts.stop(
        Failure(kind=Kind.DRAINING, origin=Origin.PROXY, phase=phase, detail="stopping")
    )

    assert client.end == f"P{phase.value}"
    assert b"draining" in client.answer.body
    if phase is Phase.STREAM:
        assert client.ended == [False]
        assert not client.answer.complete
    else:
        assert client.answer.status == 503
        assert world.books.statuses == [503]
    assert world.backends["a"].breaker.run == 0


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_an_engine_s_refusal_of_the_request_is_passed_on_byte_for_byte(status: int) -> None:
    world = World("ab")
    client, engine = world.asked("a")
    said = b'{"error":\n {"message":"no"}}'

    engine.send(plain(said, status))

    assert client.answer.status == status
    assert client.answer.body == said
    assert client.end == "CW"
    assert not world.pools["b"].dials
    assert world.backends["a"].breaker.run == 0
    assert not engine.gone
    world.assert_at_rest()


def test_a_refusal_that_comes_in_chunks_is_passed_on_decoded() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(b"HTTP/1.1 400 X\r\ncontent-type: text/json\r\ntransfer-encoding: chunked\r\n\r\n")
    engine.send(chunk(b'{"error":{"message":"no, '), chunk(b'never"}}') + b"0\r\n\r\n")

    assert client.answer.body == b'{"error":{"message":"no, never"}}'
    assert client.answer.fields["content-type"] == "text/json"


def test_a_refusal_in_another_shape_is_told_in_the_callers() -> None:
    world = World("a")
    client, engine = world.asked("a")

    engine.send(b"HTTP/1.1 400 X\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nnever")

    assert orjson.loads(client.answer.body)["error"]["message"] == "never."
    assert client.answer.fields["content-type"] == "application/json"


def test_a_refusal_that_repeats_a_huge_prompt_keeps_its_status() -> None:
    world = World("ab")
    client, engine = world.asked("a")

    engine.send(b"HTTP/1.1 422 X\r\ncontent-length: 3000000\r\n\r\n", b"x" * 1_500_000)

    assert client.answer.status == 422
    assert client.end == "CW"
    assert engine.wire.aborted
    assert not world.pools["b"].dials


def test_a_refusal_whose_connection_breaks_keeps_its_status() -> None:
    world = World("ab")
    client, engine = world.asked("a")

    engine.send(b"HTTP/1.1 413 X\r\ncontent-length: 30\r\n\r\n{")
    engine.reset()

    assert client.answer.status == 413
    assert not world.pools["b"].dials
    world.assert_at_rest()


def test_a_server_error_that_is_the_client_s_fault_is_passed_on() -> None:
    world = World("ab", kind="llamacpp")
    client, engine = world.asked("a")
    said = b'{"error":{"code":500,"message":"\'messages\' is required"}}'

    engine.send(plain(said, 500))

    assert client.answer.body == said
    assert client.end == "CW"
    assert not world.pools["b"].dials
    assert world.backends["a"].breaker.run == 0


def test_a_mistake_reported_inside_a_stream_is_the_answer() -> None:
    world = World("ab")
    client, engine = world.asked("a")
    event = b'data: {"error":{"message":"too long","code":400}}\n\n'

    engine.send(stream(event))

    assert event in client.answer.body
    assert client.answer.complete
    assert not world.pools["b"].dials


def test_an_alias_is_renamed_for_the_engine_and_nothing_else_changes() -> None:
    world = World("a", aliases={"gpt": ["m"]}, native="org/m")

    _, engine = world.asked("a", body=b'{"stream": true, "model" : "gpt", "x":{"model":"gpt"}}')

    head, _, body = engine.asked.partition(b"\r\n\r\n")
    assert body == b'{"stream": true, "model" : "org/m", "x":{"model":"gpt"}}'
    assert b"content-length: %d" % len(body) in head


def test_a_second_name_of_an_alias_serves_when_the_first_has_no_backend_left() -> None:
    world = World("a", aliases={"gpt": ["gone", "m"]})

    client = world.ask(body=b'{"model":"gpt","stream":true}')
    world.reached("a").send(stream(token()))

    assert client.end == "--"


def test_the_engine_is_asked_with_its_own_host_and_the_request_s_id() -> None:
    world = World("a")

    _, engine = world.asked("a")

    head, _, body = engine.asked.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /v1/chat/completions HTTP/1.1",
        b"host: a:8000",
        b"content-length: 27",
        b"content-type: application/json",
        b"x-request-id: id-1",
    ]
    assert body == b'{"model":"m","stream":true}'


def test_a_pinned_backend_is_the_only_one_tried() -> None:
    world = World("ab")

    client, engine = world.asked("b", pin="b")
    engine.send(plain(b"{}", 503))
    world.pass_time(0.3)

    assert not world.pools["a"].dials
    assert client.answer.status == 503


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"body": b'{"model":"other"}'}, Kind.UNKNOWN_MODEL),
        ({"pin": "z"}, Kind.UNKNOWN_BACKEND),
        ({"path": "/v1/images/generations"}, Kind.UNKNOWN_PATH),
        ({"body": b"{"}, Kind.BAD_JSON),
        ({"body": b'{"model":7}'}, Kind.BAD_REQUEST),
        ({"path": "/v1/audio/transcriptions"}, Kind.BAD_REQUEST),
    ],
)
def test_what_cannot_be_routed_is_refused_and_counted(
    request_: dict[str, object], kind: Kind
) -> None:
    world = World("a")

    client = world.ask(**request_)  # type: ignore[arg-type] # one of the columns above

    assert client.refusals[0].kind is kind
    assert 400 <= client.answer.status < 500
    assert client.attempts is None
    assert world.books.started == 1
    assert world.books.statuses == [client.answer.status]
    world.assert_at_rest()
