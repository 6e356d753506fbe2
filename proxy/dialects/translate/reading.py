"""Reads a caller's body strictly: every field is known, or the request is refused with its path.

A field that is not known cannot be said to be carried, and dropping it would change what the caller
asked for without a word. So the structs a translator decodes into name every field of the API, and
forbid others; what is known but has no place in a chat request stands in a table with the reason.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from proxy.core.decoding import DECODE_ERRORS
from proxy.dialects.translate.base import Uncarried

T = TypeVar("T")

_PATH: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_TAG: Final = re.compile(r"Invalid value '(.*)'")
_KEEP: Final = re.compile(r"^(\w+)\[\.\.\.\]")


class Known(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An object of a caller all of whose fields are known."""


def decode(body: bytes, decoder: msgspec.json.Decoder[T], lists: Mapping[str, Any]) -> T:
    """Return the body as the decoder's type. Raises `Uncarried` with the place and what is allowed.

    `lists` gives the item type of the top-level lists in which an error is to be located.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as unfit:
        what, path = _parts(str(unfit))
        if (found := _KEEP.match(path)) and found[1] in lists:
            what, path = _locate(body, found[1], lists[found[1]])
        raise _verdict(what, path) from None
    except DECODE_ERRORS as unfit:
        raise Uncarried(f"The body is not JSON: {unfit}.", code="invalid") from None


def convert(raw: msgspec.Raw, kind: type[T], at: str) -> T:
    """Return a part of a body as `kind`. Raises `Uncarried`; `at` is the path of the part."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as unfit:
        what, path = _parts(str(unfit))
        dot = "." if path and path[0] != "[" else ""
        raise _verdict(what, f"{at}{dot}{path}") from None


def check_absent(request: msgspec.Struct, table: Mapping[str, str], at: str = "") -> None:
    """Raise `Uncarried` if a field of the table is set; the table says why it cannot be."""
    for field, why in table.items():
        value = getattr(request, field)
        if value not in (None, False, "", [], {}):
            raise Uncarried(f"`{at}{field}` cannot be carried: {why}", at + field)


def given(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - values of JSON
    """Return the fields that are not None, in the order given."""
    return {name: value for name, value in fields.items() if value is not None}


def kept(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Return JSON that passes as it is, None if there is none or it is null.

    `Raw` cannot stand in a union, so an optional one is an empty one.
    """
    return None if bytes(raw) in (b"", b"null") else raw


def schema(raw: msgspec.Raw, at: str) -> msgspec.Raw | None:
    """Return a JSON schema as it is, None if there is none. Raises `Uncarried` if it is no object.

    Whether it is a valid schema the engine knows: each supports another part of the standard.
    """
    found = kept(raw)
    if found is not None and not bytes(found).startswith(b"{"):
        raise Uncarried(f"`{at}` is not a JSON schema: it must be an object.", at, "invalid")
    return found


def joined(texts: Sequence[str]) -> str:
    """Return texts that an API keeps apart as one, with a blank line between."""
    return "\n\n".join(text for text in texts if text)


def _parts(error: str) -> tuple[str, str]:
    found = _PATH.match(error)
    assert found is not None
    return found["what"], found["path"] or ""


def _locate(body: bytes, field: str, item: Any) -> tuple[str, str]:  # noqa: ANN401 - a type
    """Find the item of a list that does not fit; only done for a request that is refused."""
    items = msgspec.json.decode(body)[field]
    for number, value in enumerate(items):
        try:
            msgspec.convert(value, item)
        except msgspec.ValidationError as unfit:
            what, path = _parts(str(unfit))
            return what, f"{field}[{number}]{'.' if path and path[0] != '[' else ''}{path}"
    return "does not fit", field


def _verdict(what: str, path: str) -> Uncarried:
    if unknown := _UNKNOWN.match(what):
        name = f"{path}.{unknown[1]}" if path else unknown[1]
        return Uncarried(
            f"`{name}` is not a field this translation knows, so it will not drop it in silence; "
            "leave it out, or use an engine that speaks this API itself.",
            name,
        )
    if (tag := _TAG.match(what)) and path.endswith(("type", "role")):
        return Uncarried(
            f"`{path}` is {tag[1]!r}, which cannot be carried to an engine that speaks the OpenAI "
            "chat API; docs/reference/translation.md lists what can.",
            path,
        )
    return Uncarried(f"`{path or 'body'}`: {what}.", path, "invalid")
