"""What routing needs to know of a request body, without decoding the rest of it.

JSON bodies go through one typed decode that skips everything it has no field for: 1.8 us for a
small chat, 85 us for 100 kB of short strings, 7 us for one long one (`core/shorten`; CPython 3.11,
2026-11). Over 1 MiB of short values could hold the loop for longer than others may wait: such a
body is read in steps first (`core/skim`). Only `model` must be right: what else does not fit is the
engine's to judge.

Parsers disagree on repeated keys: the last wins here, the first or a case variant elsewhere. A body
that two parsers read differently could be routed by one model name and served by another, so it is
refused. The decoder itself finds such keys: its hook is called for each top-level `model`, however
escaped, and every other spelling is a field of its own. Counting `"model"` in the text instead
would cost 150 us for 100 kB, and nested keys of that name are legal.

Forms are searched for the few bytes that name a field and read there: one pass of a plain search.
"""

import re
from collections.abc import Callable, Sequence
from itertools import islice, product
from typing import Any, Final, cast

import msgspec

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.patched import LARGE, Patched
from proxy.core.shorten import LONG, cut, insides, shorten
from proxy.core.skim import Skim

MAX_NAME: Final = 512  # characters of a model name
DENSE: Final = 1024 * 1024  # bytes besides long strings: the decoder takes 5 to 20 ms for them
NO_MODEL: Final = "the body has no `model`"
_CASED: Final = tuple(
    name for name in map("".join, product(*((c, c.upper()) for c in "model"))) if name != "model"
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where Ollama's clients say how long the answer may be."""

    num_predict: float | None = None


class Peek(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says about its own routing."""

    model: str
    stream: bool | None = None
    max_tokens: float | None = None
    max_completion_tokens: float | None = None
    max_output_tokens: float | None = None
    options: Options | None = None

    @property
    def output_limit(self) -> float | None:
        """Return the most tokens the answer may have, if the request says so.

        Some engines take a negative number for "no limit": it counts as none.
        """
        limit = self.max_completion_tokens
        if limit is None:
            limit = self.max_tokens if self.max_tokens is not None else self.max_output_tokens
        if limit is None and self.options is not None:
            limit = self.options.num_predict
        return limit if limit is None or limit >= 0 else None


class _Name(str):
    """A model name, of a type that makes the decoder call its hook."""

    __slots__ = ()


_FIELDS: Final[list[Any]] = [
    ("model", _Name),
    # Servers that match keys without regard to case read these as `model`, too.
    *(
        (f"cased_{number}", _Name | None, msgspec.field(default=None, name=name))
        for number, name in enumerate(_CASED)
    ),
]
_Body = msgspec.defstruct("_Body", _FIELDS, bases=(Peek,), frozen=True, kw_only=True)
_Bare = msgspec.defstruct("_Bare", _FIELDS, frozen=True, kw_only=True)
_ONCE: Final = "`model` must be given once, and no key may differ from it in case only"


# A key `model`, at any depth and however escaped, and a string for its value.
_KEY: Final = b"".join(rb"(?:%c|\\u00(?i:%02x))" % (char, char) for char in b"model")
_NAMED: Final = re.compile(  # no escaped quote begins a key
    rb'(?<!\\)("%b"[ \t\r\n]*:[ \t\r\n]*)("(?:[^"\\]++|\\.)*+")' % _KEY, re.DOTALL
)
_MAX_LINE: Final = 1024  # bytes of a form field's Content-Disposition before the name
_MAX_HITS: Final = 256  # names looked at; a form with more is refused
_FORM_FIELD: Final = re.compile(
    rb"(?i:content-disposition):[^\r\n]{0,1024}?;[ \t]*"
    rb'name=(?:"(model|stream)"|(model|stream)(?=[ \t;\r]))'
    rb"[^\r\n]{0,1024}\r\n(?:[^\r\n]{1,1024}\r\n){0,8}\r\n([^\r\n]{0,4096})\r\n"
)


_Decode = Callable[[bytes], Peek]


class Reader:
    """Reads JSON bodies. Holds a decoder; one serves a whole process (not threads)."""

    __slots__ = ("_decode", "_decode_bare", "_names")

    def __init__(self) -> None:
        self._names = 0
        # What is made by `defstruct` is not known to have the fields it has.
        self._decode = cast("_Decode", msgspec.json.Decoder(_Body, dec_hook=self._name).decode)
        bare = msgspec.json.Decoder(_Bare, dec_hook=self._name).decode
        self._decode_bare = cast("_Decode", bare)

    def _name(self, _type: type, value: object) -> _Name:
        self._names += 1
        if self._names > 1:  # enough is known: 10 MB of such keys would hold the loop for 0.4 s
            raise ValueError(_ONCE)
        if type(value) is not str:
            raise TypeError("`model` must be a string")
        return _Name(value)

    def peek(self, body: bytes) -> Peek | Failure | Skim:
        """Read a JSON body. Fails with BAD_JSON or BAD_REQUEST, in words for the caller.

        A body that is too much for one go is to be skimmed first, and then read by `conclude`.
        """
        if len(body) > LONG:
            short = shorten(body)
            if len(short) > DENSE:
                return Skim(body)
            body = short
        return self._read(body)

    def conclude(self, skim: Skim) -> Peek | Failure:
        """Read a body that has been skimmed to its end."""
        if not skim.flaw:
            return self._read(skim.kept)
        if skim.refused:
            return _bad(f"the body is more than is read here: {skim.flaw}", Kind.TOO_LARGE)
        return _bad(f"the body is not valid JSON: {skim.flaw}", Kind.BAD_JSON)

    def _read(self, body: bytes) -> Peek | Failure:
        self._names = 0
        try:
            try:
                found = self._decode(body)
            except msgspec.ValidationError:  # perhaps only in what routing can do without
                self._names = 0
                found = Peek(model=self._decode_bare(body).model)
        except msgspec.ValidationError as error:
            return _bad(_ONCE if self._names > 1 else _explain(str(error)))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _bad(f"the body is not valid JSON: {error}", Kind.BAD_JSON)
        except RecursionError:
            return _bad("the body is nested too deeply", Kind.BAD_JSON)
        if not 0 < len(found.model) <= MAX_NAME:
            return _bad(f"`model` must be a name of 1 to {MAX_NAME} characters")
        if self._names != 1:
            return _bad(_ONCE)
        return found


def peek_form(body: bytes) -> Peek | Failure:
    """Read the model out of a multipart form. Fails with BAD_REQUEST."""
    values = _form_values(body)
    found = values[b"model"]
    if len(found) != 1:
        return _bad("the form must have exactly one field `model`")
    start, end = found[0]
    try:
        model = body[start:end].decode()
    except UnicodeDecodeError:
        return _bad("`model` is not UTF-8")
    if not model or len(model) > MAX_NAME:
        return _bad(f"`model` must be a name of 1 to {MAX_NAME} characters")
    stream = [body[start:end].strip().lower() for start, end in values[b"stream"]]
    return Peek(model=model, stream=stream == [b"true"])


def _form_values(body: bytes) -> dict[bytes, list[tuple[int, int]]]:
    """Return where the values of the fields `model` and `stream` stand, by name.

    Empty if the form names more things than any client's would.
    """
    spans: dict[bytes, list[tuple[int, int]]] = {b"model": [], b"stream": []}
    at = body.find(b"name=")
    for _ in range(_MAX_HITS):
        if at < 0:
            return spans
        line = body.rfind(b"\n", max(0, at - _MAX_LINE), at) + 1
        field = _FORM_FIELD.match(body, line)
        if field is not None:
            spans[field[1] or field[2]].append(field.span(3))
        at = body.find(b"name=", at + 1 if field is None else field.start(3))
    return {b"model": [], b"stream": []}


def rename(
    body: bytes, native: str, *, json: bool = True, place: tuple[int, int] | None = None
) -> bytes:
    """Return the body with its model replaced by `native`; every other byte stays as it is.

    `body` must have passed `peek` (or `peek_form`); then this does not raise. `place` is where the
    model stands, if that is known: who has skimmed the body knows.
    """
    start, end, name = _naming(body, native, json=json, place=place)
    return b"".join((memoryview(body)[:start], name, memoryview(body)[end:]))


def renamed(
    body: bytes, native: str, *, json: bool = True, place: tuple[int, int] | None = None
) -> bytes | Patched:
    """Do as `rename` does, but without a copy of a large body."""
    if len(body) < LARGE:
        return rename(body, native, json=json, place=place)
    return Patched(body, *_naming(body, native, json=json, place=place))


def _naming(
    body: bytes, native: str, *, json: bool, place: tuple[int, int] | None
) -> tuple[int, int, bytes]:
    if json:
        start, end = place or _model_span(body)
        return start, end, msgspec.json.encode(native)
    start, end = _form_values(body)[b"model"][0]
    return start, end, native.encode()


def place_in(skim: Skim) -> tuple[int, int]:
    """Return where the value of the top-level `model` stands in a body that was skimmed."""
    return _behind(skim.hidden, *_found(skim.kept)[0])


def _model_span(body: bytes) -> tuple[int, int]:
    """Return where the value of the top-level `model` stands.

    Looked for in what `peek` has read: long strings may hold anything. If there are several, all
    but the top level is left out: at most 1 MiB is gone through for that.
    """
    hidden = insides(body) if len(body) > LONG else []
    text = cut(body, hidden)
    found = _found(text)
    if len(found) == 1:
        return _behind(hidden, *found[0])
    skim = Skim(text)
    while not skim.step():
        pass
    return _behind(hidden, *place_in(skim))


def _found(text: bytes) -> list[tuple[int, int]]:
    """Return where the first values of keys `model` stand, two at most."""
    return [match.span(2) for match in islice(_NAMED.finditer(text), 2)]


def _behind(hidden: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Return where a place in a text stands when what was `hidden` of the text is put back."""
    for opening, closing in hidden:
        if opening > start:
            break
        start, end = start + closing - opening, end + closing - opening
    return start, end


def _explain(message: str) -> str:
    if "missing required field `model`" in message:
        return NO_MODEL
    return f"the body does not fit: {message}"


def _bad(detail: str, kind: Kind = Kind.BAD_REQUEST) -> Failure:
    return Failure(kind=kind, origin=Origin.CLIENT, phase=Phase.READ, detail=detail)
