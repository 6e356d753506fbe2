"""What fails before an answer's first event is tried elsewhere, and no client notices."""

import pytest

from proxy.core.breaker import State
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.settings.schema import Timeouts
from tests.fixtures.course import World
from tests.fixtures.ends import (
    DONE,
    LAST,
    SSE,
    EngineEnd,
    FakeClient,
    chunk,
    head,
    plain,
    stream,
    token,
)

REFUSED = Failure(
    kind=Kind.CONNECT_REFUSED,
    origin=Origin.BACKEND,
    phase=Phase.CONNECT,
    detail="nothing listens",
    retryable=True,
    free=True,
)
OWN = b'{"error":{"message":"%b"}}'
ERROR_EVENT = b'data: {"error":{"message":"queue full","type":"overloaded","code":503}}\n\n'


def served_by(client: FakeClient) -> str:
    return client.answer.fields["x-headrace-backend"]


def finish(world: World, client: FakeClient, name: str) -> None:
    """Let the other backend answer, and check that the client has what it wanted."""
    world.pass_time(0.3)  # at most: the back-off
    world.reached(name).send(stream(token()))
    answer = client.answer
    assert answer.status == 200
    assert answer.complete
    assert answer.body == token() + DONE
    assert served_by(client) == name
    assert client.end == "--"
    world.assert_at_rest()


def test_a_refused_connection_is_followed_by_another_backend_at_once() -> None:
    world = World("ab")
    client = world.ask()

    world.dial("a").fail(REFUSED)

    assert not world.dial("b").over
    finish(world, client, "b")
    assert client.answer.fields["x-headrace-attempts"] == "2"
    assert world.suspects == [world.backends["a"]]


ANSWERS = {
    "503": plain(b'{"error":"busy"}', 503),
    "429": plain(b'{"error":"busy"}', 429, b"retry-after: 7"),
    "500": plain(b'{"error":"broken"}', 500),
    "error event": SSE + chunk(ERROR_EVENT),
    "error event and end": stream(ERROR_EVENT),
    "error event in two pieces": SSE + chunk(ERROR_EVENT[:20]) + chunk(ERROR_EVENT[20:]),
    "only a marker's absence": SSE + LAST,
    "comments, then the end": SSE + chunk(b": keep-alive\n\n") + LAST,
    "an empty body": head(200, b"content-length: 0"),
    "garbage": b"\x00\x01garbage",
    "an unasked upgrade": head(101, b"upgrade: websocket", b"connection: upgrade"),
    "two framings": head(200, b"content-length: 3", b"transfer-encoding: chunked") + b"abc",
    "a control byte": head(200, b"x-odd: a\x01b", b"content-length: 0"),
    "bare line feeds": b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}",
    "a huge head": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000,
    "many fields": head(200, *[b"x: y"] * 2000),
    "a bad chunk size": SSE + b"zz\r\n",
    "a redirect": head(302, b"location: http://elsewhere/", b"content-length: 0"),
}


@pytest.mark.parametrize("said", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("whole", [True, False], ids=["in one piece", "byte by byte"])
def test_an_answer_that_is_none_fails_over(said: bytes, whole: bool) -> None:
    world = World("ab")
    client, first = world.asked("a")

    if whole:
        first.send(said)
    elif len(said) < 2000:
        first.send(*(said[index : index + 1] for index in range(len(said))))
    else:
        first.send(*(said[index : index + 1000] for index in range(0, len(said), 1000)))

    assert not client.raw
    finish(world, client, "b")


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"content-length: 31", b'{"error":"Unexpected endpoint"}'),
        (b"transfer-encoding: chunked", LAST),
    ],
)
def test_a_plain_answer_that_is_none_and_comes_whole_fails_over(fields: bytes, body: bytes) -> None:
    world = World("ab")
    client, first = world.asked("a")

    first.send(head(200, fields), body)

    assert not client.raw
    finish(world, client, "b")


