"""`headrace top` as it goes on: keys, one look into a pipe, a proxy that goes away."""

import asyncio
import io

import orjson
import pytest
from rich.console import Console

from proxy.cli import top, watching
from proxy.cli.status import Unanswered
from proxy.cli.watching import Keys
from proxy.edge import admin, portrait
from proxy.settings.address import Address
from tests.fixtures.fleet import make_backend
from tests.fixtures.view import FakeView, ended_call

ADMIN = Address(host="127.0.0.1", port=8901)


class Proxy:
    """Answers looks, one a second, with a request between each two; may be away."""

    def __init__(self) -> None:
        self.backend = make_backend("gpu-a")
        self.view = FakeView({self.backend: ["llama"]})
        self.asked: list[str] = []
        self.away = False

    async def fetch(self, _admin: Address, path: str) -> bytes:
        if self.away:
            raise Unanswered("Nothing listens there.\nIs headrace running?")
        self.asked.append(path)
        self.view.clock += 1.0
        if len(self.asked) > 1:
            self.view.lookout.history.finished(ended_call(self.backend))
        view = self.view
        return orjson.dumps(await portrait.document(lambda: admin.document(view), view))


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Proxy:
    made = Proxy()
    monkeypatch.setattr(watching, "fetch", made.fetch)
    monkeypatch.setattr(watching, "BETWEEN", 0.0)
    return made


def test_keys_sort_by_the_next_and_the_last_column_and_end_it() -> None:
    keys = Keys("state")
    keys.press("x")
    assert (keys.sort, keys.over) == ("state", False)
    keys.press("s")
    assert keys.sort == "name"
    keys.press("SS")
    assert keys.sort == "failed"
    keys.press("q")
    assert keys.over


async def test_a_key_ends_the_wait() -> None:
    keys = Keys("state")
    waiting = asyncio.ensure_future(keys.wait(60.0))
    await asyncio.sleep(0)
    keys.press("s")
    await waiting
    await keys.wait(0.0)
    assert not keys.pressed.is_set()


async def test_one_look_is_two_because_a_first_knows_no_rate(proxy: Proxy) -> None:
    console = Console(file=io.StringIO(), width=160, highlight=False)
    await watching.one_look(ADMIN, console, "state")
    assert proxy.asked == ["/fleet", "/fleet"]
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert "gpu-a" in lines[-1]
    assert " 11 " in lines[-1], "tokens per second"


def test_what_is_no_terminal_gets_one_look(
    proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watching.run(ADMIN, every=1.0, sort="state", once=False) == 0
    assert capsys.readouterr().out.count("gpu-a") == 1


def test_nobody_there_is_told(proxy: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    proxy.away = True
    assert watching.run(ADMIN, every=1.0, sort="state", once=True) == 1
    assert "Nothing listens there" in capsys.readouterr().err


async def test_old_figures_stay_with_what_went_wrong(proxy: Proxy) -> None:
    first = top.decoded(await proxy.fetch(ADMIN, "/fleet"), ADMIN)
    seen, note = await watching.renewed(ADMIN, first, "s: sort")
    assert seen is not first
    assert note == "s: sort"
    proxy.away = True
    again, note = await watching.renewed(ADMIN, seen, "s: sort")
    assert again is seen
    assert note == "OLD FIGURES: Nothing listens there."
