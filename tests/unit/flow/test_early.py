"""Early commits: a client hears of its stream before the engine begins, and of failures in it."""

import pytest

from proxy.core.early import Policy
from proxy.core.failure import Kind
from proxy.flow.continuing import ContinuingAttempts
from proxy.flow.early import Earlies, EarlyAttempts
from proxy.flow.hedging import Hedges
from proxy.settings.schema import Timeouts
from tests.fixtures.course import TICK, World
from tests.fixtures.ends import DONE, LAST, SSE, chunk, head, plain, stream, token

CHATTING = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
COMMENT = b": waiting\n\n"
PING = b'event: ping\ndata: {"type": "ping"}\n\n'


class Early(World):
    """A world whose model is committed after a second, with a comment every ten."""

    def __init__(self, names: str = "ab", *, cap: int | None = None, **rules: float) -> None:
        super().__init__(names, cap=cap, timeouts=Timeouts(first_token=60.0), queue_timeout=0.0)
        self.course.early = self.early = Earlies()
        policy = Policy(**{"after": 1.0, "every": 10.0, **rules})
        self.early.policy_of = lambda model: policy if model == "m" else None


def test_an_answer_that_begins_in_time_is_as_without_this() -> None:
    world = Early()
    client, serving = world.asked()

    serving.send(stream(token()))
    world.pass_time(30.0)

    assert client.answer.body == token() + DONE
    assert b"x-headrace-backend: a" in client.raw
    assert client.end == "--"
    assert not world.early.live
    world.assert_at_rest()


def test_a_client_hears_of_its_stream_while_it_waits_in_the_queue() -> None:
    world = Early("a", cap=1)
    first, serving = world.asked()
    serving.send(SSE, chunk(token()))
    client = world.ask()
    world.pass_time(22.0)

    assert client.answer.status == 200
    assert b"content-type: text/event-stream" in client.raw
    assert client.raw.count(COMMENT) == 3
    assert first.raw.count(COMMENT) == 0

    serving.send(chunk(DONE), LAST)
    serving.send(SSE, chunk(token("late")), chunk(DONE), LAST)

    assert client.answer.body == COMMENT * 3 + token("late") + DONE
    assert client.answer.complete
    assert client.raw.count(b"HTTP/1.1") == 1
    assert client.end == "--"
    world.assert_at_rest()


def test_attempts_before_the_first_event_stay_invisible() -> None:
    world = Early()
    client, first = world.asked()
    world.pass_time(1.5)

    first.send(plain(b'{"error":{"message":"full"}}', 503))
    world.pass_time(2.0)
    world.reached("b").send(stream(token()))

    assert client.answer.body == COMMENT + token() + DONE
    assert client.call.attempts == 2
    world.assert_at_rest()


def test_what_would_have_been_the_answer_is_told_in_the_stream() -> None:
    world = Early("a")
    client, serving = world.asked()
    world.pass_time(1.5)

    serving.send(plain(b'{\n"error":{"message":"too long","type":"x"}\n}', 400))

    said = client.answer.body.removeprefix(COMMENT)
    assert said.startswith(b"data: {")
    assert b"too long" in said
    assert said.endswith(b"\n\n")
    assert client.ended == [False]
    assert not client.answer.complete
    assert (client.end, client.call.status) == ("CW", 200)
    world.assert_at_rest()


def test_a_failure_of_ours_is_told_in_the_stream() -> None:
    world = Early("a")
    client, _ = world.asked()

    world.pass_time(70.0)

    assert b'"code":"first_token_timeout"' in client.answer.body
    assert client.ended == [False]
    world.assert_at_rest()


def test_before_the_head_is_out_an_error_has_its_status() -> None:
    world = Early("a")
    client, serving = world.asked()

    serving.send(plain(b'{"error":{"message":"no"}}', 400))

    assert client.answer.status == 400
    world.assert_at_rest()


