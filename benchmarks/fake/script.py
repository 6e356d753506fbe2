"""What an answer will say, before a word of it is written: thoughts, text, calls of tools.

Everything follows from the request. A prompt that says `call-tool:NAME` (once per call) makes the
answer call that tool if the request offers it; `think-tokens:N` lets N tokens of thought precede
the rest. An answer to the result of a tool is text, so that an agent's loop ends.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property

import msgspec

from benchmarks.fake.words import WORDS, start_of, walk

_CALL = re.compile(r"call-tool:([\w.-]{1,64})")
_THINK = re.compile(r"think-tokens:(\d{1,6})")
_PIECE = 4  # characters of arguments that are one token, as everywhere else here
_THOUGHTS = 8  # tokens of thought when a request only says that it wants some


class Finish(StrEnum):
    """Why an answer ended, in no API's own words."""

    STOP = "stop"
    LENGTH = "length"
    CALLS = "calls"


class Part(StrEnum):
    """What a stretch of an answer is."""

    THOUGHT = "thought"
    TEXT = "text"
    CALL = "call"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of tokens of one kind."""

    part: Part
    first: int
    """Index in the answer of its first token."""
    count: int
    start: int = 0
    """Index in the words at which its text begins."""
    said: int = 0
    """How many tokens of that text another engine has said before."""
    name: str = ""
    call_id: str = ""
    arguments: str = ""
    """Those of the call, whole, even if the answer is cut before their end."""

    def say(self, first: int, count: int) -> bytes:
        """Tokens `first` to `first + count - 1` of this span, ready to stand in a JSON string."""
        if self.part is not Part.CALL:
            return walk(self.start, self.said + first, count)
        text = self.arguments[first * _PIECE : (first + count) * _PIECE]
        return msgspec.json.encode(text)[1:-1]

    def whole(self) -> bytes:
        """All of it, ready to stand in a JSON string."""
        return self.say(0, self.count)

    def spoken(self) -> str:
        """Return the arguments as far as they go."""
        return self.arguments[: self.count * _PIECE]

    def values(self) -> object:
        """Return the arguments as a value; those that were cut are an empty object."""
        try:
            found: object = msgspec.json.decode(self.spoken())
        except msgspec.DecodeError:
            return {}
        return found


class Script(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The spans of one answer, in order."""

    spans: tuple[Span, ...]
    finish: Finish

    @cached_property
    def total(self) -> int:
        """How many tokens it has."""
        return sum(span.count for span in self.spans)

    def of(self, part: Part) -> list[Span]:
        """Return the spans of one kind."""
        return [span for span in self.spans if span.part is part]

    def text(self, part: Part = Part.TEXT) -> bytes:
        """Return all of one kind, ready to stand in a JSON string."""
        return b"".join(span.whole() for span in self.of(part))

    def everything(self) -> bytes:
        """Return all of every kind."""
        return b"".join(span.whole() for span in self.spans)

    def cut(self, first: int, count: int) -> Iterator[tuple[int, Span, int, int]]:
        """Divide a run of tokens: index of the span, the span, offset in it, tokens."""
        end = first + count
        for index, span in enumerate(self.spans):
            begin, stop = max(first, span.first), min(end, span.first + span.count)
            if begin < stop:
                yield index, span, begin - span.first, stop - begin


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that a request offers."""

    name: str
    schema: Mapping[str, object] = {}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for, as far as it decides what is said."""

    prompt: str
    limit: int | None = None
    """The most tokens it wants; None: as many as there are."""
    exact: bool = False
    """Exactly that many, text only."""
    tools: tuple[Tool, ...] = ()
    must_call: str = ""
    """The name of a tool it insists on; `*`: any."""
    after_result: bool = False
    """Its last message is the result of a tool."""
    think: bool = False
    said: int = 0
    """How many tokens of the answer the request brings along, to be gone on with."""


def compose(wish: Wish, *, natural: int, thoughts: int, seed: str) -> Script:
    """Decide what is said; `natural` is the length of a text that nobody limits.

    `seed` makes the ids of calls; the same request with the same one gives the same answer.
    """
    start = start_of(wish.prompt)
    left = max(0, natural - wish.said)
    if wish.exact:
        count = wish.limit or left
        text = Span(part=Part.TEXT, first=0, count=count, start=start, said=wish.said)
        return Script(spans=(text,), finish=Finish.LENGTH)
    if wish.said:
        text = Span(part=Part.TEXT, first=0, count=left, start=start, said=wish.said)
        return _limited((text,), wish.limit, Finish.STOP)
    spans: list[Span] = []
    wanted = _thoughts(wish) or thoughts
    if wanted:
        spans.append(Span(part=Part.THOUGHT, first=0, count=wanted, start=start + len(WORDS) // 2))
    called = _calls(wish)
    if not called:
        spans.append(Span(part=Part.TEXT, first=wanted, count=natural, start=start))
    for number, tool in enumerate(called):
        arguments = msgspec.json.encode(_example(tool.schema, start + number)).decode()
        spans.append(
            Span(
                part=Part.CALL,
                first=spans[-1].first + spans[-1].count if spans else 0,
                count=-(-len(arguments) // _PIECE),
                name=tool.name,
                call_id=f"{seed}{number}",
                arguments=arguments,
            )
        )
    return _limited(spans, wish.limit, Finish.CALLS if called else Finish.STOP)


def _limited(spans: Sequence[Span], limit: int | None, natural: Finish) -> Script:
    whole = Script(spans=tuple(spans), finish=natural)
    if limit is None or limit >= whole.total:
        return whole
    kept = [
        msgspec.structs.replace(span, count=min(span.count, limit - span.first))
        for span in spans
        if span.first < limit
    ]
    return Script(spans=tuple(kept), finish=Finish.LENGTH)


def _thoughts(wish: Wish) -> int:
    found = _THINK.search(wish.prompt) if "think-tokens:" in wish.prompt else None
    if found:
        return int(found[1])
    return _THOUGHTS if wish.think else 0


def _calls(wish: Wish) -> list[Tool]:
    if not wish.tools or wish.after_result:
        return []
    offered = {tool.name: tool for tool in wish.tools}
    named = _CALL.findall(wish.prompt) if "call-tool:" in wish.prompt else []
    found = [offered[name] for name in named if name in offered]
    if found or not wish.must_call:
        return found
    return [offered.get(wish.must_call, wish.tools[0])]


def _example(schema: Mapping[str, object], start: int) -> object:
    # Arguments that a strict client accepts: every property, an allowed value of its type.
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return {"query": WORDS[start % len(WORDS)].decode().strip()}
    return {str(name): _value(inner, start) for name, inner in properties.items()}


def _value(schema: object, start: int) -> object:
    if not isinstance(schema, dict):
        return None
    allowed = schema.get("enum")
    if isinstance(allowed, list) and allowed:
        return allowed[0]
    match schema.get("type"):
        case "object":
            return _example(schema, start)
        case "integer":
            return start % 10
        case "number":
            return start % 10 + 0.5
        case "boolean":
            return True
        case "array":
            return []
        case _:
            return WORDS[start % len(WORDS)].decode().strip()
