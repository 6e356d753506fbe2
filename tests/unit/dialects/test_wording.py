"""Error bodies as engines really send them, cut down to what matters."""

import pytest

from proxy.dialects.wording import LONGEST, words_of


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"code":400,"message":"too long","type":"x"}}', "too long"),
        (b'{"error": "max_tokens must be of type int"}', "max_tokens must be of type int"),
        (b'{"object":"error","message":"got -5.","type":"BadRequestError","code":400}', "got -5."),
        (b'{"detail":"Not Found"}', "Not Found"),
        (
            b'{"detail":[{"loc":["body","messages"],"msg":"absent"},{"loc":["body",3],"msg":"no"}]}',
            "body.messages: absent; body.3: no",
        ),
        (b'{"detail":[{"msg":"no place"}, 7, {"loc":["body"]}]}', "no place"),
        (b'{"detail":{"message":"nested"}}', "nested"),
        (b'{"detail":{"error":"nested"}}', "nested"),
        (b'{"message":"flat"}', "flat"),
        (b'"a string"', "a string"),
        (b'{"reason":"nobody knows this"}', '{"reason":"nobody knows this"}'),
        (b'{"detail":[]}', '{"detail":[]}'),
        (b"Internal Server Error\n", "Internal Server Error"),
        (b"proxy error: Failed to read connection", "proxy error: Failed to read connection"),
        (b"two\nlines", "two\nlines"),
    ],
)
def test_what_an_engine_says_is_found(body: bytes, words: str) -> None:
    assert words_of(body) == words


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"<html>502</html>", b"\n<!doctype html>", b"\xff\xfe", b"a\x00b"]
)
def test_what_says_nothing_to_a_reader_is_not_told(body: bytes) -> None:
    assert words_of(body) is None


def test_words_are_bounded() -> None:
    long = b"x" * 5000

    assert words_of(long) is None
    assert words_of(b'{"detail":"%b"}' % long) == "x" * LONGEST
    many = b",".join([b'{"loc":["a"],"msg":"%b"}' % long] * 3)
    assert len(words_of(b'{"detail":[%b]}' % many) or "") == LONGEST


def test_nesting_without_end_is_no_crash() -> None:
    assert words_of(b"[" * 100_000) is None
