"""From flags to options."""

from pathlib import Path

import pytest
import typer

from benchmarks.cli import flags, intents, loads
from benchmarks.client.target import Api, Stamp
from benchmarks.commands.loading import Loading
from benchmarks.method.experience import Limits


def test_every_field_of_a_shape_has_its_flag() -> None:
    load = loads.Load(rate=5.0, arrivals="constant", duration=3.0, speed=2.0, preset="code-like")
    body = loads.Shape(input="100", cancel="5%@1s", slow="1%@1KiB/s", new_connections="10%")
    made = intents.shape(load, body)
    assert (made.rate, made.arrivals, made.duration, made.speed) == (5.0, "constant", 3.0, 2.0)
    assert (made.input, made.cancel, made.slow, made.new_connections) == (
        *("100", "5%@1s", "1%@1KiB/s", "10%"),
    )


def test_an_address_needs_no_scheme() -> None:
    made = intents.target("e", "h:1", flags.Endpoint(), stream=True)
    assert made.url == "http://h:1"


def test_a_target_has_key_headers_api_and_stamps() -> None:
    endpoint = flags.Endpoint(api="messages", api_key="k", header=["a: b"], ignore_eos=False)
    made = intents.target("e", "http://h", endpoint, stream=False, stamp="content")
    assert made.api is Api.MESSAGES
    assert made.stamp is Stamp.CONTENT
    assert made.headers == (("a", "b"),)
    assert (made.api_key, made.stream, made.ignore_eos) == ("k", False, False)


def test_an_unknown_api_is_refused_with_those_that_exist() -> None:
    with pytest.raises(typer.BadParameter, match="chat, completions, responses, messages, ollama"):
        intents.target("e", "h", flags.Endpoint(api="grpc"), stream=True)


def test_goodput_may_be_given_in_parts() -> None:
    endpoint = flags.Endpoint(goodput=["ttft:200", "tpot:50ms"])
    assert intents.limits(endpoint) == Limits(ttft=200, tpot=50)


def test_what_is_not_given_is_left_to_the_options() -> None:
    assert intents.loading(flags.Endpoint()) == Loading()
    assert intents.loading(flags.Endpoint(warm=0, timeout=3.0)) == Loading(warm=0, timeout=3.0)


def test_a_budget_is_read_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert intents.output(flags.Output(budget="ttft.p99=2ms", json=file)).json == file
    with pytest.raises(typer.BadParameter, match="speed"):
        intents.output(flags.Output(budget="speed=2"))


@pytest.mark.parametrize("flag", ["json", "html", "md", "csv", "raw"])
def test_a_file_that_cannot_be_written_is_told_before_anything_runs(
    flag: str, tmp_path: Path
) -> None:
    file = tmp_path / "r"
    file.touch()
    for path in (file, tmp_path / "new" / "folders" / "r"):
        assert getattr(intents.output(flags.Output(**{flag: path})), flag) == path  # type: ignore[arg-type]
    for path, why in ((tmp_path, "name a file"), (file / "no" / "r", "r is not a folder")):
        with pytest.raises(typer.BadParameter, match=why) as caught:
            intents.output(flags.Output(**{flag: path}))  # type: ignore[arg-type]
        assert caught.value.param_hint == f"--{flag}"


def test_without_a_url_nothing_is_asked_by_name() -> None:
    common = (flags.Seed(seed=4), flags.Engines(engines=3), flags.Output())
    asked = intents.asked(None, flags.Endpoint(), *common, stream=True)
    assert asked.target is None
    assert (asked.seed, asked.engines) == (4, 3)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["--api-key", "secret", "x"], ["--api-key", "***", "x"]),
        (["--api-key=s"], ["--api-key=***"]),
        (["--api-key", "a:b", "--api-key"], ["--api-key", "***", "--api-key"]),
        (["-H", "X-Key: s", "--header=A=s"], ["-H", "X-Key: ***", "--header=A: ***"]),
    ],
)
def test_the_record_holds_no_key(
    given: list[str], shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["headrace", "bench", *given])
    assert list(intents.command_line()) == ["headrace", "bench", *shown]


def test_the_command_line_is_one_that_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/x/benchmarks/__main__.py", "run", "--rate", "5"])
    assert intents.command_line() == ("headrace", "bench", "run", "--rate", "5")


def test_weights() -> None:
    assert intents.weights("1,1,2.5") == (1.0, 1.0, 2.5)
    with pytest.raises(typer.BadParameter, match="two engines"):
        intents.weights("1")
