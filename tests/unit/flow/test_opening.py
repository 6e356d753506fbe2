"""Opening: an answer is held until its first event tells what it is."""

import msgspec
import pytest

from proxy.core.failure import Failure, Kind, Origin
from proxy.dialects.profile import Condition
from proxy.dialects.registry import engine
from proxy.flow.opening import MAX_ERROR_BODY, Opening
from proxy.flow.relay import Relay
from proxy.upstream.framing import ResponseHead, parse_head
from tests.fixtures.ends import DONE, LAST, ROLE, SSE, chunk, head, token


class KeptRelay(Relay):
    """A relay that keeps what it is given."""

    __slots__ = ("begun", "primed", "wholes")

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.wholes: list[bytes] = []
        self.primed = False

    def begin(self, head: bytes, held: list[bytes], *, chunks: bool = False) -> None:
        self.begun = [head, *held]

    def whole(self, head: bytes, data: bytes) -> None:
        self.wholes = [head, data]

    def prime(self) -> None:
        self.primed = True


class Owner:
    """Fulfils `opening.Owner`."""

    def __init__(self) -> None:
        self.relay = KeptRelay()
        self.committed = False
        self.completed: bytes | None = None
        self.dropped: Failure | None = None

    def commit(self, head: ResponseHead, length: int) -> tuple[Relay, bytes]:
        assert self.dropped is None
        assert not self.committed
        self.committed = True
        return self.relay, b"HEAD"

    def complete(self, head: ResponseHead, length: int, body: bytes) -> None:
        assert self.dropped is None
        self.completed = body

    def drop(self, failure: Failure) -> None:
        assert self.dropped is None
        assert not self.committed
        self.dropped = failure


def opened(raw: bytes, kind: str = "vllm") -> tuple[Owner, Opening]:
    owner = Owner()
    opening = Opening(owner, engine(kind))
    parsed = parse_head(raw)
    opening.head(parsed, parsed.length)
    return owner, opening


PLAIN = head(200, b"content-type: application/json", b"content-length: 20")
NDJSON = head(200, b"content-type: application/x-ndjson", b"transfer-encoding: chunked")


def test_comments_are_held_and_sent_with_the_first_event() -> None:
    owner, opening = opened(SSE)
    pieces = [chunk(b": wait\n\n"), chunk(b"event: a\n"), chunk(token())]

    for piece in pieces:
        assert not owner.committed
        opening.chunk(piece)

    assert owner.relay.begun == [b"HEAD", *pieces]


def test_a_plain_answer_is_committed_with_its_first_bytes() -> None:
    owner, opening = opened(PLAIN)

    opening.chunk(b"{")

    assert owner.relay.begun == [b"HEAD", b"{"]


def test_a_plain_answer_that_is_here_whole_needs_no_relay() -> None:
    owner, opening = opened(PLAIN)

    opening.last(b'{"choices":[]}')

    assert owner.completed == b'{"choices":[]}'
    assert not owner.committed


def test_a_stream_that_is_here_whole_is_judged_by_its_relay() -> None:
    owner, opening = opened(SSE)

    opening.last(chunk(token()) + chunk(DONE) + LAST)

    assert owner.relay.wholes == [b"HEAD", chunk(token()) + chunk(DONE) + LAST]


def test_a_stream_of_lines_is_committed_with_its_first_one() -> None:
    owner, opening = opened(NDJSON, "ollama")

    opening.chunk(chunk(b'{"message":'))
    assert not owner.committed
    opening.chunk(chunk(b'"x"}\n'))

    assert owner.committed


def test_an_engine_that_only_comments_is_relayed_in_the_end() -> None:
    owner, opening = opened(SSE)

    for _ in range(100):
        if not owner.committed:
            opening.chunk(chunk(b": " + b"x" * 4000 + b"\n\n"))

    assert owner.committed


@pytest.mark.parametrize(
    ("event", "status", "dropped"),
    [
        (b'data: {"error":{"message":"full","code":503}}\n\n', 503, True),
        (b'data: {"error":{"message":"broken"}}\n\n', 502, True),
        (
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n',
            503,
            True,
        ),
        (b'data: {"error":{"message":"slow down","code":429}}\n\n', 429, True),
        (b'data: {"error":{"message":"too long","code":400}}\n\n', None, False),
        (b'data: {"error":null,"choices":[]}\n\n', None, False),
    ],
)
def test_a_first_event_that_is_an_error_is_a_failure_unless_it_is_the_client_s(
    event: bytes, status: int | None, dropped: bool
) -> None:
    owner, opening = opened(SSE)

    opening.chunk(chunk(event))

    assert owner.committed is not dropped
    if dropped:
        assert owner.dropped is not None
        assert owner.dropped.kind is Kind.ERROR_EVENT
        assert owner.dropped.status == status
        assert owner.dropped.retryable
        assert opening.dead


