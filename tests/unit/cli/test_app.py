"""Words to intents: what each command is given, what it prints, how it ends."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import orjson
import pytest

from proxy import __version__
from proxy.cli import status, watching
from proxy.cli.app import run
from proxy.settings.address import Address
from proxy.settings.load import Supply
from proxy.settings.schema import Settings

Write = Callable[[str], str]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "LISTEN", "ADMIN", "BACKENDS", "DRAIN_DELAY"):
        monkeypatch.delenv(f"HEADRACE_{name}", raising=False)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a settings file."""

    def file(text: str) -> str:
        path = tmp_path / "headrace.yaml"
        path.write_text(text)
        return str(path)

    return file


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, object]]:
    """Put a server that only remembers what it was started with in place of the real one."""
    calls: list[tuple[Settings, object]] = []

    def serve(supply: Supply, *, stand_in: object = None, greet: object = None) -> int:
        assert supply.read() == supply.loaded
        calls.append((supply.loaded.settings, stand_in))
        return 3

    for name, facts in (("boot", {"serve": serve}), ("cli.demo", {"start_engines": "engines"})):
        module = ModuleType(f"proxy.{name}")
        vars(module).update(facts)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        parent, _, child = module.__name__.rpartition(".")
        monkeypatch.setattr(sys.modules[parent], child, module, raising=False)
    return calls


def test_serve_hands_settings_and_demo_over_and_returns_the_exit_code(
    write: Write, served: list[tuple[Settings, object]]
) -> None:
    file = write("drain: {delay: 1s}")
    words = ["serve", "-c", file, "--backend", "http://a:1", "--backend", "http://b:2"]

    assert run([*words, "--listen", "c:1", "--admin", "c:2", "--demo"]) == 3

    ((settings, stand_in),) = served
    assert stand_in == "engines"
    assert (str(settings.listen), str(settings.admin), settings.drain.delay) == ("c:1", "c:2", 1.0)
    assert [backend.url for backend in settings.backends] == ["http://a:1", "http://b:2"]


def test_serve_alone_is_the_defaults(served: list[tuple[Settings, object]]) -> None:
    run(["serve"])

    assert served == [(Settings(), None)]


def test_a_demo_is_quiet_unless_the_settings_say_otherwise(
    write: Write, served: list[tuple[Settings, object]]
) -> None:
    run(["serve", "--demo"])
    run(["serve", "--demo", "-c", write("log: {access: true}")])

    (plain, _), (chosen, _) = served
    assert not plain.log.access
    assert chosen.log.access


def test_nothing_is_started_with_settings_that_are_wrong(
    write: Write, served: list[tuple[Settings, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "-c", write("lisen: x\nlimits: {body: 1}")]) == 2

    assert not served
    told = capsys.readouterr()
    assert told.err.startswith("2 problems in the settings:\n")
    assert "did you mean listen?" in told.err
    assert not told.out


def test_check_sums_up(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--config", write("backends: [{url: 'http://a:1'}]")]) == 0

    assert capsys.readouterr().out == (
        "OK: 1 backend (a:1); clients on 127.0.0.1:8900, admin on 127.0.0.1:8901\n"
    )


def test_the_file_may_stand_alone(
    write: Write, capsys: pytest.CaptureFixture[str], served: list[tuple[Settings, object]]
) -> None:
    file = write("backends: [{url: 'http://a:1'}]")

    assert run(["check", file]) == 0
    assert "OK: 1 backend (a:1)" in capsys.readouterr().out
    assert run(["explain", file]) == 0
    assert "http://a:1" in capsys.readouterr().out
    run(["serve", file])
    assert [backend.url for backend in served[0][0].backends] == ["http://a:1"]

    assert run(["check", file, "-c", file]) == 2
    assert "there is one settings file" in capsys.readouterr().err


def test_check_tells_all_problems_and_ends_with_2(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "-c", write("lisen: x\nworkers: many")]) == 2

    assert capsys.readouterr().err.startswith("2 problems")


def test_the_environment_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_DRAIN_DELAY", "soon")

    assert run(["check"]) == 2
    assert "env HEADRACE_DRAIN_DELAY: drain.delay: found 'soon'" in capsys.readouterr().err


def test_explain_prints_settings_with_origins(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("limits: {queue: 7}")

    assert run(["explain", "-c", file, "--listen", "a:1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("  # ") == [f"{lines[0].split('  # ')[0]}", "--listen"]
    assert [line for line in lines if line.strip().startswith("queue: 7") and f"{file}:1" in line]

    assert run(["explain", "-c", file, "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert {"path": "limits.queue", "value": "7", "origin": f"{file}:1"} in told


def test_version_is_a_command_with_help_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out == f"headrace {__version__}\n"


def test_bench_gets_all_words_even_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Sequence[str]] = []

    def measure(words: Sequence[str]) -> int:
        given.append(list(words))
        return 4

    bench = ModuleType("benchmarks.__main__")
    vars(bench).update(main=measure)
    monkeypatch.setitem(sys.modules, "benchmarks.__main__", bench)

    assert run(["bench", "price", "--help", "-n", "3", "--json"]) == 4
    assert given == [["price", "--help", "-n", "3", "--json"]]


@pytest.mark.parametrize("command", ["models", "status"])
def test_an_admin_address_that_is_none_is_told(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--admin", "8901"]) == 2
    assert "the port is missing" in capsys.readouterr().err


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """Put a view that only remembers whom it should ask in place of the real one."""
    calls: list[tuple[str, str, bool]] = []

    def show(what: str, admin: Address, *, as_json: bool) -> int:
        calls.append((what, str(admin), as_json))
        return 1

    monkeypatch.setattr(status, "show", show)
    return calls


@pytest.mark.parametrize("where", ["127.0.0.1:7", "http://127.0.0.1:7", "http://127.0.0.1:7/"])
def test_status_asks_the_address_it_is_given_whatever_the_settings_say(
    asked: list[tuple[str, str, bool]], where: str
) -> None:
    assert run(["status", "--admin", where, "-c", "/nowhere", "--json"]) == 1

    assert asked == [("status", "127.0.0.1:7", True)]


def test_models_asks_the_admin_address_of_the_settings(
    write: Write, asked: list[tuple[str, str, bool]]
) -> None:
    assert run(["models", "-c", write("admin: unix:/run/other.sock")]) == 1

    assert asked == [("models", "unix:/run/other.sock", False)]


def test_a_database_in_no_folder_is_warned_of(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", "-c", write("keys: {database: nowhere/keys.db}")]) == 0

    told = capsys.readouterr()
    assert told.out.startswith("OK: ")
    assert told.err.startswith("warning: keys.database: there is no folder ")


def test_no_words_is_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2

    told = capsys.readouterr()
    for command in ("serve", "check", "explain", "models", "status", "bench", "version"):
        assert command in told.out + told.err


def test_top_watches_where_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def watched(admin: Address, *, every: float, sort: str, once: bool) -> int:
        asked.append((str(admin), every, sort, once))
        return 1

    monkeypatch.setattr(watching, "run", watched)
    words = ["top", "--admin", "127.0.0.1:9999", "--every", "2", "--sort", "first", "--once"]
    assert run(words) == 1
    assert asked == [("127.0.0.1:9999", 2.0, "first", True)]
    assert run(["top", "--sort", "colour"]) == 2
    assert "state, name, in-flight" in capsys.readouterr().err
