"""Shortening: long strings lose their insides, everything else stays, and nothing costs much."""

import json

import pytest

from proxy.core.shorten import CREDIT, LONG, shorten

PROMPT = "the water runs down the headrace " * (LONG // 16)


def chat(content: str) -> bytes:
    messages = [{"role": "user", "content": content}]
    return json.dumps({"messages": messages, "model": "m", "max_tokens": 4}).encode()


def test_a_long_string_is_made_empty_and_the_rest_stays() -> None:
    assert shorten(chat(PROMPT)) == chat("")


@pytest.mark.parametrize(
    "inside", ['\\"', "\\\\", '\\\\\\"', "\\n", "\\u0022", "\u043f\u0440\u0438\u0432\u0435\u0442"]
)
@pytest.mark.parametrize("place", ["{0}{1}", "{1}{0}", "{1}{0}{1}"])
def test_escapes_at_any_place_do_not_end_a_string(inside: str, place: str) -> None:
    text = b'{"a":"%b","b":1}' % place.format(inside, "x" * LONG).encode()
    assert json.loads(shorten(text)) == {"a": "", "b": 1}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'"',
        b'{"a":"' + b"x" * 2 * LONG,  # never closed
        b'{"a":"' + b"x" * LONG + b'\\"',
        b'{"a":"' + b"x" * (LONG - 1) + b'"}',  # not long
        b"\\" * 3 * LONG + b'"',
        b'"' + b"\\" * 3 * LONG + b'"',  # more backslashes in a row than are counted
    ],
)
def test_what_holds_no_long_string_comes_back_as_it_is(text: bytes) -> None:
    assert shorten(text) is text


def test_looking_for_quotes_ends_when_it_does_not_pay() -> None:
    short = b'{"k":[' + b'"s",' * CREDIT
    text = short + b'"' + b"x" * 2 * LONG + b'"]}'
    assert shorten(text) is text

    quoted = b'{"k":"' + b'\\"' * (2 * LONG) + b'"}'
    assert shorten(quoted) is quoted


def test_what_was_cut_pays_for_looking_on() -> None:
    long = b'"' + b"x" * LONG * 8 + b'"'
    text = b"[" + b",".join([long] * 200) + b"]"
    assert shorten(text) == b"[" + b",".join([b'""'] * 200) + b"]"
