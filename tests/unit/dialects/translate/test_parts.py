"""Parts of a message's content."""

import base64

import pytest

from proxy.dialects.translate import parts
from proxy.dialects.translate.base import Uncarried


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBP", "webp"),
        (b"BM\0\0", "bmp"),
    ],
)
def test_an_images_first_bytes_tell_its_type(beginning: bytes, kind: str) -> None:
    data = base64.b64encode(beginning + bytes(20)).decode()
    part = parts.bare_image(data, "images[0]")

    assert part["image_url"]["url"] == f"data:image/{kind};base64,{data}"


@pytest.mark.parametrize("data", ["", "aGVsbG8=", "https://x/y.png"])
def test_other_bytes_are_refused(data: str) -> None:
    with pytest.raises(Uncarried, match=r"images\[0\]"):
        parts.bare_image(data, "images[0]")


@pytest.mark.parametrize(
    ("kind", "data"), [("text/html", "AAAA"), ("image/png", 'A"A'), ("image/png", "")]
)
def test_a_data_url_holds_nothing_but_an_image(kind: str, data: str) -> None:
    with pytest.raises(Uncarried):
        parts.data_url(kind, data, "x")


def test_content_is_a_string_if_it_is_text_alone() -> None:
    image = parts.image("https://x/y.png")

    assert parts.content([parts.text("a"), parts.text("b")]) == "a\n\nb"
    assert parts.content([parts.text("a"), image]) == [parts.text("a"), image]
