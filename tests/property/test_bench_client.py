"""However an answer is cut into reads, it ends at the same read and says the same."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.client.dealing import deal
from benchmarks.client.framing import Watch, taken_apart
from benchmarks.client.prompts import text
from benchmarks.client.reading import Raw, read
from benchmarks.client.stamps import Integrity, Piece, integrity
from benchmarks.client.target import Stamp, Target
from benchmarks.load.planned import Planned, Schedule

TARGET = Target(name="t", url="http://h", stamp=Stamp.FIELD)
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"x-simulated-engine: e\r\n\r\n"
)

words = st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["C"]))
ends = st.sampled_from([b"\n\n", b"\r\n\r\n"])


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """Return a whole streamed answer and the texts of its events."""
    end, lasts = draw(ends), draw(st.sampled_from([b"0\r\n\r\n", b"0\r\nX-T: a\r\n\r\n"]))
    said = [text for text in draw(st.lists(words, min_size=1, max_size=8)) if text] or ["a"]
    events = [
        b'data: {"stamp_ns":%d,"token":%d,"choices":[{"delta":{"content":"%b"}}]}%b'
        % (at + 1, at, one.encode(), end)
        for at, one in enumerate(said)
    ]
    events.append(b"data: [DONE]" + end)
    body = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)
    return HEAD + body + lasts, said


def cut(whole: bytes, places: Sequence[int]) -> list[tuple[int, bytes]]:
    """Cut at the given places; reads are stamped 1, 2, 3 ..."""
    borders = sorted({0, len(whole), *(place % len(whole) for place in places)})
    pieces = [whole[a:b] for a, b in pairwise(borders)]
    return list(enumerate(pieces, 1))


@given(answers(), st.lists(st.integers(min_value=0), max_size=30))
def test_the_end_is_seen_with_the_last_read(answer: tuple[bytes, list[str]], at: list[int]) -> None:
    reads = cut(answer[0], at)
    watch = Watch()
    seen = [watch.look(reads[: number + 1]) for number in range(len(reads))]

    assert seen == [False] * (len(reads) - 1) + [True]


@given(answers(), st.lists(st.integers(min_value=0), max_size=30))
def test_what_was_said_does_not_depend_on_the_cuts(
    answer: tuple[bytes, list[str]], at: list[int]
) -> None:
    whole, said = answer
    raw = Raw(0, 0)
    raw.reads = cut(whole, at)
    report = read(raw, TARGET)
    one = report.observed

    assert one.failure == ""
    assert report.said == "".join(said)
    assert one.emitted == list(range(1, len(said) + 1))
    assert one.received == sorted(one.received)
    assert len(one.received) == one.chunks == len(said)
    assert one.segments == len(set(one.received))
    # No event is stamped earlier than the read that brought its last byte of text.
    sizes = list(accumulate(len(data) for _, data in raw.reads))
    for place, stamp in enumerate(one.received):
        end = whole.index(b'"token":%d' % place)
        assert sizes[stamp - 1] > end


@given(answers(), st.data())
def test_a_cut_answer_is_never_complete(
    answer: tuple[bytes, list[str]], data: st.DataObject
) -> None:
    whole, _ = answer
    length = data.draw(st.integers(min_value=1, max_value=len(whole) - 1))
    raw = Raw(0, 0)
    raw.reads = [(1, whole[:length])]
    raw.closed = data.draw(st.booleans())

    assert not taken_apart(raw.reads, closed=raw.closed).complete
    assert read(raw, TARGET).observed.failure


@given(st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=20), st.data())
def test_losses_and_doubles_are_counted(sizes: list[int], data: st.DataObject) -> None:
    starts = [0, *accumulate(sizes)]
    pieces = [Piece(start, 1, size) for start, size in zip(starts, sizes, strict=False)]
    gone = data.draw(st.sets(st.integers(min_value=0, max_value=len(sizes) - 1)))
    double = data.draw(st.sets(st.integers(min_value=0, max_value=len(sizes) - 1)))
    kept = [
        piece
        for at, piece in enumerate(pieces)
        for _ in range(0 if at in gone else 1 + (at in double))
    ]
    found = integrity(kept, starts[-1])

    assert found == Integrity(
        lost=sum(sizes[at] for at in gone), duplicated=sum(sizes[at] for at in double - gone)
    )


@given(
    st.lists(
        st.tuples(st.floats(min_value=0, max_value=9), st.integers(min_value=-1, max_value=4)),
        max_size=30,
    ),
    st.integers(min_value=1, max_value=6),
    st.none() | st.integers(min_value=1, max_value=20),
)
def test_each_request_is_dealt_to_one_process(
    rows: list[tuple[float, int]], processes: int, places: int | None
) -> None:
    requests = tuple(
        Planned(at=at, session=session, turn=turn, input_tokens=1, output_tokens=1)
        for turn, (at, session) in enumerate(rows)
    )
    shares = deal(Schedule(requests=requests, span=9.0, concurrency=places), processes)

    assert sorted(index for share in shares for index in share.indices) == list(range(len(rows)))
    for share in shares:
        assert share.requests() == {index: requests[index] for index in share.indices}
    for session in range(5):
        owners = [s for s in shares if any(one.session == session for one in s.schedule.requests)]
        assert len(owners) <= 1
    if places is not None:
        assert all(share.schedule.concurrency for share in shares)
        assert sum(share.schedule.concurrency or 0 for share in shares) == places or not rows


@given(
    st.integers(min_value=1, max_value=300),
    st.lists(st.integers(min_value=0), max_size=12),
    st.integers(min_value=1, max_value=32),
)
def test_prompts_have_their_size_and_their_prefix(
    tokens: int, prefix: list[int], block: int
) -> None:
    one = text(tokens, prefix=prefix, block=block, unique="a")
    two = text(tokens, prefix=prefix, block=block, unique="b")
    shared = max(0, min(len(prefix) * block, tokens) * 4 - 1)

    assert len(one) == len(two) == tokens * 4 - 1
    assert one[:shared] == two[:shared]
    if tokens > len(prefix) * block + 9:
        assert one != two
