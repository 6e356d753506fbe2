"""EndpointSlices to backends: which endpoints may be used, at which port, under which name.

A pod that is terminating is left out although it may still serve: so no new request goes there,
and those that run may end. A pod that is not ready is left out too. During an update an endpoint
may stand in two slices: it is used if one of them says ready and none says terminating. A pod
with addresses of both families is one engine; its IPv4 address is taken.
"""

from collections.abc import Iterable, Mapping, Sequence

from proxy.discovery import finding
from proxy.discovery.finding import Finding, Notes
from proxy.discovery.objects import Endpoint, EndpointSlice, Thing
from proxy.settings.discovery import KubernetesSource
from proxy.settings.schema import BackendSettings

OWNER = "kubernetes.io/service-name"  # the label with the name of a slice's Service
_USUAL = "http"


def found(
    source: KubernetesSource, slices: Sequence[EndpointSlice], services: Sequence[Thing]
) -> Finding:
    """Return the engines in `slices`; `services` have the annotations."""
    said = {one.key: one.metadata.annotations for one in services}
    barred = {place for part in slices for place in _barred(part)}
    backends: dict[str, BackendSettings] = {}
    problems: list[str] = []
    for part in sorted(slices, key=lambda one: (one.address_type, one.key)):
        notes = _notes(part, said)
        port = _port(source, part, notes)
        problems += [f"{_name(part)}: {wrong}" for wrong in notes.wrong]
        if port is None:
            problems.append(_portless(source, part, notes))
            continue
        for endpoint in _usable(part, barred):
            address = (endpoint.addresses or ("",))[0]
            pod = endpoint.target_ref.name if endpoint.target_ref else ""
            url = finding.url(address, port)
            name = pod or url.removeprefix("http://")
            made = finding.backend(source.backend, notes, name=name, url=url)
            backends.setdefault(_identity(endpoint, part) if pod else url, made)
    if not backends:
        problems.append(_nothing(source, slices))
    ordered = sorted(backends.values(), key=lambda one: one.name)
    return Finding(backends=tuple(ordered), problems=tuple(dict.fromkeys(problems)))


def _usable(part: EndpointSlice, barred: set[str]) -> Iterable[Endpoint]:
    for endpoint in part.endpoints or ():
        ready = endpoint.conditions.ready is not False and not endpoint.conditions.terminating
        if ready and endpoint.addresses and _identity(endpoint, part) not in barred:
            yield endpoint


def _barred(part: EndpointSlice) -> Iterable[str]:
    for endpoint in part.endpoints or ():
        if endpoint.conditions.terminating:
            yield _identity(endpoint, part)


def _identity(endpoint: Endpoint, part: EndpointSlice) -> str:
    """Return what is the same for one pod in all slices of one Service."""
    if endpoint.target_ref is not None and endpoint.target_ref.name:
        space = endpoint.target_ref.namespace or part.metadata.namespace
        return f"{space}/{endpoint.target_ref.name}"
    return (endpoint.addresses or ("",))[0]


def _notes(part: EndpointSlice, said: Mapping[tuple[str, str], Mapping[str, str] | None]) -> Notes:
    owner = (part.metadata.labels or {}).get(OWNER, "")
    return finding.notes(said.get((part.metadata.namespace, owner)), part.metadata.annotations)


def _port(source: KubernetesSource, part: EndpointSlice, notes: Notes) -> int | None:
    """Return the engines' port: the one asked for, else the only one, else the one called http."""
    wanted = notes.port or source.port
    ports = {
        one.name or "": one.port
        for one in part.ports or ()
        if one.port is not None and one.protocol in {None, "TCP"}
    }
    if wanted is None:
        return next(iter(ports.values())) if len(ports) == 1 else ports.get(_USUAL)
    if wanted.isdecimal():
        # A port a Service does not name can be reached all the same: pods have no closed ports.
        return int(wanted) if 0 < int(wanted) < 65536 else None
    return ports.get(wanted)


def _portless(source: KubernetesSource, part: EndpointSlice, notes: Notes) -> str:
    there = ", ".join(f"{one.name or 'no name'} ({one.port})" for one in part.ports or ())
    wanted = notes.port or source.port
    what = f"no port {wanted!r}" if wanted else "more ports than one, and none is called http"
    return f"{_name(part)} has {what}: there is {there or 'none'}; set port to one of them"


def _nothing(source: KubernetesSource, slices: Sequence[EndpointSlice]) -> str:
    if any(part.endpoints for part in slices):
        return "no endpoint can be used: see `kubectl describe endpointslices` for why"
    if source.service is not None:
        return (
            f"the Service {source.service} has no endpoints: is it there, and its selector right?"
        )
    return f"no endpoint matches {source.selector}: labels of Services are meant, not of pods"


def _name(part: EndpointSlice) -> str:
    return f"EndpointSlice {part.metadata.namespace}/{part.metadata.name}"
