"""Translated streams say what the engine said, however the network cut it or calls interleave."""

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.anthropic_answer import AnthropicAnswer
from proxy.dialects.translate.assemble import Assembly
from proxy.dialects.translate.ollama_answer import OllamaAnswer
from proxy.dialects.translate.responses_answer import ResponsesAnswer
from tests.fixtures.recorded import cut
from tests.fixtures.translate.upstream import call, event, stream

PLACES = st.lists(st.integers(0, 100_000), max_size=20)
TEXT = st.text(min_size=1, max_size=8)
OBJECTS = st.dictionaries(st.text(max_size=4), st.one_of(st.integers(-9, 9), TEXT), max_size=3)
PIECES = st.lists(st.tuples(st.sampled_from(["content", "reasoning", "refusal"]), TEXT), max_size=8)
SURFACES = ("anthropic", "ollama", "responses")


def make(surface: str) -> ChatAnswer:
    if surface == "anthropic":
        return AnthropicAnswer("r", 0.0, model="m")
    if surface == "ollama":
        return OllamaAnswer("r", 0.0, model="m")
    return ResponsesAnswer("r", 0.0, echo={})


def read(surface: str, pieces: Sequence[bytes]) -> bytes:
    answer = make(surface)
    return b"".join([*map(answer.feed, pieces), answer.end()])


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[bytes], list[tuple[str, str]], list[str]]:
    """Draw the events of a message, its texts in order, and the arguments of its calls.

    Pieces of text and of calls are mixed at random; pieces of one call keep their order.
    """
    arguments = [orjson.dumps(value).decode() for value in draw(st.lists(OBJECTS, max_size=3))]
    lanes: list[list[bytes]] = []
    texts = draw(PIECES)
    lanes.append([event({kind: text}) for kind, text in texts])
    for number, whole in enumerate(arguments):
        marks = sorted({0, len(whole), *draw(st.lists(st.integers(0, len(whole)), max_size=3))})
        parts = [whole[a:b] for a, b in itertools.pairwise(marks)]
        lane = [call(number, f"f{number}", "", f"id{number}")]
        lanes.append(lane + [call(number, arguments=part) for part in parts])
    order = draw(st.permutations([n for n, lane in enumerate(lanes) for _ in lane]))
    return [lanes[n].pop(0) for n in order], texts, arguments


def joined(texts: Sequence[tuple[str, str]], *kinds: str) -> str:
    return "".join(text for kind, text in texts if kind in kinds)