@pytest.mark.parametrize("sent", [b"", SSE, SSE + chunk(b": hi\n\n"), SSE + chunk(token()[:9])])
@pytest.mark.parametrize("end", [EngineEnd.close, EngineEnd.reset])
def test_an_engine_that_hangs_up_before_its_first_event_is_left(sent: bytes, end: object) -> None:
    world = World("ab")
    client, first = world.asked("a")
    if sent:
        first.send(sent)

    end(first)  # type: ignore[operator] # one of two methods

    assert not client.raw
    finish(world, client, "b")


def test_a_failed_attempt_is_dropped_and_its_connection_aborted() -> None:
    world = World("ab")
    _, first = world.asked("a")

    first.send(SSE + chunk(ERROR_EVENT))

    assert first.wire.aborted
    assert world.backends["a"].in_flight == 0


def test_the_last_error_is_passed_on_byte_for_byte_with_its_retry_after() -> None:
    world = World("ab")
    client = world.ask()
    for name in "ab":
        world.reached(name).send(plain(OWN % name.encode(), 503, b"retry-after: 9"))
        world.pass_time(0.3)

    answer = client.answer
    assert (answer.status, answer.body) == (503, OWN % b"b")
    assert int(answer.fields["retry-after"]) >= 9
    assert client.end == "BW"
    assert world.books.statuses == [503]
    world.assert_at_rest()


def test_a_full_backend_is_penalised_for_as_long_as_it_asked_and_not_tripped() -> None:
    world = World("ab")
    client, first = world.asked("a")

    first.send(ANSWERS["429"])

    backend = world.backends["a"]
    assert backend.breaker.state(world.now()) is State.CLOSED
    assert backend.load(world.now()) > 0
    assert not world.suspects
    finish(world, client, "b")
    world.pass_time(7.1)
    assert backend.load(world.now()) == 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_backend_that_refuses_our_key_fails_over_and_loses_its_lure(status: int) -> None:
    """Refusing is quick: without a penalty it would look idle and draw everybody's calls."""
    world = World("ab")
    client, engine = world.asked("a")

    engine.send(plain(b'{"error":"Unauthorized"}', status))
    finish(world, client, "b")

    refusing = world.backends["a"]
    assert refusing.breaker.run == 1
    assert refusing.load(world.now()) > 0


def test_a_stale_connection_costs_nothing_and_is_replaced_at_the_same_backend() -> None:
    world = World("a")
    _, first = world.asked("a")
    first.send(stream(token()))
    client = world.ask()
    assert client.attempts is not None
    assert client.attempts.phase is Phase.WAIT  # the pooled connection was taken

    first.close()

    second = world.reached("a")
    second.send(stream(token()))
    assert client.end == "--"
    assert client.answer.complete
    assert world.backends["a"].breaker.run == 0
    world.assert_at_rest()


def test_a_stale_connection_is_replaced_by_a_fresh_one_though_others_wait_in_the_pool() -> None:
    world = World("a")
    ends = [world.asked("a")[1] for _ in range(3)]
    for end in ends:
        end.send(stream(token()))
    world.ask()

    ends[-1].reset()

    assert not world.dial("a").over


def test_a_reused_connection_that_dies_with_a_byte_sent_is_no_stale_one() -> None:
    world = World("a")
    _, first = world.asked("a")
    first.send(stream(token()))
    client = world.ask()

    first.send(b"HTTP/1.1 2")
    first.close()

    assert client.answer.status == 502
    assert client.end == "BW"
    world.assert_at_rest()


def test_a_first_token_timeout_is_followed_by_another_backend() -> None:
    world = World("ab", timeouts=Timeouts(first_token=5.0))
    client, first = world.asked("a")
    first.send(SSE + chunk(b": keep-alive\n\n"))

    world.pass_time(5.1)

    assert first.wire.aborted
    finish(world, client, "b")


