"""A stream in any dialect, cut at any byte, and gone on with: always the one undisturbed answer."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.retold import (
    OLLAMA,
    PATHS,
    RESPONSES,
    Events,
    gone_on,
    heard,
    names,
    native,
    read,
    shape,
    spent,
    translator,
    words,
)

TEXTS = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=8)


@given(path=st.sampled_from(PATHS), texts=TEXTS, data=st.data())
def test_a_stream_cut_at_any_byte_goes_on_as_the_same(
    path: str, texts: list[str], data: st.DataObject
) -> None:
    whole = native(path, texts)
    cut = data.draw(st.integers(1, len(whole) - 1))
    size = data.draw(st.integers(1, 400))
    pieces = [whole[at : min(cut, at + size)] for at in range(0, cut, size)]
    told = heard(path, *pieces)
    passed = heard_so_far(path, pieces)

    assert not told.objection
    if told.done or told.complete:
        got = passed + (b"" if told.done else told.closing())
        assert words(path, read(path, got)) == "".join(texts)
        return
    said = told.said
    rest = "".join(texts)[len(said) :]
    got = passed + gone_on(path, told, [rest] if rest else [], 9 + told.tokens)

    found, undisturbed = read(path, got), read(path, whole)
    assert words(path, found) == "".join(texts)
    assert seen(path, found) == seen(path, undisturbed)
    assert len(names(path, found)) == len(names(path, undisturbed))
    if path == RESPONSES:
        assert [event["sequence_number"] for event in found] == list(range(len(found)))
        (part,) = found[-1]["response"]["output"][0]["content"]
        assert part["text"] == "".join(texts)


def seen(path: str, found: Events) -> list[str]:
    """Return the kinds of events but one that says nothing new and may have been the first lost."""
    return [kind for kind in shape(path, found) if kind != "response.in_progress"]


def heard_so_far(path: str, pieces: list[bytes]) -> bytes:
    """Return what of these pieces the client got."""
    told = heard(path)
    return b"".join(map(told.feed, pieces))


@given(path=st.sampled_from(PATHS), junk=st.binary(max_size=200))
def test_whatever_an_engine_sends_nothing_is_raised(path: str, junk: bytes) -> None:
    told = heard(path, native(path, ["one"])[:300], junk + b"\n\n")

    if not (told.objection or told.done or told.complete):
        told.retell(translator(path), 1.0)


@given(path=st.sampled_from(PATHS), texts=TEXTS)
def test_usage_is_that_of_the_whole(path: str, texts: list[str]) -> None:
    spoken = [f" {number}" for number, _ in enumerate(texts, 1)]
    begun = native(path, spoken)
    last = b'"done":true' if path == OLLAMA else spoken[-1].encode()
    told = heard(path, begun[: begun.rindex(last)])

    got = read(path, gone_on(path, told, [" and", " more"], 9 + told.tokens))

    assert spent(path, got) == (9, told.tokens + 2)
