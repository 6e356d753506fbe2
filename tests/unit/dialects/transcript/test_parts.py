"""Parts of messages: what they look like, and that they never outgrow their room."""

from proxy.dialects.transcript import parts
from proxy.dialects.transcript.parts import CUT, PART, Room


def test_text_that_fits_is_whole() -> None:
    room = Room(PART + 5)

    assert parts.text(room, "hello") == [{"type": "text", "content": "hello"}]
    assert not room.cut


def test_text_that_does_not_fit_is_cut_and_says_so() -> None:
    room = Room(PART + 4)

    assert parts.text(room, "hello") == [{"type": "text", "content": f"hell{CUT}"}]
    assert room.cut
    assert parts.text(room, "more") == []


def test_a_character_is_never_cut_in_two() -> None:
    assert Room(3).take("éé") == f"é{CUT}"


def test_what_cannot_be_written_is_replaced() -> None:
    assert Room(9).take("a\ud800") == "a?"


def test_every_part_counts() -> None:
    room = Room(2 * PART)

    found = [part for _ in range(9) for part in parts.other(room, "image_url")]

    assert found == [{"type": "image_url"}] * 2
    assert room.cut


def test_no_text_is_no_part() -> None:
    room = Room(PART)

    assert parts.text(room, "") == []
    assert not room.cut


def test_a_tool_call_and_its_answer_have_the_names_of_the_conventions() -> None:
    room = Room(1000)

    assert parts.tool_call(room, "c1", "weather", '{"city":"Bern"}') == [
        {"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"city":"Bern"}'}
    ]
    assert parts.tool_response(room, "", "rain") == [
        {"type": "tool_call_response", "response": "rain"}
    ]


def test_names_are_short() -> None:
    (found,) = parts.tool_call(Room(10_000), "i" * 999, "n" * 999, "{}")

    assert (len(found["id"]), len(found["name"])) == (256, 256)
