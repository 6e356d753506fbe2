"""A body is read the same with and without the insides of its long strings."""

import json

from hypothesis import given
from hypothesis import strategies as st

from proxy.core import peek, shorten
from proxy.core.skim import Skim

LONG = st.builds(
    lambda piece, times: piece * times,
    st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from('"\\/\n'), min_size=1),
    st.integers(shorten.LONG // 8, shorten.LONG),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | LONG
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner)
)


def emptied(value: object) -> object:
    """Return the value with long strings, as written, made empty or not: both are right."""
    if isinstance(value, str):
        return "" if len(json.dumps(value, ensure_ascii=False).encode()) > shorten.LONG else value
    if isinstance(value, list):
        return [emptied(each) for each in value]
    if isinstance(value, dict):
        return {key: emptied(each) for key, each in value.items()}
    return value


@given(value=VALUES)
def test_only_long_strings_change(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    short = json.loads(shorten.shorten(text).decode("utf-8", "surrogatepass"))
    assert emptied(short) == emptied(value)


@given(
    before=st.dictionaries(st.text(max_size=8).filter(lambda key: key.lower() != "model"), VALUES),
    model=st.text(st.characters(codec="utf-8"), min_size=1, max_size=peek.MAX_NAME),
    limit=st.integers(0, 1 << 20),
)
def test_a_body_says_the_same_when_shortened(
    before: dict[str, object], model: str, limit: int
) -> None:
    known = {"stream", "max_completion_tokens", "max_output_tokens", "max_tokens"}
    rest = {key: value for key, value in before.items() if key not in known}
    body = json.dumps(rest | {"max_tokens": limit, "stream": True, "model": model}).encode()

    reader = peek.Reader()
    found = reader.peek(body)
    if isinstance(found, Skim):  # over 1 MiB of escaped quotes
        while not found.step():
            pass
        found = reader.conclude(found)

    assert isinstance(found, peek.Peek)
    assert (found.model, found.stream, found.output_limit) == (model, True, limit)


@given(text=st.binary(max_size=200), filler=st.integers(0, 3 * shorten.LONG))
def test_any_bytes_are_taken(text: bytes, filler: int) -> None:
    assert len(shorten.shorten(text + b'"' + b"x" * filler + b'"' + text)) >= 2 * len(text)
