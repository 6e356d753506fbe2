"""What an engine's error answer says, in words, whatever shape it has.

Most engines have the shape of OpenAI's API, or say `error` somewhere, which `core/inband` reads.
The web frameworks below them answer by themselves when a request does not even reach the engine:
FastAPI with `detail` (a sentence, or a list of the fields that are wrong: vLLM, SGLang, vLLM-MLX,
LiteLLM), Starlette, Python's own server and llama.cpp's router with bare text. A proxy in front of
the engine answers with a page of HTML, which says nothing to a program.
"""

from typing import Final

import orjson

from proxy.core.inband import is_error

LONGEST: Final = 500  # characters that are told on
_FIELDS: Final = 5  # of a list of wrong fields that are told on


def words_of(body: bytes) -> str | None:
    """Return what an error body says, at most `LONGEST` characters; None if it says nothing.

    Never raises. What is JSON of a shape nobody knows, and not too long, is its own words.
    """
    reported = is_error(body)
    if reported is not None:
        return reported.message
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _text(body)
    if isinstance(found, dict):
        return _detail(found.get("detail")) or _sentence(found.get("message")) or _text(body)
    return _sentence(found) or _text(body)


def _detail(detail: object) -> str | None:
    if isinstance(detail, list):
        return "; ".join(filter(None, map(_field, detail[:_FIELDS])))[:LONGEST] or None
    if isinstance(detail, dict):
        return _sentence(detail.get("message")) or _sentence(detail.get("error"))
    return _sentence(detail)


def _field(wrong: object) -> str | None:
    """Return one entry of FastAPI's list: where, and what is the matter there."""
    entry = wrong if isinstance(wrong, dict) else {}
    said, place = _sentence(entry.get("msg")), entry.get("loc")
    if said is None:
        return None
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    return f"{where}: {said}" if where else said


def _sentence(value: object) -> str | None:
    return value.strip()[:LONGEST] or None if isinstance(value, str) else None


def _text(body: bytes) -> str | None:
    """Return a body that is text for a reader: no page of HTML, nothing binary, not too long."""
    if len(body) > LONGEST or body.lstrip().startswith(b"<"):
        return None
    try:
        said = body.decode()
    except UnicodeDecodeError:
        return None
    stripped = said.strip()
    return stripped if stripped and stripped.replace("\n", " ").isprintable() else None
