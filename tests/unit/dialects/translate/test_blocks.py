"""Blocks come one after the other, whatever order their pieces come in."""

from typing import Any

import pytest

from proxy.dialects.translate import blocks as module
from proxy.dialects.translate.blocks import Block, Blocks, Kind, LateError
from proxy.dialects.translate.chunks import Function, ToolCall
from proxy.dialects.translate.payloads import TooLongError


class Written:
    """Notes what a sink is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def opened(self, block: Block) -> None:
        self.told.append(f"open {block.number} {block.kind.value} {block.name}".strip())

    def added(self, block: Block, text: str, logprobs: list[Any]) -> None:
        self.told.append(f"{block.number} {text}{logprobs or ''}")

    def closed(self, block: Block) -> None:
        self.told.append(f"close {block.number}")


def make() -> tuple[Blocks, list[str]]:
    sink = Written()
    return Blocks(sink), sink.told


def piece(index: int | None, text: str = "", name: str | None = None, id: str = "") -> ToolCall:
    return ToolCall(index=index, id=id or None, function=Function(name=name, arguments=text))


def call_each(blocks: Blocks, *pieces: ToolCall) -> None:
    for one in pieces:
        blocks.call(one)


def add_each(blocks: Blocks, *kinds: Kind) -> None:
    for kind in kinds:
        blocks.add(kind, "a")


def test_text_and_reasoning_close_each_other() -> None:
    blocks, told = make()
    blocks.add(Kind.REASONING, "a")
    blocks.add(Kind.TEXT, "b", [1])
    blocks.add(Kind.TEXT, "c")
    blocks.add(Kind.REASONING, "d")
    blocks.finish()

    assert told == [
        "open 0 reasoning",
        "0 a",
        "close 0",
        "open 1 text",
        "1 b[1]",
        "1 c",
        "close 1",
        "open 2 reasoning",
        "2 d",
        "close 2",
    ]
    assert blocks.count == 3


def test_calls_that_follow_each_other_are_streamed() -> None:
    blocks, told = make()
    blocks.call(piece(0, "", "f", "a"))
    blocks.call(piece(0, '{"n":'))
    blocks.call(piece(0, "1}"))
    blocks.call(piece(1, "", "g", "b"))
    blocks.call(piece(1, "{"))

    assert told == ["open 0 tool f", '0 {"n":', "0 1}", "close 0", "open 1 tool g", "1 {"]
    assert blocks.calls == 2


def test_what_comes_amid_a_call_waits_for_its_end() -> None:
    blocks, told = make()
    blocks.call(piece(0, '{"n":', "f", "a"))
    blocks.call(piece(1, "{}", "g", "b"))
    blocks.add(Kind.TEXT, "x", [1])
    blocks.add(Kind.TEXT, "y", [2])
    blocks.call(piece(2, "{", "h", "c"))
    assert told == ["open 0 tool f", '0 {"n":']
    blocks.call(piece(0, "1}"))

    assert told[2:] == [
        "0 1}",
        "close 0",
        "open 1 tool g",
        "1 {}",
        "close 1",
        "open 2 text",
        "2 xy[1, 2]",
        "close 2",
        "open 3 tool h",
        "3 {",
    ]


def test_the_end_gives_out_what_waits() -> None:
    blocks, told = make()
    blocks.call(piece(0, "{", "f"))
    blocks.call(piece(1, "{", "g"))
    blocks.finish()

    assert told == [
        "open 0 tool f",
        "0 {",
        "close 0",
        "open 1 tool g",
        "1 {",
        "close 1",
    ]


def test_a_call_waits_for_its_name() -> None:
    blocks, told = make()
    blocks.call(piece(0, "{"))
    blocks.add(Kind.TEXT, "x")
    assert told == []
    blocks.call(piece(0, "}", "f"))

    assert told == ["open 0 tool f", "0 {", "0 }", "close 0", "open 1 text", "1 x"]


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, "{}", "f", "a"), piece(0, "{}", "g", "b")],  # all numbered 0
        [piece(None, "{}", "f", "a"), piece(None, "{}", "g", "b")],  # not numbered at all
        [piece(None, "", "f", "a"), piece(None, "{}"), piece(None, "{}", "g", "b")],
        [piece(0, "", "f", "a"), piece(0, "{}", "f", "a"), piece(1, "{}", "g", "b")],  # repeated
        [piece(3, "{}", "f", "a"), piece(7, "{}", "g", "b")],
    ],
)
def test_ways_to_number_calls(pieces: list[ToolCall]) -> None:
    blocks, told = make()
    for one in pieces:
        blocks.call(one)
    blocks.finish()

    assert told == [
        "open 0 tool f",
        "0 {}",
        "close 0",
        "open 1 tool g",
        "1 {}",
        "close 1",
    ]


def test_more_arguments_after_the_end_of_a_call() -> None:
    blocks, told = make()
    blocks.call(piece(0, "{}", "f"))
    blocks.add(Kind.TEXT, "x")
    blocks.call(piece(0, " \n"))
    assert told[-1] == "1 x"

    with pytest.raises(LateError, match="call of f"):
        blocks.call(piece(0, "{}"))


def test_a_call_that_never_ends_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 10_000)
    blocks, _ = make()
    blocks.call(piece(0, '{"a":"', "find"))

    with pytest.raises(TooLongError, match="kept"):
        call_each(blocks, *[piece(0, "more")] * 1000)


def test_text_that_waits_for_a_call_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 10_000)
    blocks, _ = make()
    blocks.call(piece(0, '{"a":"', "find"))

    with pytest.raises(TooLongError, match="kept"):
        add_each(blocks, *[Kind.TEXT] * 1000)


def test_text_that_waits_for_nothing_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 10_000)
    blocks, told = make()

    for _ in range(1000):
        blocks.add(Kind.TEXT, "a")

    assert len(told) == 1001


def test_calls_and_changes_have_an_end() -> None:
    blocks, _ = make()
    with pytest.raises(TooLongError, match="256 tool calls"):
        call_each(blocks, *[piece(number, "", "find") for number in range(1000)])
    blocks, _ = make()
    with pytest.raises(TooLongError, match="4096 blocks"):
        add_each(blocks, *[Kind.TEXT, Kind.REASONING] * 5000)
