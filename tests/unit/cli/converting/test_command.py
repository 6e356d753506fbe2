"""The command: what is written where, what it says, how it ends."""

from pathlib import Path

import pytest

from proxy.cli.app import run
from proxy.cli.converting.command import wrong
from proxy.settings.load import load

EXAMPLES = Path(__file__).resolve().parents[3] / "fixtures" / "imports"


@pytest.mark.parametrize("kind", ["olla", "litellm"])
def test_the_result_is_in_order_and_private_and_the_report_stands_beside_it(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "headrace.yaml"

    code = run(["import", kind, str(EXAMPLES / f"{kind}.yaml"), "-o", str(out)])

    said = capsys.readouterr()
    assert code == 0
    assert said.out == ""
    assert [word for word in ("carried: ", "approximated: ", "dropped: ") if word in said.err]
    keys = dict.fromkeys(("GPU_A_KEY", "VLLM_KEY", "LITELLM_MASTER_KEY"), "k" * 20)
    assert len(load(out, keys).settings.backends) > 2
    assert out.stat().st_mode & 0o777 == 0o600


def test_without_an_output_the_settings_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "olla", str(EXAMPLES / "olla.yaml")]) == 0

    said = capsys.readouterr()
    assert said.out.startswith("# Made from Olla's olla.yaml by `headrace import`")
    assert "carried" not in said.out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"a: [", "not YAML"),
        (b"- a", "holds no keys"),
        (b"\xff\xfe\x00", "not YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_told(
    content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_bytes(content)

    assert run(["import", "litellm", str(file)]) == 2
    assert words in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["import", "olla", str(EXAMPLES / "olla.yaml"), "-o", str(tmp_path / "no" / "x")]

    assert run(words) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_result_without_engines_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("model_list: [{model_name: a, litellm_params: {model: anthropic/a}}]")

    assert run(["import", "litellm", str(file)]) == 2
    assert "no backend is left" in capsys.readouterr().err


def test_what_headrace_would_say_against_the_result_is_told_with_its_line() -> None:
    (problem,) = wrong("backends:\n- url: http://a:1\n  weight: 5000\n")

    assert problem.startswith("line 3: backends[0].weight")
