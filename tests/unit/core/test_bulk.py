"""Bulk: what is too much to be translated, and what is not."""

import pytest

from proxy.core import bulk


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"a":[%b]}' % (b'{"b":1},' * (bulk.OBJECTS + 1)), "objects"),
        (b'{"a":[%b]}' % (b'{ \n"b":1},' * (bulk.OBJECTS + 1)), "objects"),
        (b'{"a":[%b]}' % (b'"",' * (bulk.STRINGS + 1)), "strings"),
        (b'{"a":"%b"}' % (b"\\n" * (bulk.ESCAPES + 1)), "escaped"),
        (b'{"a":[%b]}' % (b"1," * (bulk.SHORT // 2)), "besides"),
        (b'{"a":"%b"}' % (b"x" * bulk.MOST), "bytes"),
    ],
    ids=["objects", "spread", "strings", "escapes", "numbers", "bytes"],
)
def test_what_takes_long_to_write_anew_is_too_much(body: bytes, what: str) -> None:
    assert what in bulk.excess(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{" * bulk.SMALL,
        b'{"image":"%b"}' % (b"A" * (bulk.MOST - 20)),
        b'{"code":"%b"}' % (b'{\\n { \\"a\\"' * (3 * bulk.OBJECTS)),
        b'{"a":[%b]}' % (b'{"b":{}},' * (bulk.OBJECTS - 2)),
    ],
    ids=["small", "image", "code", "objects"],
)
def test_what_people_send_is_not(body: bytes) -> None:
    assert bulk.excess(body) == ""
