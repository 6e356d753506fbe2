"""The standard `OTEL_*` environment variables, as values for the settings of tracing.

They stand below the file: it wins, as `HEADRACE_TRACING_*` win over it. What is not here (headers,
compression, certificates, resource attributes, batching) the SDK reads itself.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from proxy.settings.document import Scalar
from proxy.settings.problems import Layer, Problem, Source, suggestion

DISABLED: Final = "OTEL_SDK_DISABLED"
ENDPOINT: Final = "tracing.endpoint"

_ADDRESSES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN: Final = "http/protobuf"
_LATEST: Final = "gen_ai_latest_experimental"
# Ratio where the argument does not say it, and whether the client decides first.
_SAMPLERS: Final[Mapping[str, tuple[str, bool]]] = {
    "always_on": ("1", False),
    "always_off": ("0", False),
    "traceidratio": ("", False),
    "parentbased_always_on": ("1", True),
    "parentbased_always_off": ("0", True),
    "parentbased_traceidratio": ("", True),
}


def disabled(env: Mapping[str, str]) -> bool:
    """Tell whether `OTEL_SDK_DISABLED` turns tracing off, whatever else says that it is on."""
    return env.get(DISABLED, "").lower() == "true"


def scalars(env: Mapping[str, str]) -> Iterator[tuple[str, Scalar]]:
    """Yield paths of settings and the values that variables have for them."""
    if env.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp":
        for name in _ADDRESSES:
            if name in env:
                yield ENDPOINT, _scalar(name, env[name])
                break
    sampler = _SAMPLERS.get(env.get("OTEL_TRACES_SAMPLER", ""))
    if sampler is not None:
        ratio, parent = sampler
        argument = "OTEL_TRACES_SAMPLER_ARG"
        if ratio or argument not in env:
            yield "tracing.ratio", _scalar("OTEL_TRACES_SAMPLER", ratio or "1")
        else:
            yield "tracing.ratio", _scalar(argument, env[argument])
        yield "tracing.parent", _scalar("OTEL_TRACES_SAMPLER", str(parent).lower())
    if "OTEL_SERVICE_NAME" in env:
        yield "tracing.service_name", _scalar("OTEL_SERVICE_NAME", env["OTEL_SERVICE_NAME"])
    opted = "OTEL_SEMCONV_STABILITY_OPT_IN"
    if _LATEST in [one.strip() for one in env.get(opted, "").split(",")]:
        yield "tracing.conventions", _scalar(opted, "latest")
    if env.get("OTEL_METRICS_EXPORTER") == "otlp":
        yield "tracing.metrics", _scalar("OTEL_METRICS_EXPORTER", "true")


def problems(env: Mapping[str, str], *, own: bool) -> Iterator[Problem]:
    """Yield what variables ask for and cannot have.

    `own` says that the endpoint is set for headrace alone: then the protocol is known as well.
    """
    protocol = next((name for name in _PROTOCOLS if name in env), None)
    if not own and protocol is not None and env[protocol] != _SPOKEN:
        yield Problem(
            path=ENDPOINT,
            source=_source(protocol),
            found=f"found {env[protocol][:40]!r}",
            allowed=_SPOKEN,
            hint="collectors take it on port 4318; or name one in tracing.endpoint",
        )
    sampler = env.get("OTEL_TRACES_SAMPLER")
    if sampler is not None and sampler not in _SAMPLERS:
        yield Problem(
            path="tracing.ratio",
            source=_source("OTEL_TRACES_SAMPLER"),
            found=f"found {sampler[:40]!r}",
            allowed=", ".join(_SAMPLERS),
            hint=suggestion(sampler, _SAMPLERS),
        )


def off() -> Scalar:
    """Return the value that turns tracing off."""
    return Scalar(source=_source(DISABLED), text="null", null=True)


def _scalar(name: str, text: str) -> Scalar:
    return Scalar(source=_source(name), text=text)


def _source(name: str) -> Source:
    return Source(layer=Layer.ENVIRONMENT, name=name)
