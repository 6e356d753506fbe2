"""However an engine's bytes are cut, the client reads the same; cut off, it is never whole."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fixtures.course import World
from tests.fixtures.ends import (
    DONE,
    LAST,
    ROLE,
    SSE,
    EngineEnd,
    FakeClient,
    chunk,
    head,
    plain,
    token,
)

EVENTS = [ROLE, token("one"), b": ping\n\n", token("two \\u00e9"), b"event: x\r\ndata: 1\r\n\r\n"]
BODY = b"".join(EVENTS) + DONE
JSON = b'{"choices":[{"message":{"content":"a b"}}],"usage":{"prompt_tokens":1}}'
EOF_HEAD = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
FRAMED = b"".join(chunk(event) for event in (*EVENTS, DONE)) + LAST
# Chunks that do not end where events do.
ODD = b"".join(chunk(BODY[start : start + 11]) for start in range(0, len(BODY), 11)) + LAST
LENGTH = head(200, b"content-type: text/event-stream", b"content-length: %d" % len(BODY))
ENDS = (b"\n\n", b"\r\n\r\n")
SLIPPED = 3  # bytes of a half event that a client may get, see `FramedWholes`
EVENTS_ONLY = {"chunked", "odd chunks", "upper-case sizes, extensions", "trailers", "until closed"}
# What the engine sends, what the client is to read, whether closing ends it.
ANSWERS = {
    "chunked": (SSE + FRAMED, BODY, False),
    "odd chunks": (SSE + ODD, BODY, False),
    "upper-case sizes, extensions": (
        SSE + b"%X;a=b\r\n%b\r\n" % (len(BODY), BODY) + b"0;last\r\n\r\n",
        BODY,
        False,
    ),
    "trailers": (SSE + chunk(BODY) + b"0\r\nx-a: 1\r\n\r\n", BODY, False),
    "length": (LENGTH + BODY, BODY, False),
    "until closed": (EOF_HEAD + BODY, BODY, True),
    "plain": (plain(JSON), JSON, False),
    "plain, chunked": (
        head(200, b"content-type: application/json", b"transfer-encoding: chunked")
        + chunk(JSON[:9])
        + chunk(JSON[9:])
        + LAST,
        JSON,
        False,
    ),
}


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    marks = [0, *sorted({cut % len(data) for cut in cuts} - {0}), len(data)]
    return [data[start:stop] for start, stop in pairwise(marks)]


def play(said: list[bytes], *, http10: bool, close: bool) -> tuple[World, FakeClient]:
    world = World("a")
    client, engine = world.asked("a", http10=http10)
    engine.send(*said)
    if close:
        engine.close()
    return world, client


cuts = st.lists(st.integers(0, 4000), max_size=12)


@pytest.mark.parametrize("name", ANSWERS)
@given(cuts=cuts, http10=st.booleans())
def test_cutting_changes_nothing(name: str, cuts: list[int], http10: bool) -> None:
    said, wanted, close = ANSWERS[name]

    world, client = play(pieces(said, cuts), http10=http10, close=close)

    answer = client.answer
    assert answer.body == wanted
    assert answer.complete
    assert not answer.surplus
    assert client.end == "--"
    world.assert_at_rest()


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("http10", [False, True])
def test_one_byte_at_a_time_changes_nothing(name: str, http10: bool) -> None:
    said, wanted, close = ANSWERS[name]

    _, client = play([said[i : i + 1] for i in range(len(said))], http10=http10, close=close)

    assert client.answer.body == wanted
    assert client.answer.complete
    assert client.end == "--"


@pytest.mark.parametrize("name", ANSWERS)
@given(cuts=cuts, stop=st.integers(1, 4000), reset=st.booleans(), http10=st.booleans())
@example(cuts=[90, 239, 1045], stop=66, reset=False, http10=False)  # a read ends in a size line
def test_an_answer_cut_off_anywhere_never_looks_whole(
    name: str, cuts: list[int], stop: int, reset: bool, http10: bool
) -> None:
    said, wanted, close = ANSWERS[name]
    said = said[: -(stop % len(said)) or -1]
    world = World("a")
    client, engine = world.asked("a", http10=http10)
    engine.send(*pieces(said, cuts))

    (EngineEnd.reset if reset else EngineEnd.close)(engine)

    answer = client.answer
    assert not answer.surplus
    if answer.status != 200:
        assert client.refusals
    elif close and not reset and answer.body.rstrip() == wanted.rstrip():
        pass  # closing is how it ends, and all but the last line end was here
    else:
        assert client.end == "BS"
        assert client.ended == [False]
        if not (http10 and "content-length" not in answer.fields):
            assert not answer.complete
        # What was sent is a beginning of the real body, then at most one error event.
        sent, _, error = answer.body.partition(b'data: {"error"')
        assert wanted.startswith(sent)
        over = len(sent) - max((wanted.rfind(end, 0, len(sent)) + len(end)) for end in ENDS)
        assert over == 0 if error else over <= SLIPPED or name not in EVENTS_ONLY
    world.assert_at_rest()


@given(cuts=cuts, surplus=st.binary(min_size=1, max_size=40), split=st.booleans())
def test_bytes_behind_an_answer_never_reach_the_client(
    cuts: list[int], surplus: bytes, split: bool
) -> None:
    said = SSE + FRAMED
    world = World("a")
    client, engine = world.asked("a")

    if split:
        engine.send(*pieces(said, cuts), surplus)
    else:
        cut = pieces(said, cuts)
        engine.send(*cut[:-1], cut[-1] + surplus)

    answer = client.answer
    assert not answer.surplus
    assert not answer.complete or answer.body == BODY
    assert client.end in {"--", "BS"} or client.refusals
