"""From reads to what is reported."""

import hashlib

import pytest

from benchmarks.client.reading import Raw, read, streams
from benchmarks.client.target import Api, Stamp, Target

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"x-simulated-engine: e1\r\ntransfer-encoding: chunked\r\n\r\n"
)
ROLE = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}\n\n'
DONE = b"data: [DONE]\n\n"


def target(**more: object) -> Target:
    return Target(name="t", url="http://h", **more)  # type: ignore[arg-type]


def chunk(*events: bytes) -> bytes:
    data = b"".join(events)
    return b"%x\r\n%b\r\n" % (len(data), data)


def token(text: bytes, fields: bytes = b"", finish: bytes = b"null") -> bytes:
    return b'data: {%b"choices":[{"delta":{"content":"%b"},"finish_reason":%b}]}\n\n' % (
        fields,
        text,
        finish,
    )


def raw(*reads: bytes, **more: object) -> Raw:
    """Return a request whose reads came at 10, 20, 30 ... ns."""
    made = Raw(3, 1)
    made.sent_ns = 2
    made.reads = [(10 * (at + 1), data) for at, data in enumerate(reads)]
    for name, value in more.items():
        setattr(made, name, value)
    return made


WHOLE = (
    HEAD + chunk(ROLE),
    chunk(token(b"a")),
    chunk(token(b" b"), token(b" c", finish=b'"stop"')),
    chunk(USAGE) + chunk(DONE) + b"0\r\n\r\n",
)


def test_a_stream_is_read() -> None:
    one = read(raw(*WHOLE), target()).observed

    assert one.failure == ""
    assert (one.index, one.status, one.engine, one.finish) == (3, 200, "e1", "stop")
    assert one.first_ns == 20, "the role is not the first token"
    assert one.received == [20, 30, 30]
    assert (one.chunks, one.segments) == (3, 2)
    assert (one.tokens_in, one.tokens_out) == (9, 3)
    assert one.ended_ns == 40
    assert one.digest == hashlib.sha256(b"a b c").hexdigest()
    assert one.emitted == []


def test_stamps_in_fields() -> None:
    events = (
        token(b"a", b'"stamp_ns":5,"token":0,"taken_ns":4,'),
        token(b" b", b'"stamp_ns":6,"token":1,'),
        token(b" d", b'"stamp_ns":7,"token":3,', b'"stop"'),
    )
    made = raw(HEAD, *map(chunk, events), chunk(DONE) + b"0\r\n\r\n")
    one = read(made, target(stamp=Stamp.FIELD)).observed

    assert one.emitted == [5, 6, 7]
    assert one.taken_ns == 4
    assert (one.lost, one.duplicated, one.reordered) == (1, 0, 0)


def test_stamps_in_content_survive_a_merge() -> None:
    made = raw(
        HEAD,
        chunk(token(b"~0:5:4~a")),
        chunk(token(b"~1:6~ b~2:7~ c", finish=b'"stop"')) + b"0\r\n\r\n",
    )
    one = read(made, target(stamp=Stamp.CONTENT)).observed

    assert one.failure == ""
    assert one.emitted == [5, 6, 7]
    assert one.received == [20, 30, 30]
    assert one.digest == read(raw(*WHOLE), target()).observed.digest


def test_one_event_without_a_stamp_makes_the_others_useless() -> None:
    events = (token(b"a", b'"stamp_ns":5,"token":0,'), token(b" b", finish=b'"stop"'))
    made = raw(HEAD, *map(chunk, events), b"0\r\n\r\n")
    one = read(made, target(stamp=Stamp.FIELD)).observed

    assert (one.chunks, one.emitted) == (2, [])


@pytest.mark.parametrize(
    ("reads", "failure"),
    [
        (WHOLE[:3], "closed in the middle of the answer"),
        ((HEAD + chunk(token(b"a")) + b"0\r\n\r\n",), "the stream ended without saying"),
        ((HEAD + chunk(ROLE, DONE) + b"0\r\n\r\n",), "the answer has no text"),
        (
            (HEAD + chunk(token(b"a"), b'data: {"error":"full"}\n\n', DONE) + b"0\r\n\r\n",),
            "error in the answer: full",
        ),
        (
            (HEAD + chunk(b"data: {\n\n", DONE) + b"0\r\n\r\n",),
            "error in the answer: an event that cannot be read",
        ),
        (
            (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}",),
            "asked for a stream, got text/html instead",
        ),
        (
            (b"HTTP/1.1 503 No\r\ncontent-length: 16\r\n\r\n" + b'{"error":"full"}',),
            "status 503: full",
        ),
        ((b"junk\r\n\r\n",), "the answer is not HTTP"),
    ],
)
def test_what_is_no_answer(reads: tuple[bytes, ...], failure: str) -> None:
    assert read(raw(*reads), target()).observed.failure.startswith(failure)


def test_a_failure_that_was_noted_stands_and_a_cancelled_request_has_none() -> None:
    assert read(raw(*WHOLE[:2], failure="no end"), target()).observed.failure == "no end"

    cancelled = read(raw(*WHOLE[:2], cancelled=True, ended_ns=99), target()).observed
    assert (cancelled.failure, cancelled.cancelled, cancelled.chunks) == ("", True, 1)
    assert cancelled.ended_ns == 99


def test_a_document_is_one_chunk() -> None:
    body = (
        b'{"choices":[{"message":{"content":"a b"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":9,"completion_tokens":2},"stamp_ns":6,"token":0,"taken_ns":4}'
    )
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    made = raw(head % len(body) + body)
    one = read(made, target(stream=False, stamp=Stamp.FIELD)).observed

    assert (one.failure, one.chunks, one.received, one.emitted) == ("", 1, [10], [6])
    assert (one.taken_ns, one.lost, one.finish) == (4, 0, "stop")


def test_ollama_streams_lines() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked"
    made = raw(
        head + b"\r\n\r\n" + chunk(b'{"message":{"content":"a"},"done":false}\n'),
        chunk(b'{"message":{"content":""},"done":true,"eval_count":1}\n') + b"0\r\n\r\n",
    )
    one = read(made, target(api=Api.OLLAMA)).observed

    assert (one.failure, one.received, one.tokens_out) == ("", [10], 1)


def test_content_types_of_streams() -> None:
    assert streams("application/x-ndjson", Api.OLLAMA)
    assert not streams("text/event-stream", Api.OLLAMA)
    assert streams("text/event-stream", Api.MESSAGES)
