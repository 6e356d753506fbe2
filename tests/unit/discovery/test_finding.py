"""Annotations that speak to headrace, and the backends made of them."""

from pathlib import Path

import pytest

from proxy.discovery.finding import Notes, backend, notes, url
from proxy.settings.credential import Secret
from proxy.settings.discovery import Found
from proxy.settings.load import load


def test_the_later_annotations_win_and_others_do_not_count() -> None:
    first = {"headrace/type": "vllm", "headrace/weight": "2", "prometheus.io/port": "1"}

    said = notes(None, first, {"headrace/weight": "0.5", "headrace/max-in-flight": "8"})

    assert said == Notes(type="vllm", weight=0.5, max_in_flight=8)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("type", "v/llm", "a kind of engine"),
        ("port", "", "the name or the number of a port"),
        ("weight", "0", "from 0.01 to 1000"),
        ("weight", "nan", "from 0.01 to 1000"),
        ("weight", "much", "from 0.01 to 1000"),
        ("priority", "-1", "from 0 to 1000"),
        ("priority", "1001", "from 0 to 1000"),
        ("max-in-flight", "0", "from 1 to 100000"),
        ("max-in-flight", "x", "from 1 to 100000"),
    ],
)
def test_what_cannot_be_read_is_ignored_and_told(key: str, value: str, allowed: str) -> None:
    said = notes({f"headrace/{key}": value})

    assert said == Notes(wrong=said.wrong)
    (wrong,) = said.wrong
    assert wrong.startswith(f"headrace/{key}: ")
    assert allowed in wrong


def test_an_annotation_there_is_not_is_told_with_those_there_are() -> None:
    (wrong,) = notes({"headrace/wieght": "2"}).wrong

    assert wrong.startswith("headrace/wieght is ignored; there are headrace/type, ")


def test_what_is_said_of_an_engine_wins_over_what_holds_for_all() -> None:
    found = Found(type="vllm", weight=3.0, priority=1, api_key=Secret("sk-1"))

    made = backend(found, Notes(weight=2.0, priority=0), name="a b", url=url("10.0.0.1", 8000))

    assert (made.name, made.url) == ("a-b", "http://10.0.0.1:8000")
    assert (made.type, made.weight, made.priority) == ("vllm", 2.0, 0)
    assert made.api_key == Secret("sk-1")


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert url("fd00::1", 8000) == "http://[fd00::1]:8000"


@pytest.mark.setting(
    "discovery.dns[].backend.type",
    "discovery.dns[].backend.weight",
    "discovery.dns[].backend.priority",
    "discovery.dns[].backend.max_in_flight",
    "discovery.dns[].backend.api_key",
    "discovery.dns[].backend.api_key_file",
    "discovery.kubernetes[].backend.type",
    "discovery.kubernetes[].backend.weight",
    "discovery.kubernetes[].backend.priority",
    "discovery.kubernetes[].backend.max_in_flight",
    "discovery.kubernetes[].backend.api_key",
    "discovery.kubernetes[].backend.api_key_file",
)
@pytest.mark.parametrize("source", ["dns: [{name: a, port: 1, ", "kubernetes: [{service: a, "])
def test_what_holds_for_all_that_a_source_finds_is_read_with_the_settings(
    tmp_path: Path, source: str
) -> None:
    (tmp_path / "key").write_text("sk-file\n")
    file = tmp_path / "headrace.yaml"
    limits = "type: vllm, weight: 2, priority: 3, max_in_flight: 4"
    for key, secret in (("api_key: sk-1", "sk-1"), ("api_key_file: key", "sk-file")):
        file.write_text(f"discovery: {{{source} backend: {{{limits}, {key}}}}}]}}")

        (one,) = load(file, {}).settings.discovery.sources
        made = backend(one.backend, Notes(), name="x", url="http://10.0.0.1:1")

        assert (made.type, made.weight, made.priority, made.max_in_flight) == ("vllm", 2.0, 3, 4)
        assert made.api_key == Secret(secret)
