"""Tracing is off unless it is asked for, and never shows its credentials."""

from pathlib import Path

import pytest

from proxy.core.recording import Rule
from proxy.settings.load import load
from proxy.settings.problems import SettingsError
from proxy.settings.tracing import Tracing


def test_nothing_is_traced_by_default() -> None:
    assert Tracing().endpoint is None
    assert load(None, {}).settings.tracing == Tracing()


def read(folder: Path, section: str) -> Tracing:
    file = folder / "f.yaml"
    file.write_text(f"tracing: {section}\n")
    return load(file, {"TOKEN": "sk-1"}).settings.tracing


def test_a_section_is_read(tmp_path: Path) -> None:
    section = "{endpoint: 'http://c:4318/', headers: 'authorization=Bearer ${TOKEN}'}"
    tracing = read(tmp_path, section)

    assert tracing.endpoint == "http://c:4318"
    assert tracing.headers is not None
    assert tracing.headers.reveal() == "authorization=Bearer sk-1"
    assert "sk-1" not in repr(tracing)


def test_words_go_nowhere_unless_a_model_is_named(tmp_path: Path) -> None:
    assert Tracing().content == {}
    section = "{content: {'a-*': {limit: 2KiB, keys: team-a}, b: {keys: [x, y]}}}"

    content = read(tmp_path, section).content

    assert content["a-*"].rule == Rule(limit=2048, keys=frozenset({"team-a"}))
    assert content["b"].rule == Rule(keys=frozenset({"x", "y"}))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("{ratio: 1.5}", "allowed: 0 to 1"),
        ("{ratio: '10%'}", "write a number such as"),
        ("{endpoint: 'collector:4318'}", "write http://host:4318"),
        ("{endpoint: 'http://me:key@c:4318'}", "***@c:4318"),
        ("{queue: 10}", "allowed: 64 to 1000000"),
        ("{timeout: 10}", "the unit is missing: 10s?"),
        ("{headers: 'Bearer sk-1'}", "write name=value"),
        ("{conventions: newest}", "allowed: current, latest"),
        ("{sampling: 1}", "unknown key"),
        ("{content: ['*']}", "found a list"),
        ("{content: {m: {limit: 1MiB}}}", "allowed: 1KiB to 256KiB"),
        ("{content: {m: {keys: {a: b}}}}", "allowed: the name of a key, or a list of names"),
        ("{content: {m: {key: a}}}", "unknown key"),
    ],
)
def test_what_is_wrong_is_told_without_credentials(
    tmp_path: Path, section: str, words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, section)

    assert words in str(caught.value)
    assert "sk-1" not in str(caught.value)
    assert "me:key" not in str(caught.value)
