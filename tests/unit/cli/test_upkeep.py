"""`headrace backends`: what it asks for and what it makes of the answers."""

import orjson
import pytest

from proxy.cli import status
from proxy.cli.app import run
from proxy.settings.address import Address

HERE = ["--admin", "127.0.0.1:7"]


class Proxy:
    """Answers orders as told, and remembers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, float]] = []
        self.answer: tuple[int, object] = (200, {"in_flight": 0, "state": "draining"})

    async def ask(
        self, _admin: Address, path: str, *, method: str = "GET", more: float = 0.0
    ) -> tuple[int, bytes]:
        self.asked.append((method, path, more))
        code, body = self.answer
        return code, orjson.dumps(body)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Proxy:
    made = Proxy()
    monkeypatch.setattr(status, "ask", made.ask)
    return made


def test_a_drain_is_ordered_and_told(proxy: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backends", "drain", "10.0.0.5:8000", *HERE]) == 0

    assert proxy.asked == [("POST", "/backends/10.0.0.5%3A8000/drain?wait=0s", 0.0)]
    assert capsys.readouterr().out == "10.0.0.5:8000 is out of use, nothing runs there\n"


def test_who_is_still_busy_after_the_wait_ends_it_with_1(
    proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.answer = (202, {"in_flight": 3})

    assert run(["backends", "drain", "a", *HERE]) == 0
    assert run(["backends", "drain", "a", *HERE, "--wait", "2m"]) == 1

    assert proxy.asked[1] == ("POST", "/backends/a/drain?wait=2m", 120.0)
    assert capsys.readouterr().out == "a is out of use, 3 in flight there\n" * 2


def test_a_resume_is_ordered_and_told(proxy: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backends", "resume", "a", *HERE, "--wait", "1s"]) == 0
    proxy.answer = (202, {"state": "unknown"})
    assert run(["backends", "resume", "a", *HERE]) == 0
    assert run(["backends", "resume", "a", *HERE, "--wait", "1s"]) == 1

    told = capsys.readouterr().out.splitlines()
    assert told[0] == "a is used again"
    assert told[1] == told[2] == "a is used again as soon as it is ready; now: unknown"
    assert proxy.asked[0][1] == "/backends/a/resume?wait=1s"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {"error": "no backend 'a', but b"}), "no backend 'a', but b"),
        ((404, {"error": "Not Found", "paths": ["/status"]}), "it is an older one"),
        ((500, {}), "127.0.0.1:7 answered 500"),
    ],
)
def test_a_refusal_ends_it_with_1(
    proxy: Proxy, capsys: pytest.CaptureFixture[str], answer: tuple[int, object], says: str
) -> None:
    proxy.answer = answer

    assert run(["backends", "drain", "a", *HERE]) == 1

    assert says in capsys.readouterr().err


def test_wrong_words_ask_nobody(proxy: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backends", "drain", "a", *HERE, "--wait", "soon"]) == 2
    assert run(["backends", *HERE, "drain", "a"]) == 2

    assert "go behind drain" in capsys.readouterr().err
    assert not proxy.asked


@pytest.mark.parametrize("words", [[], ["list"]])
def test_without_a_command_it_lists(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    asked: list[tuple[str, str, bool]] = []

    def show(what: str, admin: Address, *, as_json: bool) -> int:
        asked.append((what, str(admin), as_json))
        return 0

    monkeypatch.setattr(status, "show", show)

    assert run(["backends", *words, *HERE]) == 0
    assert asked == [("backends", "127.0.0.1:7", False)]
