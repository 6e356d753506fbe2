"""The parts of Kubernetes' objects that are read here; everything else in them is skipped.

The API writes null where a list is empty, so each list may be None.
"""

from collections.abc import Mapping

import msgspec


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who an object is."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    annotations: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None
    deletion_timestamp: str | None = None


class Thing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Any object; of a Service nothing more is needed."""

    metadata: Metadata = Metadata()

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells it from the others of its kind."""
        return self.metadata.namespace, self.metadata.name


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an endpoint; None = unknown, which counts as ready and as not terminating."""

    ready: bool | None = None
    terminating: bool | None = None


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """The pod behind an endpoint."""

    name: str = ""
    namespace: str = ""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One pod; its addresses are interchangeable."""

    addresses: tuple[str, ...] | None = None
    conditions: Conditions = Conditions()
    target_ref: Reference | None = None


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A port of all endpoints of a slice."""

    name: str | None = None
    port: int | None = None
    protocol: str | None = None


class EndpointSlice(Thing, frozen=True, kw_only=True, rename="camel"):
    """Some endpoints of a Service."""

    address_type: str = ""
    endpoints: tuple[Endpoint, ...] | None = None
    ports: tuple[Port, ...] | None = None


class PodCondition(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known of a pod."""

    type: str = ""
    status: str = ""


class PodStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the node says of a pod."""

    pod_ip: str = msgspec.field(default="", name="podIP")
    conditions: tuple[PodCondition, ...] | None = None


class Pod(Thing, frozen=True, kw_only=True, rename="camel"):
    """A pod."""

    status: PodStatus = PodStatus()


class TargetPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port of each pod of a pool."""

    number: int


class PoolSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a pool consists of. The older version has one port, and a selector without a level."""

    selector: Mapping[str, str | Mapping[str, str]] | None = None
    target_ports: tuple[TargetPort, ...] | None = None
    target_port_number: int | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels that pods of the pool have."""
        inside = (self.selector or {}).get("matchLabels", self.selector or {})
        if isinstance(inside, str):
            return {}
        return {key: value for key, value in inside.items() if isinstance(value, str)}

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the ports at which each pod of the pool serves."""
        if self.target_port_number is not None:
            return (self.target_port_number,)
        return tuple(port.number for port in self.target_ports or ())


class Pool(Thing, frozen=True, kw_only=True, rename="camel"):
    """An InferencePool of the Gateway API inference extension."""

    spec: PoolSpec = PoolSpec()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a list; `metadata.continue` is where the next part begins."""

    class Meta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
        """Of which state the list is."""

        resource_version: str = ""
        next: str = msgspec.field(default="", name="continue")

    metadata: Meta = Meta()
    items: tuple[msgspec.Raw, ...] | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a watch."""

    type: str
    object: msgspec.Raw


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the API says instead of an object."""

    code: int = 0
    message: str = ""
