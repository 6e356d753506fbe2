"""Command lines of `vllm bench serve`, pasted."""

import pytest

from benchmarks.cli.vllm import WordError, translated

PASTED = (
    "--backend openai-chat --base-url http://h:8000 --endpoint /v1/chat/completions --model m"
    " --dataset-name random --random-input-len 512 --random-output-len 64 --request-rate 10"
    " --burstiness 0.5 --max-concurrency 32 --num-prompts 100 --goodput ttft:200 tpot:50"
    " --tokenizer /t --trust-remote-code --save-result --result-filename r.json --seed 3"
)

RAMP = "--ramp-up-strategy linear --num-prompts 3 --ramp-up-end-rps 2 --ramp-up-start-rps"


def test_a_whole_command_line() -> None:
    made, notes = translated(PASTED.split())
    assert " ".join(made) == (
        "--api chat --url http://h:8000 --api chat --model m --input 512 --output 64"
        " --request-rate 10 --arrivals gamma:0.5 --max-concurrency 32 --goodput ttft:200"
        " --goodput tpot:50 --json r.json --seed 3 --requests 100"
    )
    assert len(notes) == 3
    assert "--tokenizer /t" in notes[0]


def test_our_own_words_stay_as_they_are() -> None:
    own = [
        "http://h:1",
        "--rate",
        "5",
        "--goodput",
        "ttft:200",
        "http://x:1",
        "--via",
        "a=http://b",
    ]
    assert translated(own) == (own, [])


def test_values_may_stand_behind_an_equals_sign() -> None:
    assert translated(["--burstiness=2", "--rate=5"])[0] == ["--arrivals", "gamma:2", "--rate=5"]


def test_host_and_port_are_an_address() -> None:
    assert translated(["--port", "9"])[0] == ["--url", "http://127.0.0.1:9"]


def test_a_whole_line_may_be_pasted() -> None:
    assert translated(["vllm", "bench", "serve", "--seed", "1"])[0] == ["--seed", "1"]


def test_the_name_an_engine_serves_is_the_one_to_ask_for() -> None:
    made, _ = translated(["--served-model-name", "m", "--model", "org/m"])
    assert made == ["--model", "org/m", "--model", "m"]


def test_fixed_lengths_are_what_there_is() -> None:
    assert translated(["--random-range-ratio", "0.0"]) == ([], [])
    with pytest.raises(WordError, match=r"uniform:A\.\.B"):
        translated(["--random-range-ratio", "0.5"])


def test_shared_beginnings() -> None:
    assert translated(["--random-prefix-len", "64"])[0] == [
        *("--prefix-groups", "1", "--prefix-tokens", "64")
    ]


@pytest.mark.parametrize(
    ("strategy", "ramp"), [("linear", "10..30@5s"), ("exponential", "10..30@5.49306s:exponential")]
)
def test_a_ramp_takes_as_long_as_the_requests_need(strategy: str, ramp: str) -> None:
    given = f"--ramp-up-strategy {strategy} --ramp-up-start-rps 10 --ramp-up-end-rps 30"
    made, _ = translated([*given.split(), "--num-prompts", "100"])
    assert made[-2:] == ["--ramp", ramp]
    unlimited, _ = translated(["--request-rate", "inf", *given.split(), "--num-prompts", "100"])
    assert unlimited == made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--dataset-name sharegpt", "bench replay FILE"),
        ("--dataset-path x", "no such flag"),
        ("--backend tgi", "openai-chat"),
        ("--burstiness", "needs a value"),
        ("--goodput --rate 3", "ttft:200 tpot:50"),
        ("--ramp-up-strategy linear", "--num-prompts"),
        (
            "--ramp-up-strategy linear --ramp-up-start-rps a --ramp-up-end-rps 2 --num-prompts 3",
            "numb",
        ),
        (
            "--ramp-up-strategy linear --ramp-up-start-rps 0 --ramp-up-end-rps 2 --num-prompts 3",
            "above",
        ),
    ],
)
def test_what_cannot_be_done_is_said(given: str, said: str) -> None:
    with pytest.raises(WordError, match=said):
        translated(given.split())
