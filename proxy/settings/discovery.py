"""The settings of discovery: where engines are looked for, besides those that are listed."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from proxy.settings.credential import Secret


class Record(StrEnum):
    """The kind of DNS record that names engines."""

    A = "a"
    AAAA = "aaaa"
    SRV = "srv"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for each engine that is found, unless the source says otherwise of one."""

    type: Annotated[str, Meta(description="As backends[].type.", extra={"unit": "type"})] = "auto"
    weight: Annotated[float, Meta(ge=0.01, le=1000.0, description="As backends[].weight.")] = 1.0
    priority: Annotated[int, Meta(ge=0, le=1000, description="As backends[].priority.")] = 0
    max_in_flight: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="As backends[].max_in_flight."),
    ] = None
    api_key: Annotated[
        Secret | None,
        Meta(description="As backends[].api_key. Never shown.", extra={"unit": "secret"}),
    ] = None
    api_key_file: Annotated[
        str | None, Meta(description="As backends[].api_key_file.", extra={"unit": "path"})
    ] = None


class DnsSource(msgspec.Struct, frozen=True, kw_only=True):
    """A name whose records are the engines: one backend for each address or target."""

    name: Annotated[
        str,
        Meta(
            description="The name to look up, with the search list of the system:"
            " a host for addresses, `_service._tcp.host` for SRV.",
            extra={"unit": "text"},
        ),
    ]
    record: Annotated[
        Record,
        Meta(
            description="a: IPv4 addresses; aaaa: IPv6 addresses; srv: targets with their ports,"
            " their weights relative to each other and their priorities as tiers."
        ),
    ] = Record.A
    port: Annotated[
        int,
        Meta(ge=0, le=65535, description="The engines' port; SRV records bring their own."),
    ] = 0
    interval: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600.0,
            description="The least time between two looks; longer if the records live longer.",
            extra={"unit": "duration"},
        ),
    ] = 5.0
    resolver: Annotated[
        str | None,
        Meta(
            description="ip:port of the DNS server; null = those of the system.",
            extra={"unit": "text"},
        ),
    ] = None
    backend: Found = Found()

    @property
    def title(self) -> str:
        """Return how logs and metrics call it."""
        return f"dns {self.name}"


class KubernetesSource(msgspec.Struct, frozen=True, kw_only=True):
    """Pods of a cluster: those behind Services, or those of an InferencePool."""

    service: Annotated[
        str | None, Meta(description="The Service that has the engines.", extra={"unit": "text"})
    ] = None
    selector: Annotated[
        str | None,
        Meta(
            description="Instead of service: labels of Services, `app=vllm,tier!=test`.",
            extra={"unit": "text"},
        ),
    ] = None
    pool: Annotated[
        str | None,
        Meta(
            description="Instead of service: an InferencePool of the Gateway API.",
            extra={"unit": "text"},
        ),
    ] = None
    namespace: Annotated[
        str | None,
        Meta(
            description="Where they are; null = where headrace runs. `*` = everywhere, which needs"
            " a ClusterRole.",
            extra={"unit": "text"},
        ),
    ] = None
    port: Annotated[
        str | None,
        Meta(
            description="The engines' port, by name or number; null = the only one, or the one"
            " called http. A pool has its own.",
            extra={"unit": "text"},
        ),
    ] = None
    resync: Annotated[
        float,
        Meta(
            ge=1.0,
            le=86400.0,
            description="How often everything is listed again, in case an event was missed.",
            extra={"unit": "duration"},
        ),
    ] = 600.0
    kubeconfig: Annotated[
        str | None,
        Meta(
            description="A kubeconfig file; null = the pod's service account, else $KUBECONFIG,"
            " else ~/.kube/config. An absolute path.",
            extra={"unit": "path"},
        ),
    ] = None
    backend: Found = Found()

    @property
    def title(self) -> str:
        """Return how logs and metrics call it."""
        what = self.service or self.selector or f"pool {self.pool}"
        return f"kubernetes {self.namespace}/{what}" if self.namespace else f"kubernetes {what}"


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """Where backends come from, besides the list `backends`."""

    files: Annotated[
        tuple[str, ...],
        Meta(
            description="Files that hold more backends, YAML or JSON: a list as under `backends`."
            " `*` and `?` match names; read again when they change. Relative to the configuration"
            " file.",
            extra={"unit": "files"},
        ),
    ] = ()
    dns: Annotated[tuple[DnsSource, ...], Meta(description="Names that are looked up.")] = ()
    kubernetes: Annotated[
        tuple[KubernetesSource, ...], Meta(description="Services and pools that are watched.")
    ] = ()

    @property
    def sources(self) -> tuple[DnsSource | KubernetesSource, ...]:
        """Return the sources that are asked again and again; files are read with the settings."""
        return (*self.dns, *self.kubernetes)
