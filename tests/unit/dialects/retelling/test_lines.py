"""Hearing Ollama's streams."""

from typing import Any

import msgspec
import pytest

from proxy.dialects.retelling.lines import ToldLines
from tests.fixtures.retold import OLLAMA, gone_on, heard, read


def line(content: str = "", *, done: bool = False, more: Any = None, **message: Any) -> bytes:
    said = {"role": "assistant", "content": content, **message}
    whole = {"model": "m:latest", "created_at": "x", "message": said, "done": done, **(more or {})}
    return msgspec.json.encode(whole) + b"\n"


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        (line(tool_calls=[{"function": {}}]), "a tool is being called"),
        (line(thinking="hm"), "the model has been reasoning"),
        (line(images=["x"]), "it has images"),
        (line("a", more={"logprobs": [{}]}), "it has probabilities"),
    ],
)
def test_more_than_text_binds(piece: bytes, why: str) -> None:
    told = heard(OLLAMA, line("one"), piece)

    assert told.objection == why
    assert not told.said


def test_the_last_line_says_it_all() -> None:
    counts = {"done_reason": "length", "prompt_eval_count": 7, "eval_count": 3}
    told = heard(OLLAMA, line("one"), b"\n", line(done=True, more=counts))

    assert (told.done, told.finish) == (True, "length")
    assert (told.tokens_in, told.tokens_out) == (7, 3)
    assert told.closing() == b""


def test_the_rest_goes_under_the_same_name() -> None:
    told = heard(OLLAMA, line("one"))

    got = read(OLLAMA, gone_on(OLLAMA, told, [" two"]))

    assert {one["model"] for one in got} == {"m:latest"}
    assert got[0]["message"]["content"] == " two"


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        (b'{"messages":[]}', True),
        (b'{"options":null}', True),
        (b'{"options":{"num_predict":3}}', True),
        (b'{"options":{"num_ctx":null}}', True),
        (b'{"options":{"num_ctx":8192}}', False),
        (b'{"options":7}', False),
    ],
)
def test_a_context_of_its_own_is_not_carried_to_another_engine(body: bytes, fits: bool) -> None:
    assert ToldLines.fits(body) is fits
