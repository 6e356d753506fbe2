"""Words that are noted stay within their bound, whatever is sent, and reading them never fails."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.transcript import asked
from proxy.dialects.transcript.hearing import Hearing
from proxy.dialects.transcript.parts import CUT, PART
from proxy.flow.recording import Ear
from tests.fixtures.ends import SSE, chunk, plain

OPERATIONS = st.sampled_from(sorted(asked.READERS))
STREAMS = st.sampled_from(["", "sse", "ndjson"])
LIMITS = st.integers(0, 2000)
# A cut leaves its mark, once; words that were there for their names' sake cost nothing.
SLACK = len(CUT.encode())
KINDS = ["text", "image_url", "tool_use", "tool_result", "thinking", "unheard-of"]

words = st.text(max_size=300)
block = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "text": words,
        "thinking": words,
        "id": words,
        "name": words,
        "content": words,
        "input": st.dictionaries(words, words, max_size=2),
    },
)
call = st.fixed_dictionaries(
    {"function": st.fixed_dictionaries({"name": words, "arguments": words})}
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"])},
    optional={
        "content": st.one_of(words, st.none(), st.lists(block, max_size=9)),
        "tool_calls": st.lists(call, max_size=9),
        "images": st.lists(words, max_size=9),
    },
)
body = st.fixed_dictionaries(
    {"messages": st.lists(message, max_size=9)},
    optional={
        "prompt": st.one_of(words, st.lists(words)),
        "system": st.one_of(words, st.lists(block)),
    },
)
choice = st.fixed_dictionaries(
    {"index": st.integers(0, 9)},
    optional={"delta": message, "finish_reason": words, "text": words},
)
event = st.one_of(
    st.fixed_dictionaries({"choices": st.lists(choice, max_size=9)}),
    st.fixed_dictionaries(
        {}, optional={"index": st.integers(0, 3), "delta": block, "content_block": block}
    ),
    st.fixed_dictionaries(
        {}, optional={"message": message, "response": words, "done_reason": words}
    ),
)


def size(parts: list[dict[str, Any]]) -> int:
    """Return what parts count for: their text, and `PART` each."""
    texts = [word for part in parts for name, word in part.items() if name != "type"]
    return len(parts) * PART + sum(len(text.encode()) for text in texts)


def sizes(messages: list[dict[str, Any]]) -> int:
    return sum(size(one["parts"]) for one in messages)


@given(operation=OPERATIONS, given_=body, limit=LIMITS)
def test_a_request_is_told_within_its_bound(operation: str, given_: object, limit: int) -> None:
    found = asked.read(operation, msgspec.json.encode(given_), limit)

    told = sizes(found.messages) + size(found.system)
    assert told <= limit + SLACK
    assert len(found.messages) * PART <= limit
    assert msgspec.json.encode(found.messages)
    if not found.cut:
        assert found.omitted == 0
        assert CUT not in str(found.messages) or CUT in str(given_)


@given(operation=OPERATIONS, stream=STREAMS, events=st.lists(event, max_size=20), limit=LIMITS)
def test_an_answer_is_told_within_its_bound(
    operation: str, stream: str, events: list[object], limit: int
) -> None:
    heard = Hearing(operation, limit, stream)
    for one in events:
        written = msgspec.json.encode(one)
        heard.feed(b"data: %b\n\n" % written if stream == "sse" else written + b"\n")

    found = heard.messages()
    assert sizes(found) <= limit + SLACK
    assert all(one["finish_reason"] for one in found)
    assert msgspec.json.encode(found)


@given(
    operation=OPERATIONS,
    said=st.one_of(event, body, st.fixed_dictionaries({"content": st.lists(block, max_size=3)})),
    at=st.integers(0, 999),
    byte=st.sampled_from(list(b'\xff\xc3\x00{}[]",1')),
    stream=STREAMS,
)
def test_a_wrong_byte_anywhere_is_borne(
    operation: str, said: object, at: int, byte: int, stream: str
) -> None:
    raw = bytearray(msgspec.json.encode(said))
    raw[at % len(raw)] = byte
    wrong = bytes(raw)

    found = asked.read(operation, wrong, 2000)
    heard = Hearing(operation, 2000, stream)
    heard.feed(b"data: %b\n\n" % wrong if stream == "sse" else wrong + b"\n")

    assert msgspec.json.encode([found.messages, found.system, heard.messages()])


@given(operation=OPERATIONS, junk=st.binary(max_size=300), limit=LIMITS, stream=STREAMS)
def test_junk_is_read_without_a_sound(operation: str, junk: bytes, limit: int, stream: str) -> None:
    assert asked.read(operation, junk, limit).messages == []
    heard = Hearing(operation, limit, stream)
    heard.feed(junk)
    heard.feed(b"data: " + junk + b"\n\n")
    assert sizes(heard.messages()) == 0


@given(st.lists(st.binary(max_size=50), max_size=20), st.booleans())
def test_an_ear_never_fails(pieces: list[bytes], chunked: bool) -> None:
    ear = Ear("chat", 1024)
    ear.hear(SSE if chunked else plain(b""))
    for piece in pieces:
        ear.hear(chunk(piece) if chunked and piece else piece)

    assert ear.hearing is not None
    assert ear.hearing.messages() == []