@pytest.mark.parametrize("surface", SURFACES)
@given(made=conversations(), places=PLACES, end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_no_cut_changes_what_the_caller_gets(
    surface: str,
    made: tuple[list[bytes], list[tuple[str, str]], list[str]],
    places: list[int],
    end: bytes,
) -> None:
    data = stream(*made[0])
    other = data.replace(b"\n", end)

    assert read(surface, cut(other, places)) == read(surface, [data])


@given(conversations())
def test_anthropic_blocks_are_whole_and_in_order(
    made: tuple[list[bytes], list[tuple[str, str]], list[str]],
) -> None:
    events, texts, arguments = made
    told = [
        orjson.loads(part.split(b"data: ")[1])
        for part in read("anthropic", [stream(*events)]).split(b"\n\n")[:-1]
    ]
    assert [one["type"] for one in told[:1] + told[-2:]] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    open_index = -1
    found: list[Any] = []
    for one in told[1:-2]:
        if one["type"] == "content_block_start":
            assert open_index == -1
            open_index = one["index"]
            assert open_index == len(found)
            found.append((one["content_block"]["type"], one["content_block"].get("id"), []))
        elif one["type"] == "content_block_stop":
            assert one["index"] == open_index
            open_index = -1
        else:
            assert one["index"] == open_index
            found[-1][2].extend(
                [v for k, v in one["delta"].items() if k not in ("type", "signature")]
            )
    assert open_index == -1

    blocks = [(kind, call_id, "".join(parts)) for kind, call_id, parts in found]
    said = {kind: "".join(text for k, _, text in blocks if k == kind) for kind, _, _ in blocks}
    calls = {call_id: text for kind, call_id, text in blocks if kind == "tool_use"}
    assert said.get("text", "") == joined(texts, "content", "refusal")
    assert said.get("thinking", "") == joined(texts, "reasoning")
    assert calls == {f"id{n}": text for n, text in enumerate(arguments)}


@given(conversations())
def test_response_items_are_whole_and_in_order(
    made: tuple[list[bytes], list[tuple[str, str]], list[str]],
) -> None:
    events, texts, arguments = made
    told = [
        orjson.loads(part.split(b"data: ")[1])
        for part in read("responses", [stream(*events)]).split(b"\n\n")[:-1]
    ]
    deltas: dict[str, list[str]] = {}
    open_index, count = -1, 0
    for number, one in enumerate(told):
        assert one["sequence_number"] == number
        if one["type"] == "response.output_item.added":
            assert open_index == -1
            open_index, count = count, count + 1
        if "output_index" in one:
            assert one["output_index"] == open_index
        if one["type"].endswith(".delta"):
            deltas.setdefault(one["item_id"], []).append(one["delta"])
        if one["type"] == "response.output_item.done":
            open_index = -1

    items = told[-1]["response"]["output"]
    assert len(items) == count
    for item in items:
        part = item["content"][0] if "content" in item else item
        text = part.get("text", part.get("refusal", part.get("arguments")))
        assert text == "".join(deltas.get(item["id"], []))
    calls = {item["call_id"]: item["arguments"] for item in items if "call_id" in item}
    assert calls == {f"id{n}": text for n, text in enumerate(arguments)}
    parts = [item["content"][0] for item in items if "content" in item]
    assert "".join(p.get("text", "") for p in parts if p["type"] == "output_text") == joined(
        texts, "content"
    )


@given(conversations())
def test_ollama_lines_hold_all_that_was_said(
    made: tuple[list[bytes], list[tuple[str, str]], list[str]],
) -> None:
    events, texts, arguments = made
    told = [orjson.loads(line) for line in read("ollama", [stream(*events)]).splitlines()]
    messages = [one["message"] for one in told]

    assert [one["done"] for one in told] == [False] * (len(told) - 1) + [True]
    assert "".join(m["content"] for m in messages) == joined(texts, "content", "refusal")
    assert "".join(m.get("thinking", "") for m in messages) == joined(texts, "reasoning")
    calls = {one["id"]: one["function"] for m in messages for one in m.get("tool_calls", ())}
    assert {name: one["arguments"] for name, one in calls.items()} == {
        f"id{n}": orjson.loads(text) for n, text in enumerate(arguments)
    }


@given(conversations(), PLACES)
def test_an_assembled_answer_says_what_the_stream_said(
    made: tuple[list[bytes], list[tuple[str, str]], list[str]], places: list[int]
) -> None:
    events, texts, arguments = made
    assembly = Assembly()
    for piece in cut(stream(*events), places):
        assembly.feed(piece)
    result = assembly.result()
    assert isinstance(result, bytes)
    message = orjson.loads(result)["choices"][0]["message"]

    assert (message["content"] or "") == joined(texts, "content")
    assert message.get("reasoning", "") == joined(texts, "reasoning")
    assert [one["function"]["arguments"] for one in message.get("tool_calls", ())] == [
        arguments[int(one["id"][2:])] for one in message.get("tool_calls", ())
    ]
    assert len(message.get("tool_calls", ())) == len(arguments)


@pytest.mark.parametrize("surface", SURFACES)
@given(data=st.binary(max_size=80), places=PLACES)
def test_junk_never_raises(surface: str, data: bytes, places: list[int]) -> None:
    answer = make(surface)
    for piece in cut(b"data: " + data + b"\n\n" + stream(event({"content": "a"})), places):
        answer.feed(piece)
    answer.end()

    make(surface).whole(200, data)
    msgspec.json.decode(make(surface).whole(500, data))
