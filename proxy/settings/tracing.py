"""The settings of tracing: where spans go, and which requests have any."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from proxy.core.recording import DEFAULT, Rule
from proxy.settings.credential import Secret


class Conventions(StrEnum):
    """The generation of OpenTelemetry's names for generative AI."""

    CURRENT = "current"
    LATEST = "latest"


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Whose words go to the collector, and how many."""

    limit: Annotated[
        int,
        Meta(
            ge=1024,
            le=256 * 1024,
            description="How much text of the request, and how much of its answer; what is over it"
            " is left out, the oldest messages first.",
            extra={"unit": "size"},
        ),
    ] = DEFAULT
    keys: Annotated[
        tuple[str, ...],
        Meta(
            description="Only requests with one of these keys, by name; empty = all of these"
            " models.",
            extra={"unit": "keys"},
        ),
    ] = ()

    @property
    def rule(self) -> Rule:
        """Return the rule that follows from these."""
        return Rule(limit=self.limit, keys=frozenset(self.keys))


class Tracing(msgspec.Struct, frozen=True, kw_only=True):
    """Traces by OpenTelemetry. The standard `OTEL_*` variables set what the file leaves out."""

    endpoint: Annotated[
        str | None,
        Meta(
            description="Where spans are sent by OTLP over HTTP, `/v1/traces` being added; null ="
            " no tracing.",
            extra={"unit": "endpoint"},
        ),
    ] = None
    ratio: Annotated[
        float,
        Meta(ge=0.0, le=1.0, description="The share of requests that are traced."),
    ] = 0.01
    parent: Annotated[
        bool,
        Meta(
            description="Whether a client that sends `traceparent` decides for its request; false ="
            " the ratio does, for those too."
        ),
    ] = True
    headers: Annotated[
        Secret | None,
        Meta(
            description="Header fields for the collector, `name=value` with commas between them."
            " ${NAME} is replaced from the environment. Never shown.",
            extra={"unit": "headers"},
        ),
    ] = None
    service_name: Annotated[
        str,
        Meta(description="`service.name` of all that is sent.", extra={"unit": "text"}),
    ] = "headrace"
    conventions: Annotated[
        Conventions,
        Meta(
            description="Names of attributes and metrics. current: those most tools know;"
            " latest: those of the newest GenAI conventions."
        ),
    ] = Conventions.CURRENT
    metrics: Annotated[
        bool,
        Meta(description="Send GenAI metrics there as well, `/v1/metrics` being added."),
    ] = False
    queue: Annotated[
        int,
        Meta(ge=64, le=1_000_000, description="How many spans may wait to be sent; more are lost."),
    ] = 2048
    timeout: Annotated[
        float,
        Meta(
            ge=0.1,
            le=300.0,
            description="How long the collector may take to accept a batch, tries included.",
            extra={"unit": "duration"},
        ),
    ] = 10.0
    content: Annotated[
        dict[str, Content],
        Meta(
            description="Models, by the names clients ask for, of whose sampled requests the"
            " collector gets the messages and the answer's text: what people wrote, unredacted. `*`"
            " is any letters, `?` one."
        ),
    ] = msgspec.field(default_factory=dict)
