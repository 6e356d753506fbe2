"""Content parts of an OpenAI chat message: text, and images by address or as data URL."""

import re
from typing import Any, Final

from proxy.dialects.translate.base import Uncarried

# Beginnings of files, as base64 writes them; the callers of Ollama send no type.
_KINDS: Final = (
    ("/9j/", "image/jpeg"),
    ("iVBORw0KGgo", "image/png"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("Qk", "image/bmp"),
)
_TYPES: Final = re.compile(r"image/[a-z0-9.+-]+")
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=\r\n"


def text(value: str) -> dict[str, Any]:
    """Return a part of text."""
    return {"type": "text", "text": value}


def image(url: str, detail: str | None = None) -> dict[str, Any]:
    """Return a part with an image at `url`, which may be a data URL."""
    inner: dict[str, Any] = {"url": url}
    if detail is not None:
        inner["detail"] = detail
    return {"type": "image_url", "image_url": inner}


def data_url(media_type: str, data: str, at: str) -> str:
    """Return a data URL of an image that is given in base64."""
    if not _TYPES.fullmatch(media_type):
        raise Uncarried(f"`{at}`: {media_type!r} is not a type of image.", at, "invalid")
    if not data or data.encode().translate(None, _BASE64):
        raise Uncarried(f"`{at}`: the image is not in base64.", at, "invalid")
    return f"data:{media_type};base64,{data}"


def bare_image(data: str, at: str) -> dict[str, Any]:
    """Return a part with an image given as base64 without its type, which its first bytes tell."""
    for beginning, media_type in _KINDS:
        if data.startswith(beginning):
            return image(data_url(media_type, data, at))
    raise Uncarried(f"`{at}` is none of JPEG, PNG, GIF, WebP and BMP in base64.", at, "invalid")


def content(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return the parts as a message's content: text alone as one string, by blank lines.

    Engines and templates for text alone take a string and nothing else.
    """
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return parts
