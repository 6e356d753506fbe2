"""The first event and the end of a stream are found however the stream is cut and framed."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proxy.core import tail
from proxy.core.events import FirstEvent, FirstLine, read_tail, read_usage
from tests.fixtures.recorded import cut, framed

ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
# Text a model may write that looks like the wire format.
NASTY = st.sampled_from(
    [
        "data: [DONE]",
        "\ndata: [DONE]\n\n",
        '{"error":{"message":"x","code":500}}',
        '"usage":{"completion_tokens":7}',
        "\r\n0\r\n\r\n",
        "event: message_stop",
        '"done":true',
        "ab",
        "",
    ]
)
TEXT = st.one_of(NASTY, st.text(max_size=12))
PLACES = st.lists(st.integers(0, 5000), max_size=12)
LINES = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from([b"", b"", b"data:", b"data", b"data: ", b": ping", b"event: x"]),
            st.sampled_from([b"data: {}", b"data:{}", b"data:  two", b"id: 1", b"retry: 9", b"x"]),
            st.binary(max_size=6).filter(lambda line: b"\r" not in line and b"\n" not in line),
        ),
        ENDS,
    ),
    max_size=12,
)


def read_whole(text: bytes) -> bytes | None:
    """Return the first payload, by the letter of the standard: the slow reference."""
    lines = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data: list[bytes] = []
    for line in lines.split(b"\n")[:-1]:
        if not line and b"\n".join(data).strip():
            return b"\n".join(data)
        if not line:
            data = []
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
    return None


@given(st.booleans(), LINES, PLACES)
def test_the_first_event_does_not_depend_on_the_cuts(
    bom: bool, lines: list[tuple[bytes, bytes]], places: list[int]
) -> None:
    text = b"\xef\xbb\xbf" * bom + b"".join(line + end for line, end in lines)

    expected = read_whole(text)

    assert FirstEvent().feed(text) == expected
    for pieces in (cut(text, places), [text[n : n + 1] for n in range(len(text))]):
        scanner = FirstEvent()
        found = [payload for piece in pieces if (payload := scanner.feed(piece)) is not None]
        assert found[:1] == ([expected] if expected is not None else [])


@given(LINES, PLACES, st.integers(0, 40))
def test_giving_up_does_not_depend_on_the_cuts(
    lines: list[tuple[bytes, bytes]], places: list[int], limit: int
) -> None:
    text = b"".join(line + end for line, end in lines)
    whole, bytewise = FirstEvent(limit), FirstEvent(limit)
    once = whole.feed(text)

    found = [
        payload
        for piece in (text[n : n + 1] for n in range(len(text)))
        if (payload := bytewise.feed(piece)) is not None
    ]

    assert found[:1] == ([once] if once is not None else [])
    if once is None:
        assert len(text) <= limit


@given(st.lists(st.sampled_from([b"", b" ", b'{"a":1}', b'{"b":2}']), max_size=6), ENDS, PLACES)
def test_the_first_line_does_not_depend_on_the_cuts(
    lines: list[bytes], end: bytes, places: list[int]
) -> None:
    text = b"".join(line + end for line in lines)
    scanner = FirstLine()
    found = [payload for piece in cut(text, places) if (payload := scanner.feed(piece))]

    assert found[:1] == [line for line in lines if line.strip()][:1]


class Case(msgspec.Struct, frozen=True):
    """A chat stream and what its end must be read as."""

    events: list[bytes]
    done: bool
    status: int | None
    usage: tuple[int | None, int | None]


def chunk(text: str, **more: object) -> bytes:
    """Return one event of a chat stream."""
    body = {"choices": [{"delta": {"content": text}, "finish_reason": None}], **more}
    return b"data: " + msgspec.json.encode(body)


@st.composite
def chats(draw: st.DrawFn) -> Case:
    """Return a stream that ended well, with an error, or not at all."""
    events = [chunk(text) for text in draw(st.lists(TEXT, min_size=1, max_size=5))]
    usage: tuple[int | None, int | None] = (None, None)
    status = draw(st.sampled_from([None, None, 500, 503]))
    done = draw(st.booleans())
    if draw(st.booleans()):
        usage = (draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6)))
        counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        details = {"prompt_tokens_details": {"cached_tokens": 3}}
        events.append(chunk(draw(TEXT), usage={**counts, **details}))
    if status is not None:
        body = {"error": {"message": draw(TEXT), "code": status}}
        events.append(b"data: " + msgspec.json.encode(body))
    if done:
        events.append(b"data: [DONE]")
    return Case(events, done, status, usage)


def check(found: tail.Tail, case: Case) -> None:
    assert found.done == case.done
    assert (found.tokens_in, found.tokens_out) == case.usage
    assert (found.error.status if found.error else None) == case.status


@given(chats(), st.sampled_from([b"\n", b"\r\n"]), PLACES, PLACES)
def test_the_end_is_read_through_any_framing_and_cuts(
    case: Case, end: bytes, chunks: list[int], places: list[int]
) -> None:
    text = b"".join(event + end + end for event in case.events)
    wire = framed(cut(text, chunks))

    check(read_tail(cut(text, places), framed=False), case)
    check(read_tail(cut(wire, places), framed=True), case)


@given(chats(), PLACES, st.integers(0, 400))
def test_the_end_is_read_without_the_beginning(case: Case, chunks: list[int], missing: int) -> None:
    before = b"".join(chunk("x" * 40) + b"\n\n" for _ in range(5))
    text = before + b"".join(event + b"\n\n" for event in case.events)
    wire = framed(cut(text, chunks))

    check(read_tail([text[missing:]], framed=False), case)
    check(read_tail([wire[missing:]], framed=True), case)


@given(chats(), PLACES, st.integers(1, 60), st.integers(0, 300))
def test_a_cut_stream_is_never_done(case: Case, chunks: list[int], lost: int, missing: int) -> None:
    text = b"".join(event + b"\n\n" for event in case.events)
    stump = text[missing : len(text) - lost]
    wire = framed(cut(text, chunks))
    stump_of_wire = wire[missing : len(wire) - lost]

    whole = case.done and lost <= 2
    assert read_tail([stump], framed=False).done in {False, whole}
    if not case.done or lost > len(wire) - wire.rfind(b"]"):
        assert not read_tail([stump_of_wire], framed=True).done


@given(chats(), PLACES, PLACES)
def test_the_short_way_says_what_the_long_way_says(
    case: Case, chunks: list[int], places: list[int]
) -> None:
    text = b"".join(event + b"\n\n" for event in case.events)
    wire = framed(cut(text, chunks))
    glanced = tail._glance(wire, framed=True)

    if glanced is not None:
        assert glanced == tail._study(tail._unframed(wire), (b"[DONE]",))


@given(st.binary(max_size=80), st.booleans())
def test_no_bytes_make_it_fail(data: bytes, chunked: bool) -> None:
    for markers in ((b"[DONE]",), (b"message_stop",), (b'"done":true',), (b"response.completed",)):
        read_tail([data], framed=chunked, markers=markers)
    read_usage(data)


@given(st.lists(TEXT, max_size=4), st.integers(0, 10**9), st.integers(0, 10**9))
def test_usage_is_found_behind_any_text(texts: list[str], tokens_in: int, tokens_out: int) -> None:
    usage = {"total_tokens": 1, "completion_tokens": tokens_out, "prompt_tokens": tokens_in}
    schema = {"properties": {"usage": {"completion_tokens": {"type": "integer"}}}}
    body = msgspec.json.encode({"choices": texts, "usage": usage, "tools": [schema]})

    assert read_usage(body) == (tokens_in, tokens_out)
