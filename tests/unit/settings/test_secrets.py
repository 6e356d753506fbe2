"""Credentials: from the environment, from files, and never in a message."""

from pathlib import Path

import pytest

from proxy.settings import secrets


@pytest.mark.parametrize(
    ("text", "value"),
    [("sk-1", "sk-1"), ("${KEY}", "sk-2"), ("a-${KEY}-b", "a-sk-2-b"), ("a$b", "a$b")],
)
def test_a_reference_is_replaced_from_the_environment(text: str, value: str) -> None:
    assert secrets.expand(text, {"KEY": "sk-2"}).reveal() == value


def test_a_replaced_value_is_not_looked_at_again() -> None:
    assert secrets.expand("${A}", {"A": "${B}", "B": "x"}).reveal() == "${B}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("${GONE}", "the environment variable GONE is not set"),
        ("${}", "write ${NAME}"),
        ("${A-b}", "write ${NAME}"),
        ("${A", "the environment variable A is not set"),
        ("", "the key is empty"),
        ("sk 1", "only printable ASCII"),
        ("${BREAK}", "only printable ASCII"),
        ("schlüssel", "only printable ASCII"),
    ],
)
def test_what_is_no_key_is_told_without_showing_it(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        secrets.expand(text, {"BREAK": "sk-3\r\nx: y"})

    assert hint in str(caught.value)
    assert "sk-3" not in str(caught.value)


def test_a_file_gives_its_text_without_the_white_space_around_it(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("  sk-4\n")

    assert secrets.from_file(file).reveal() == "sk-4"


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "the key is empty"),
        (b"sk-5\nsk-6", "only printable ASCII"),
        (b"\xff\xfe", "only printable ASCII"),
        (b"a" * 65_537, "too large"),
    ],
)
def test_a_file_without_a_key_is_told(tmp_path: Path, content: bytes | None, hint: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ValueError, match=r".") as caught:
        secrets.from_file(file)

    assert hint in str(caught.value)
    assert "sk-5" not in str(caught.value)


def test_references_are_found_anywhere() -> None:
    assert secrets.references("a: ${ONE}\nb: x${TWO}y") == ["ONE", "TWO"]


@pytest.mark.parametrize(
    "text", ["a=b", "authorization=Bearer ${KEY}, x-team = a", "a=%2C,b===", "a=b c"]
)
def test_header_fields_may_hold_spaces(text: str) -> None:
    found = secrets.expand(text, {"KEY": "sk-2"}, fields=True)

    assert found.reveal() == text.replace("${KEY}", "sk-2")


@pytest.mark.parametrize("text", ["", "a", "a=", "=b", "a=b,", "a b=c", "a=b\r\nc", "a=\u00e9"])
def test_what_is_no_header_field_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="write name=value"):
        secrets.expand(text, {}, fields=True)
