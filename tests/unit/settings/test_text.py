"""Values as text: readers by unit, writers that agree with them, ranges in words, masking."""

from typing import Any

import pytest

from proxy.core.selection import Policy
from proxy.settings import fields, text
from proxy.settings.address import Address
from proxy.settings.fields import Leaf
from proxy.settings.profiles import Profiles


def leaf(path: str) -> Leaf:
    return next(one for one in fields.leaves() if one.path == path)


@pytest.mark.parametrize(
    ("path", "written", "value"),
    [
        ("listen", "[::1]:80", Address(host="::1", port=80)),
        ("workers", "1", 1),
        ("workers", "auto", 0),
        ("backends[].url", "http://A:1/", "http://a:1"),
        ("backends[].name", "gpu-a", "gpu-a"),
        ("backends[].type", "vllm", "vllm"),
        ("backends[].type", "mine", "mine"),  # a profile may describe it
        ("profiles", "my/engines", Profiles(folder="my/engines")),
        ("backends[].weight", "0.5", 0.5),
        ("backends[].weight", "3", 3.0),
        ("backends[].priority", "+2", 2),
        ("backends[].api_key_file", "/run/key", "/run/key"),
        ("balance.policy", "round-robin", Policy.ROUND_ROBIN),
        ("timeouts.idle", "250ms", 0.25),
        ("limits.body", "1KiB", 1024),
        ("log.access", "off", False),
        ("log.access", "True", True),
    ],
)
def test_text_is_read_by_its_unit(path: str, written: str, value: object) -> None:
    read = text.read(leaf(path), written)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("path", "written", "hint"),
    [
        ("workers", "65", ""),
        ("workers", "0", "at least one must serve"),
        ("workers", "many", "write a whole number"),
        ("workers", "1.0", "write a whole number"),
        ("workers", "\u0663", ""),
        ("backends[].weight", "nan", "write a number"),
        ("backends[].weight", "inf", "write a number"),
        ("backends[].weight", "1e9", "write a number"),
        ("backends[].weight", "0", ""),
        ("backends[].weight", "1001", ""),
        ("backends[].priority", "-1", ""),
        ("backends[].name", "gpu a", "headers, metrics and URLs"),
        ("backends[].name", "", "headers, metrics and URLs"),
        ("backends[].name", "a" * 261, "headers, metrics and URLs"),
        ("backends[].name", "a\r\nx: y", "headers, metrics and URLs"),
        ("backends[].type", "VLLM", "did you mean vllm?"),
        ("backends[].type", "no such kind", ""),
        ("backends[].api_key_file", "", "not empty"),
        ("balance.policy", "least_connections", "did you mean least-connections?"),
        ("limits.body", "1023", ""),
        ("limits.body", "3GiB", ""),
        ("limits.queue", "-1", ""),
        ("limits.queue_timeout", "0s", ""),
        ("drain.delay", "25h", ""),
        ("log.access", "maybe", ""),
        ("log.level", "Info", "did you mean info?"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_hint(path: str, written: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r"^") as caught:
        text.read(leaf(path), written)

    assert hint in str(caught.value)


def test_every_default_survives_writing_and_reading() -> None:
    scalars = [one for one in fields.leaves() if one.variable and one.default is not None]

    assert scalars
    for one in scalars:
        written = text.show(one, one.default).strip('"')
        assert text.read(one, written) == one.default, one.path


@pytest.mark.parametrize(
    ("path", "value", "written"),
    [
        ("backends[].max_in_flight", None, "null"),
        ("backends[].api_key", "sk-1", '"***"'),
        ("backends[].weight", 2.0, "2"),
        ("models.aliases.*", ("a", "b:7"), '[a, "b:7"]'),
        ("log.access", False, "false"),
    ],
)
def test_values_are_written_as_they_would_be_read(path: str, value: Any, written: str) -> None:
    assert text.show(leaf(path), value) == written


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("limits.body", "1KiB to 2GiB"),
        ("limits.header_timeout", "100ms to 1h"),
        ("workers", "auto, or 1 to 64"),
        ("backends[].max_in_flight", "1 to 100000, or null"),
        ("log.format", "auto, json, console"),
        ("log.access", "true or false"),
        ("listen", "host:port, [ipv6]:port or unix:/path"),
    ],
)
def test_what_is_allowed_is_told_in_words(path: str, words: str) -> None:
    assert text.allowed(leaf(path)) == words


def test_every_key_says_what_is_allowed() -> None:
    assert all(text.allowed(one) for one in fields.leaves())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("64MB", "'64MB'"),
        ("http://user:pass@host", "'***@host'"),
        ("http://token@host", "'***@host'"),
        ("a" * 90, repr("a" * 77 + "...")),
        ("a\nb", r"'a\nb'"),
    ],
)
def test_a_message_quotes_no_credential_and_no_control_character(written: str, shown: str) -> None:
    assert text.masked(written) == shown


@pytest.mark.parametrize(
    ("written", "scalar"),
    [("gpu-a", "gpu-a"), ("on", '"on"'), ("1", '"1"'), ('a"b\\', '"a\\"b\\\\"'), ("", '""')],
)
def test_a_scalar_is_quoted_when_it_could_be_taken_for_something_else(
    written: str, scalar: str
) -> None:
    assert text.quoted(written) == scalar


def test_any_text_can_become_a_name() -> None:
    assert text.as_name("my engine.sock") == "my-engine.sock"