def test_a_client_that_leaves_gets_no_more() -> None:
    world = Early("a")
    client, serving = world.asked()
    world.pass_time(1.5)

    client.leave()
    world.pass_time(30.0)

    assert serving.gone
    assert client.raw.count(COMMENT) == 1
    assert not world.early.live
    world.assert_at_rest()


def test_a_client_that_does_not_read_gets_none() -> None:
    world = Early("a")
    client, serving = world.asked()
    world.pass_time(1.5)
    assert client.attempts is not None

    client.attempts.client_paused()
    world.pass_time(25.0)
    assert client.raw.count(COMMENT) == 1
    client.attempts.client_resumed()
    world.pass_time(10.0)

    assert client.raw.count(COMMENT) == 2
    serving.send(stream(token()))
    world.assert_at_rest()


@pytest.mark.parametrize(
    "answer",
    [
        plain(b'{"object":"chat.completion"}'),
        head(200, b"content-type: application/json", b"content-length: 40") + b"{",
        head(200, b"content-type: application/x-ndjson", b"content-length: 40") + b'{"a":1}\n',
    ],
    ids=["whole", "begun", "lines"],
)
def test_an_answer_that_is_no_stream_of_events_is_no_answer(answer: bytes) -> None:
    world = Early()
    client, first = world.asked()
    world.pass_time(1.5)

    first.send(answer)
    world.pass_time(2.0)
    world.reached("b").send(stream(token()))

    assert client.answer.body == COMMENT + token() + DONE
    assert world.books.failed[0][0].kind is Kind.BAD_RESPONSE
    world.assert_at_rest()


def test_a_stream_of_stated_length_is_put_into_chunks() -> None:
    world = Early("a")
    client, serving = world.asked()
    world.pass_time(1.5)
    said = token() + DONE

    serving.send(head(200, b"content-type: text/event-stream", b"content-length: %d" % len(said)))
    serving.send(token(), DONE)

    assert client.answer.body == COMMENT + said
    assert client.answer.complete
    world.assert_at_rest()


def test_a_client_of_http_1_0_gets_it_without_chunks() -> None:
    world = Early("a")
    client = world.ask(http10=True)
    serving = world.reached()
    world.pass_time(1.5)
    serving.send(stream(token()))

    assert client.raw.partition(b"\r\n\r\n")[2] == COMMENT + token() + DONE
    assert b"transfer-encoding" not in client.raw
    world.assert_at_rest()


@pytest.mark.parametrize(
    ("path", "body", "sign"),
    [
        ("/v1/messages", b'{"model":"m","max_tokens":1,"stream":true,"messages":[]}', PING),
        ("/v1/responses", b'{"model":"m","stream":true,"input":"x"}', COMMENT),
        ("/v1/completions", b'{"model":"m","stream":true,"prompt":"x"}', COMMENT),
        ("/v1/completions", b'{"model":"m","prompt":"x"}', b""),
        ("/api/chat", b'{"model":"m","messages":[{"role":"user","content":"x"}]}', b""),
    ],
)
def test_every_api_has_its_sign_of_life_or_none(path: str, body: bytes, sign: bytes) -> None:
    world = Early("a")
    client = world.ask(path=path, body=body)
    world.pass_time(1.5)

    assert client.answer.body == sign if sign else not client.raw


def test_at_once_is_at_once() -> None:
    world = Early("a", after=0.0)
    client = world.ask()
    world.pass_time(TICK)

    assert client.raw.endswith(b"b\r\n%b\r\n" % COMMENT)


def test_it_goes_together_with_continuing_and_hedging() -> None:
    world = Early()
    world.course.hedges = Hedges()
    client, first = world.asked(continues=True, body=CHATTING)
    assert isinstance(client.attempts, EarlyAttempts)
    assert isinstance(client.attempts, ContinuingAttempts)
    world.pass_time(1.5)

    first.send(SSE, chunk(token("one ")))
    first.reset()
    world.pass_time(2.0)
    world.reached("b").send(stream(token("two")))

    assert client.raw.count(b"HTTP/1.1") == 1
    assert b"two" in client.answer.body
    assert client.answer.complete
    world.assert_at_rest()
