"""No `traceparent`, however odd, is taken for one that it is not."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.traceparent import parse, render

IDS = st.integers(1, (1 << 128) - 1)
SPANS = st.integers(1, (1 << 64) - 1)
FLAGS = st.integers(0, 255)
WRITTEN = st.builds(render, IDS, SPANS, FLAGS)


@given(IDS, SPANS, FLAGS)
def test_what_is_written_is_read(trace_id: int, span_id: int, flags: int) -> None:
    parent = parse(render(trace_id, span_id, flags))

    assert parent is not None
    assert (parent.trace_id, parent.span_id, parent.flags) == (trace_id, span_id, flags)


@given(st.one_of(st.binary(max_size=80), st.text("0123456789abcdef-", max_size=60).map(str.encode)))
def test_any_bytes_are_read_or_ignored(value: bytes) -> None:
    parent = parse(value)

    if parent is not None:
        assert value[3:55] == render(parent.trace_id, parent.span_id, parent.flags)[3:55]


@given(WRITTEN, st.integers(0, 54), st.binary(min_size=1, max_size=3))
def test_one_byte_of_another_kind_spoils_it(value: bytes, place: int, other: bytes) -> None:
    spoilt = value[:place] + other + value[place + 1 :]

    parent = parse(spoilt)

    if parent is not None:  # a digit for a digit, or a version to come
        assert len(spoilt) == 55 or spoilt[:2] not in {b"00", b"ff"}
        assert set(spoilt[:55]) <= set(b"0123456789abcdef-")
