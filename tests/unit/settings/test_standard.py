"""The standard variables of OpenTelemetry: below the file, silent where nothing is traced."""

from pathlib import Path

import pytest

from proxy.settings.load import Loaded, load
from proxy.settings.problems import SettingsError
from proxy.settings.standard import disabled, problems, scalars
from proxy.settings.tracing import Conventions

C = "http://c:4318"


def loaded(folder: Path, text: str = "{}", **env: str) -> Loaded:
    file = folder / "f.yaml"
    file.write_text(text)
    return load(file, env)


def told(env: dict[str, str]) -> dict[str, str]:
    return {path: scalar.text for path, scalar in scalars(env)}


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": C}, {"tracing.endpoint": C}),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://other:1",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{C}/v1/traces",
            },
            {"tracing.endpoint": f"{C}/v1/traces"},
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": C, "OTEL_TRACES_EXPORTER": "none"}, {}),
        (
            {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.2"},
            {"tracing.ratio": "0.2", "tracing.parent": "true"},
        ),
        (
            {"OTEL_TRACES_SAMPLER": "traceidratio"},
            {"tracing.ratio": "1", "tracing.parent": "false"},
        ),
        (
            {"OTEL_TRACES_SAMPLER": "always_off", "OTEL_TRACES_SAMPLER_ARG": "0.2"},
            {"tracing.ratio": "0", "tracing.parent": "false"},
        ),
        ({"OTEL_SERVICE_NAME": "edge"}, {"tracing.service_name": "edge"}),
        (
            {"OTEL_SEMCONV_STABILITY_OPT_IN": "http, gen_ai_latest_experimental"},
            {"tracing.conventions": "latest"},
        ),
        ({"OTEL_SEMCONV_STABILITY_OPT_IN": "http"}, {}),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, {"tracing.metrics": "true"}),
    ],
)
def test_each_variable_sets_its_key(env: dict[str, str], wanted: dict[str, str]) -> None:
    assert told(env) == wanted


def test_the_file_wins_and_variables_fill_what_it_leaves_out(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "tracing: {ratio: 0.5}",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{C}/v1/traces",
        OTEL_TRACES_SAMPLER="always_on",
        OTEL_SEMCONV_STABILITY_OPT_IN="gen_ai_latest_experimental",
    )
    tracing = found.settings.tracing

    assert tracing.endpoint == C
    assert tracing.ratio == 0.5
    assert not tracing.parent
    assert tracing.conventions is Conventions.LATEST
    assert str(found.origins["tracing.parent"]) == "env OTEL_TRACES_SAMPLER"


def test_our_own_variables_win_over_all(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "tracing: {ratio: 0.5}",
        HEADRACE_TRACING_ENDPOINT=C,
        HEADRACE_TRACING_RATIO="0.25",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://other:1",
    )

    assert (found.settings.tracing.endpoint, found.settings.tracing.ratio) == (C, 0.25)


@pytest.mark.parametrize("text", ["{}", f"tracing: {{endpoint: '{C}'}}"])
def test_the_switch_turns_tracing_off_whoever_has_turned_it_on(tmp_path: Path, text: str) -> None:
    found = loaded(tmp_path, text, OTEL_SDK_DISABLED="true", OTEL_EXPORTER_OTLP_ENDPOINT=C)

    assert found.settings.tracing.endpoint is None
    assert disabled({"OTEL_SDK_DISABLED": "TRUE"})
    assert not disabled({"OTEL_SDK_DISABLED": "1"})


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "allowed: http/protobuf"),
        ({"OTEL_TRACES_SAMPLER": "always"}, "did you mean always_on"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "x"}, "found 'x'"),
    ],
)
def test_what_cannot_be_had_is_told_if_it_matters(
    tmp_path: Path, env: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, **env, OTEL_EXPORTER_OTLP_ENDPOINT=C)

    assert words in str(caught.value)
    assert next(iter(env)) in str(caught.value)
    assert loaded(tmp_path, **env).settings.tracing.endpoint is None


def test_an_endpoint_of_ours_says_how_it_is_spoken_to() -> None:
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

    assert not list(problems(env, own=True))
    assert list(problems(env, own=False))
