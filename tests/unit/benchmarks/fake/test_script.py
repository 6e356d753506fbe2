"""What an answer says: text, thoughts and calls, all from the request."""

import msgspec
import pytest

from benchmarks.fake.script import Finish, Part, Script, Tool, Wish, compose
from benchmarks.fake.words import answer_text

WEATHER = Tool(
    name="weather",
    schema={
        "properties": {
            "city": {"type": "string", "enum": ["Paris", "Rome"]},
            "days": {"type": "integer"},
            "exact": {"type": "boolean"},
            "where": {"type": "object", "properties": {"zip": {"type": "string"}}},
            "tags": {"type": "array"},
            "least": {"type": "number"},
        }
    },
)
CLOCK = Tool(name="clock")


def said(prompt: str, **fields: object) -> Script:
    """Compose with a natural length of 16."""
    wish = msgspec.structs.replace(Wish(prompt=prompt), **fields)
    return compose(wish, natural=16, thoughts=0, seed="r")


@pytest.mark.parametrize(
    ("fields", "total", "finish"),
    [
        ({}, 16, Finish.STOP),
        ({"limit": 5}, 5, Finish.LENGTH),
        ({"limit": 16}, 16, Finish.STOP),
        ({"limit": 50}, 16, Finish.STOP),
        ({"limit": 50, "exact": True}, 50, Finish.LENGTH),
        ({"exact": True}, 16, Finish.LENGTH),
    ],
)
def test_how_long_an_answer_gets(fields: dict[str, object], total: int, finish: Finish) -> None:
    script = said("hi", **fields)

    assert (script.total, script.finish) == (total, finish)
    assert script.text().decode() == answer_text("hi", total)


def test_thoughts_come_first_and_say_something_else() -> None:
    script = said("hi think-tokens:3")

    assert [(span.part, span.first, span.count) for span in script.spans] == [
        (Part.THOUGHT, 0, 3),
        (Part.TEXT, 3, 16),
    ]
    assert script.text().decode() == answer_text("hi think-tokens:3", 16)
    assert script.text(Part.THOUGHT) not in script.text()
    assert said("hi", think=True).spans[0].part is Part.THOUGHT
    assert compose(Wish(prompt="hi"), natural=1, thoughts=2, seed="").total == 3


def test_a_prompt_calls_the_tools_it_names_if_they_are_offered() -> None:
    prompt = "call-tool:weather call-tool:nobody call-tool:clock"
    script = said(prompt, tools=(CLOCK, WEATHER))

    assert [span.name for span in script.spans] == ["weather", "clock"]
    assert [span.call_id for span in script.spans] == ["r0", "r1"]
    assert script.finish is Finish.CALLS
    assert script.total == sum(span.count for span in script.spans)
    assert said(prompt).finish is Finish.STOP


def test_arguments_have_the_shape_the_tool_declares() -> None:
    (span,) = said("call-tool:weather", tools=(WEATHER,)).spans
    values = msgspec.convert(span.values(), dict[str, object])

    assert values["city"] == "Paris"
    assert values["exact"] is True
    assert isinstance(values["days"], int)
    assert isinstance(values["least"], float)
    assert values["tags"] == []
    assert isinstance(msgspec.convert(values["where"], dict[str, object])["zip"], str)


def test_a_tool_can_be_insisted_on_and_its_result_is_answered_with_text() -> None:
    tools = (CLOCK, WEATHER)

    assert said("hi", tools=tools, must_call="*").spans[0].name == "clock"
    assert said("hi", tools=tools, must_call="weather").spans[0].name == "weather"
    again = said("call-tool:clock", tools=tools, after_result=True)
    assert [span.part for span in again.spans] == [Part.TEXT]


def test_pieces_of_a_call_are_its_arguments_in_order() -> None:
    (span,) = said("call-tool:weather", tools=(WEATHER,)).spans
    pieces = [span.say(number, 1) for number in range(span.count)]

    assert msgspec.json.decode(b'"' + b"".join(pieces) + b'"') == span.arguments
    cut = said("call-tool:weather", tools=(WEATHER,), limit=2)
    assert cut.finish is Finish.LENGTH
    assert cut.spans[0].spoken() == span.arguments[:8]
    assert cut.spans[0].values() == {}


def test_a_run_of_tokens_is_divided_among_the_spans() -> None:
    script = said("think-tokens:3")

    assert [(i, offset, n) for i, _, offset, n in script.cut(1, 5)] == [(0, 1, 2), (1, 0, 3)]
    assert [(i, offset, n) for i, _, offset, n in script.cut(4, 1)] == [(1, 1, 1)]


def test_an_answer_that_was_begun_elsewhere_is_said_to_its_end() -> None:
    whole, rest = said("hi"), said("hi", said=5)

    assert whole.text() == said("hi", limit=5).text() + rest.text()
    assert (rest.total, rest.finish) == (11, Finish.STOP)
    assert (said("hi", said=5, limit=2).total, said("hi", said=16).total) == (2, 0)
    assert said("hi", said=5, limit=4, exact=True).text() == said("hi", said=5, limit=4).text()
