"""What `headrace status` and `headrace models` make of an answer."""

import io
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from rich.console import Console

from proxy.cli import status as view
from proxy.settings.address import Address

ADMIN = Address(host="127.0.0.1", port=8901)
BACKEND = {
    "name": "gpu-a",
    "url": "http://10.0.0.5:8000",
    "type": "vllm",
    "available": True,
    "state": "ready",
    "reason": "",
    "in_flight": 3,
    "cap": 8,
    "work": 1234.5,
    "models": ["llama"],
    "something_new": 1,
}
ANSWER = {
    "version": "0.1.0",
    "uptime_s": 3725.5,
    "ready": True,
    "in_flight": 3,
    "queued": 1,
    "backends": [BACKEND],
    "models": [
        {"id": "llama", "routable": True, "backends": ["gpu-a"], "alias_of": None},
        {"id": "gpt-4o", "routable": False, "backends": [], "alias_of": ["llama", "qwen"]},
    ],
}


def decoded(**changes: Any) -> view.Status:
    return view.decoded(orjson.dumps(ANSWER | changes), ADMIN)


def printed(parts: Sequence[Any]) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_overview_has_a_line_for_the_proxy_and_one_for_each_backend() -> None:
    text = printed(view.overview(decoded()))

    head, _, row = text.splitlines()
    assert head == "headrace 0.1.0, ready, up 1h 2m, 3 in flight, 1 queued"
    assert row.split() == ["gpu-a", "vllm", "ready", "3/8", "1234", "1", "http://10.0.0.5:8000"]


def test_a_backend_that_takes_no_work_says_why() -> None:
    down = BACKEND | {"available": False, "state": "down", "reason": "refused", "cap": None}

    text = printed(view.overview(decoded(backends=[down | {"type": None}])))

    assert text.splitlines()[2].split()[:5] == ["gpu-a", "?", "down", "(refused)", "3"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"ready": False, "reasons": ["no backend", "starting"]},
            "not ready: no backend, starting",
        ),
        ({"ready": False, "draining": True}, ", draining,"),
        ({"backends": []}, "No backends."),
        ({"uptime_s": 59.9}, "up 59s"),
        ({"uptime_s": 60.0}, "up 1m 0s"),
        ({"uptime_s": 90_000.0}, "up 1d 1h"),
    ],
)
def test_the_state_of_the_proxy_is_told(changes: dict[str, object], words: str) -> None:
    assert words in printed(view.overview(decoded(**changes)))


def test_a_pipe_gets_one_line_a_backend_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    url = "http://" + "long." * 40 + "example:8000"
    far = {"url": url, "available": False, "reason": "status 401: needs credentials"}

    view.put(view.overview(decoded(backends=[BACKEND | far])))

    _, _, row = capsys.readouterr().out.splitlines()
    assert url in row
    assert "status 401: needs credentials" in row


def test_models_stand_with_their_backends_and_aliases_with_their_models() -> None:
    _, llama, alias = printed(view.models(decoded())).splitlines()

    assert llama.split() == ["llama", "ready", "gpu-a"]
    assert alias.split() == ["gpt-4o", "->", "llama,", "qwen", "unavailable"]


def served(name: str, *backends: str, alias_of: list[str] | None = None) -> dict[str, object]:
    return {"id": name, "routable": True, "backends": backends, "alias_of": alias_of}


def test_names_that_look_alike_are_proposed_as_an_alias() -> None:
    names = ["Llama-3.1-8B-Instruct-Q4_K_M.gguf", "llama3.1:8b"]
    models = [served(names[0], "mac"), served(names[1], "pc"), served("qwen2.5:7b", "pc")]

    text = printed(view.models(decoded(models=models)))

    assert "nothing proves it" in text
    assert f'    llama-3.1-8b: [{names[0]}, "{names[1]}"]' in text
    assert "qwen" not in text.partition("nothing proves it")[2]


@pytest.mark.parametrize(
    "models",
    [
        [served("llama3:8b", "a", "b"), served("Llama-3-8B", "a", "b")],  # joined by proof
        [
            served("llama3:8b", "a"),
            served("Llama-3-8B", "b"),
            served("llama", "a", "b", alias_of=["llama3:8b", "Llama-3-8B"]),
        ],
        [served("llama3:8b", "a"), served("llama3:70b", "b")],
    ],
)
def test_what_is_joined_or_different_is_not_proposed(models: list[dict[str, object]]) -> None:
    assert "proves" not in printed(view.models(decoded(models=models)))


def test_a_proposed_alias_hides_no_model() -> None:
    models = [served("llama-3-8b", "a"), served("llama3:8b", "b")]

    assert "llama-3-8b-any: [" in printed(view.models(decoded(models=models)))


def test_no_models_is_said() -> None:
    assert "No models" in printed(view.models(decoded(models=[])))


def test_what_an_engine_says_is_neither_markup_nor_a_terminal_command() -> None:
    evil = {"id": "[red]\x1b[2Jm", "routable": True, "backends": ["[b]a"]}
    down = BACKEND | {"available": False, "reason": "[blink]\x1b]0;x\x07"}

    text = printed(view.models(decoded(models=[evil])))
    text += printed(view.overview(decoded(backends=[down])))

    assert "[red]?[2Jm" in text
    assert "[b]a" in text
    assert "[blink]?]0;x?" in text


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}", b'{"status": "ok"}', b"[1]"])
def test_an_answer_of_something_else_is_told(data: bytes) -> None:
    with pytest.raises(view.Unanswered, match=r"127.0.0.1:8901 answers, but not as a headrace"):
        view.decoded(data, ADMIN)