@pytest.mark.parametrize("ending", [LAST, chunk(b": bye\n\n") + LAST, chunk(b"data: cut") + LAST])
def test_a_stream_that_ends_before_its_first_event_is_none(ending: bytes) -> None:
    owner, opening = opened(SSE)

    opening.last(ending)

    assert owner.dropped is not None
    assert owner.dropped.kind is Kind.TRUNCATED


@pytest.mark.parametrize(
    ("status", "origin", "retryable"),
    [
        (400, Origin.CLIENT, False),
        (404, Origin.CLIENT, False),
        (429, Origin.BACKEND, True),
        (500, Origin.BACKEND, True),
        (501, Origin.CLIENT, False),
        (503, Origin.BACKEND, True),
        (529, Origin.BACKEND, True),
    ],
)
def test_an_error_status_says_whose_fault_it_was(
    status: int, origin: Origin, retryable: bool
) -> None:
    owner, opening = opened(head(status, b"content-length: 9", b"retry-after: 3"))

    opening.chunk(b"ab")
    opening.last(b"cd")

    failure = owner.dropped
    assert failure is not None
    assert (failure.kind, failure.status) == (Kind.STATUS, status)
    assert (failure.origin, failure.retryable) == (origin, retryable)
    assert failure.body == b"abcd"
    assert failure.retry_after == 3.0


def test_a_dialect_may_know_a_server_error_for_the_client_s() -> None:
    owner, opening = opened(head(500, b"content-length: 9"), "llamacpp")

    opening.last(b'{"error":"parse error"}')

    assert owner.dropped is not None
    assert owner.dropped.origin is Origin.CLIENT


def test_an_error_body_without_end_is_not_gathered_without_end() -> None:
    owner, opening = opened(head(422, b"transfer-encoding: chunked"))

    for _ in range(MAX_ERROR_BODY // 65536 + 1):
        if owner.dropped is None:
            opening.chunk(b"x" * 65536)

    assert owner.dropped is not None
    assert (owner.dropped.status, owner.dropped.body) == (422, None)


def test_a_chunked_error_body_is_decoded_or_replaced() -> None:
    for said, wanted in ((chunk(b"no") + LAST, b"no"), (b"zz\r\n", None)):
        owner, opening = opened(head(400, b"transfer-encoding: chunked"))
        opening.last(said)
        assert owner.dropped is not None
        assert owner.dropped.body == wanted


def test_a_broken_connection_leaves_unless_a_status_has_spoken() -> None:
    broken = Failure(kind=Kind.CLOSED, origin=Origin.BACKEND, phase=Opening.phase, detail="x")
    owner, opening = opened(SSE)
    opening.failed(broken)
    assert owner.dropped is broken

    owner, opening = opened(head(413, b"content-length: 9"))
    opening.failed(broken)
    assert owner.dropped is not None
    assert owner.dropped.status == 413


@pytest.mark.parametrize(
    ("first", "primed"),
    [
        (ROLE, True),
        (b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n', True),
        (b'data: {"choices":[{"delta":{"role": "assistant", "content": null}}]}\n\n', True),
        (b'event: message_start\ndata: {"type":"message_start"}\n\n', True),
        (b'data: {"choices":[{"delta":{"role":"assistant","content":"Hi"}}]}\n\n', False),
        (b'data: {"choices":[{"delta":{"role":"assistant","reasoning":"Hm"}}]}\n\n', False),
        (b'data: {"choices":[{"delta":{"role":"assistant","tool_calls":[{}]}}]}\n\n', False),
        (token(), False),
        (ROLE + token(), False),
    ],
)
def test_an_opening_without_a_token_is_told_from_one_with(first: bytes, primed: bool) -> None:
    owner, opening = opened(SSE)

    opening.chunk(chunk(first))

    assert owner.committed
    assert owner.relay.primed is primed


def test_the_bounds_are_those_of_the_record() -> None:
    record = msgspec.structs.replace(engine("vllm"), condition=lambda _s, _b: Condition.CLIENT)
    owner = Owner()
    opening = Opening(owner, record)
    parsed = parse_head(head(503, b"content-length: 2"))
    opening.head(parsed, 2)

    opening.last(b"{}")

    assert owner.dropped is not None
    assert not owner.dropped.retryable