def test_a_connect_timeout_of_a_fraction_of_a_second_is_kept() -> None:
    world = World("ab", timeouts=Timeouts(connect=0.2))
    client = world.ask()
    dial = world.dial("a")

    world.pass_time(0.3)

    assert dial.cancelled
    assert world.books.failed[0][0].kind is Kind.CONNECT_TIMEOUT
    world.reached("b").send(stream(token()))
    assert client.end == "--"
    world.assert_at_rest()


def test_engines_that_die_of_a_request_twice_are_spared_a_third() -> None:
    world = World("abcd")
    client = world.ask()

    for name in "ab":
        world.reached(name).reset()
        world.pass_time(0.3)

    assert not world.pools["c"].dials
    assert client.answer.status == 502
    world.assert_at_rest()


def test_a_server_error_is_tried_elsewhere_once_only() -> None:
    world = World("abcd")
    client = world.ask()

    for name in "ab":
        world.reached(name).send(plain(b"{}", 500))
        world.pass_time(0.3)

    assert not world.pools["c"].dials
    assert client.answer.status == 500
    world.assert_at_rest()


def test_a_client_that_leaves_while_a_retry_is_put_off_is_forgotten() -> None:
    world = World("ab", kind="openai")
    client, first = world.asked("a")
    first.send(ANSWERS["503"])

    client.leave()
    world.pass_time(1.0)

    assert not world.pools["b"].dials
    assert client.end == "CQ"
    world.assert_at_rest()


def test_a_drain_that_stops_a_retry_that_is_put_off_is_final() -> None:
    world = World("ab", kind="openai")
    client, first = world.asked("a")
    first.send(ANSWERS["503"])
    assert client.attempts is not None

    client.attempts.stop(REFUSED)
    world.pass_time(1.0)

    assert client.ended == [True]
    assert not world.pools["b"].dials
    world.assert_at_rest()


def test_an_answer_after_interim_ones_is_the_answer() -> None:
    world = World("a")
    client, first = world.asked("a")

    first.send(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n", stream(token())
    )

    assert client.answer.status == 200
    assert "link" not in client.answer.fields
    assert client.answer.complete


def test_retries_beyond_the_budget_are_not_made() -> None:
    world = World("ab", kind="openai")
    clients = [world.ask() for _ in range(5)]
    dials = list(world.pools["a"].dials)

    for dial in dials:
        dial.connect().send(ANSWERS["503"])

    refused = [client for client in clients if client.end]
    assert len(refused) == 2  # three at once are always allowed
    world.pass_time(0.3)
    for dial in world.pools["b"].dials:
        dial.connect().send(stream(token()))
    assert all(client.end for client in clients)
    world.assert_at_rest()


def test_a_burst_that_meets_a_full_engine_moves_to_a_calm_one_at_once() -> None:
    world = World("abc")
    clients = [world.ask() for _ in range(40)]

    for dial in list(world.pools["a"].dials):
        dial.connect().send(ANSWERS["503"])

    assert not [client for client in clients if client.end]
    ends = [dial.connect() for name in "bc" for dial in list(world.pools[name].dials)]
    assert len(ends) == 40
    for end in ends:
        end.send(stream(token()))
    assert {client.end for client in clients} == {"--"}
    world.assert_at_rest()


def test_when_all_engines_are_full_the_budget_holds() -> None:
    world = World("abc")
    clients = [world.ask() for _ in range(40)]
    ends = [dial.connect() for dial in list(world.pools["a"].dials)]
    for name in "bc":
        world.backends[name].penalise(None, world.now())

    for end in ends:
        end.send(ANSWERS["503"])

    assert len([client for client in clients if client.end]) > 20
    for client in clients:
        if not client.end:
            client.leave()
    world.assert_at_rest()


def test_when_an_engine_dies_every_call_that_waits_there_is_answered() -> None:
    world = World("ab")
    clients = [world.asked("a")[0] for _ in range(40)]

    for end in world.pools["a"].ends:
        end.reset()
    world.pass_time(0.3)
    for dial in world.pools["b"].dials:
        dial.connect().send(stream(token()))

    assert {client.end for client in clients} == {"--"}
    world.assert_at_rest()
