"""Skim: what is left of a body that is read in steps, what is refused, and how much a step does."""

from itertools import pairwise

import pytest

from proxy.core.shorten import LONG
from proxy.core.skim import DEEPEST, MOST_TURNS, SLICE, TOP, TURNS, Skim

MODEL = b'"model":"m"'


def skimmed(text: bytes, size: int = SLICE) -> Skim:
    skim = Skim(text, size)
    while not skim.step():
        assert skim.steps <= 2 * len(text) // size + MOST_TURNS // TURNS + 2
    return skim


@pytest.mark.parametrize("size", [1, 2, 7, SLICE])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b'{"a":[1,{"b":[]}],"model":"m"}', b'{"a":[],"model":"m"}'),
        (b' {"a":"]}\\"{","b":{"]":1},"c":1e5} ', b' {"a":"]}\\"{","b":{},"c":1e5} '),
        (b'{"a":{"\\\\":"\\\\"},"model":"[\\\\"}', b'{"a":{},"model":"[\\\\"}'),
        (b'[1,[2],{"model":"m"}]', b"[1,[],{}]"),
        (b'{"a":{},"b":[]}', b'{"a":{},"b":[]}'),
        (b"5", b"5"),
        (b"", b""),
    ],
)
def test_the_top_level_is_kept_whatever_the_slices(text: bytes, kept: bytes, size: int) -> None:
    skim = skimmed(text, size)

    assert (skim.flaw, skim.kept) == ("", kept)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":[}',
        b'{"a":[}]',
        b"]",
        b'{"a":1}}',
        b'{"a":{"b":"c}}',
        b'{"a":"\\"}',
        b'{"a":"\\',
        b"{",
    ],
)
@pytest.mark.parametrize("size", [1, 5, SLICE])
def test_what_does_not_fit_together_is_a_flaw(text: bytes, size: int) -> None:
    skim = skimmed(text, size)

    assert skim.flaw
    assert not skim.refused


def test_a_long_text_of_the_top_level_is_left_out_and_a_name_never_is() -> None:
    name = b'"model":"%b"' % (b"x" * 500)
    long = b'{"prompt":"%b",%b}' % (b'say \\"hi\\"' * LONG, name)

    assert skimmed(long, 100).kept == b'{"prompt":"",%b}' % name


def test_deep_nesting_is_a_flaw() -> None:
    assert skimmed(b"[" * DEEPEST + b"]" * DEEPEST).flaw == ""
    assert "deep" in skimmed(b"[" * 1_000_000).flaw


def test_too_many_lists_are_refused() -> None:
    skim = Skim(b"[[" + b"[[[]]]," * 1 + b"0]]")
    skim.turns = MOST_TURNS - 2
    while not skim.step():
        pass

    assert skim.refused


def test_too_much_top_level_is_refused() -> None:
    skim = skimmed(b"{%b}" % b",".join([b'"k":1'] * (TOP // 6 + 2)))

    assert skim.refused
    assert skim.steps <= TOP // SLICE + 2


@pytest.mark.parametrize(
    "filling",
    [
        b'{"model":"m"},' * 30_000,
        b"[[[[1]]]]," * 30_000,
        b'"x",' * 100_000,
        b'"' + b'\\"' * 200_000 + b'",',
        b"1" * 400_000 + b",",
        (b"[" + b"1," * 30_000) * 8 + b"0" + b"]" * 8 + b",",
    ],
    ids=["objects", "lists", "strings", "escapes", "number", "open"],
)
def test_a_step_does_a_bounded_amount_of_work(filling: bytes) -> None:
    skim = Skim(b'{%b,"a":[%b0]}' % (MODEL, filling), 16_384)
    turns, places = [0], [0]

    while not skim.step():
        turns.append(skim.turns)
        places.append(skim.place)

    assert skim.kept == b'{%b,"a":[]}' % MODEL
    assert all(after - before <= TURNS for before, after in pairwise(turns))
    assert all(0 < after - before <= 16_384 + 2 for before, after in pairwise(places))
