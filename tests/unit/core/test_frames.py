"""Frames are followed through any cut, and only their ends are known."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.frames import Frames, close_frame


def frame(size: int, *, opcode: int = 1, mask: bool = False) -> bytes:
    """Return a frame with so many bytes of payload."""
    bit = 0x80 if mask else 0
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + (b"mask" if mask else b"") + b"\x88" * size


SIZES = st.sampled_from([0, 1, 125, 126, 127, 300, 65535, 65536])


@given(st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=5), st.data())
def test_the_ends_of_frames_are_found_however_they_are_cut(
    sizes: list[tuple[int, bool]], data: st.DataObject
) -> None:
    pieces = [frame(size, mask=mask) for size, mask in sizes]
    whole = b"".join(pieces)
    ends = {sum(map(len, pieces[: n + 1])) for n in range(len(pieces))}
    cut = st.integers(0, len(whole))
    cuts = sorted({0, len(whole), *data.draw(st.lists(cut, max_size=8))})
    frames = Frames()
    for start, end in pairwise(cuts):
        frames.feed(whole[start:end])
        assert frames.between is (end in ends)
    assert not frames.closing


def test_a_close_is_seen_with_its_head_and_not_in_a_payload() -> None:
    frames = Frames()
    frames.feed(frame(2))
    assert not frames.closing
    frames.feed(b"\x88")
    assert not frames.between
    frames.feed(b"\x02")
    assert frames.closing


def test_our_own_close_is_a_whole_frame() -> None:
    frames = Frames()
    frames.feed(close_frame(1001))

    assert close_frame(1001) == b"\x88\x02\x03\xe9"
    assert (frames.closing, frames.between) == (True, True)
