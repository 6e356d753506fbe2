"""Bodies are read strictly, and errors name the place."""

import msgspec
import pytest

from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.reading import (
    Known,
    check_absent,
    convert,
    decode,
    given,
    joined,
    kept,
    schema,
)


class Item(Known):
    n: int = 0


class Body(Known):
    items: list[Item] = msgspec.field(default_factory=list)
    other: str | None = None
    raw: msgspec.Raw = msgspec.Raw()


DECODER = msgspec.json.Decoder(Body)


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b'{"x":1}', "x", "unsupported"),
        (b'{"items":[{},{"n":1},{"n":"a"}]}', "items[2].n", "invalid"),
        (b'{"items":[{},{"m":1}]}', "items[1].m", "unsupported"),
        (b'{"other":1}', "other", "invalid"),
        (b"[]", "", "invalid"),
        (b"{", "", "invalid"),
    ],
)
def test_a_verdict_names_the_place(body: bytes, param: str, code: str) -> None:
    with pytest.raises(Uncarried) as verdict:
        decode(body, DECODER, {"items": Item})

    assert (verdict.value.refusal.param, verdict.value.refusal.code) == (param, code)


def test_a_part_is_read_as_strictly() -> None:
    assert convert(msgspec.Raw(b'{"n":3}'), Item, "items[0]").n == 3
    for raw in (b'{"n":"a"}', b'{"m":1}'):
        with pytest.raises(Uncarried, match=r"items\[4\]\.") as verdict:
            convert(msgspec.Raw(raw), Item, "items[4]")
        assert verdict.value.refusal.param.startswith("items[4].")


@pytest.mark.parametrize("body", [b"{}", b'{"other":null}', b'{"other":""}'])
def test_an_empty_field_is_an_absent_one(body: bytes) -> None:
    check_absent(decode(body, DECODER, {}), {"other": "it is not there."})


def test_a_field_that_must_be_absent_is_refused_with_the_reason() -> None:
    with pytest.raises(Uncarried, match=r"`at\.other` cannot be carried: because\."):
        check_absent(decode(b'{"other":"x"}', DECODER, {}), {"other": "because."}, "at.")


def test_small_tools() -> None:
    assert given(a=None, b=0, c=False) == {"b": 0, "c": False}
    assert joined(["a", "", "b"]) == "a\n\nb"
    assert kept(decode(b"{}", DECODER, {}).raw) is None
    assert kept(decode(b'{"raw":null}', DECODER, {}).raw) is None
    assert kept(decode(b'{"raw": {"a": 1}}', DECODER, {}).raw) == msgspec.Raw(b'{"a": 1}')


@pytest.mark.parametrize("raw", [b'"no"', b"[]", b"true"])
def test_a_schema_is_an_object(raw: bytes) -> None:
    assert schema(msgspec.Raw(b'{"type": "object"}'), "x") == msgspec.Raw(b'{"type": "object"}')
    assert schema(msgspec.Raw(), "x") is None
    with pytest.raises(Uncarried, match="`x` is not a JSON schema"):
        schema(msgspec.Raw(raw), "x")
