"""Which endpoints of a Service are backends, and how those that are none are told of."""

import msgspec
import pytest

from proxy.discovery.finding import Finding
from proxy.discovery.objects import EndpointSlice, Thing
from proxy.discovery.slices import found
from proxy.settings.discovery import KubernetesSource
from tests.fixtures.kubernetes import Json, endpoint, part, service

SOURCE = KubernetesSource(service="vllm")


def look(*parts: Json, source: KubernetesSource = SOURCE, owner: Json | None = None) -> Finding:
    slices = [msgspec.convert(one, EndpointSlice) for one in parts]
    owners = [msgspec.convert(owner, Thing)] if owner else []
    return found(source, slices, owners)


def urls(finding: Finding) -> list[str]:
    return [one.url for one in finding.backends]


def test_a_ready_pod_is_a_backend_under_its_name() -> None:
    finding = look(part(endpoint("10.0.0.1", "vllm-0")))

    (backend,) = finding.backends
    assert (backend.name, backend.url) == ("vllm-0", "http://10.0.0.1:8000")
    assert not finding.problems


def test_who_is_not_ready_or_terminates_is_left_out() -> None:
    finding = look(
        part(
            endpoint("10.0.0.1", "a", ready=False),
            endpoint("10.0.0.2", "b", terminating=True),
            endpoint("10.0.0.3", "c"),
        )
    )

    assert urls(finding) == ["http://10.0.0.3:8000"]


def test_unknown_conditions_count_as_ready() -> None:
    one = endpoint("10.0.0.1", "a")
    one["conditions"] = {}

    assert urls(look(part(one))) == ["http://10.0.0.1:8000"]


def test_an_endpoint_in_two_slices_is_one_and_terminating_wins() -> None:
    ready, going = endpoint("10.0.0.1", "a"), endpoint("10.0.0.1", "a", terminating=True)

    assert urls(look(part(ready, name="x"), part(ready, name="y"))) == ["http://10.0.0.1:8000"]
    assert urls(look(part(ready, name="x"), part(going, name="y"))) == []


def test_a_pod_of_both_families_is_one_engine() -> None:
    six = part(endpoint("fd00::1", "a"), name="six") | {"addressType": "IPv6"}

    assert urls(look(six, part(endpoint("10.0.0.1", "a")))) == ["http://10.0.0.1:8000"]
    assert urls(look(six)) == ["http://[fd00::1]:8000"]


def test_an_endpoint_without_a_pod_is_called_by_its_address() -> None:
    one = endpoint("10.0.0.1", "")
    one["targetRef"] = None

    (backend,) = look(part(one)).backends
    assert backend.name == "10.0.0.1:8000"


def test_annotations_of_the_service_and_then_of_the_slice_are_read() -> None:
    own = part(endpoint("10.0.0.1", "a"), annotations={"headrace/weight": "3"})

    (backend,) = look(own, owner=service(weight="2", type="vllm")).backends

    assert (backend.weight, backend.type) == (3.0, "vllm")


def test_an_annotation_that_cannot_be_read_is_told_once() -> None:
    own = part(endpoint("10.0.0.1", "a"), endpoint("10.0.0.2", "b"))

    finding = look(own, owner=service(weight="much"))

    assert len(finding.backends) == 2
    (problem,) = finding.problems
    assert problem.startswith("EndpointSlice llm/vllm-abc: headrace/weight: 'much' is ignored")


PORTS = [{"name": "metrics", "port": 1}, {"name": "api", "port": 2}]


@pytest.mark.parametrize(
    ("wanted", "ports", "port"),
    [
        (None, [{"name": "x", "port": 5}], 5),
        (None, [{"port": 1, "name": "m"}, {"port": 2, "name": "http"}], 2),
        (None, [{"port": 1, "protocol": "UDP"}, {"port": 2, "protocol": "TCP"}], 2),
        ("api", PORTS, 2),
        ("9000", PORTS, 9000),
        ("9000", None, 9000),
    ],
)
def test_the_port_is_the_one_asked_for_or_the_one_that_is_meant(
    wanted: str | None, ports: list[Json] | None, port: int
) -> None:
    one = part(endpoint("10.0.0.1", "a")) | {"ports": ports}

    assert urls(look(one, source=msgspec.structs.replace(SOURCE, port=wanted))) == [
        f"http://10.0.0.1:{port}"
    ]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (None, "has more ports than one, and none is called http: there is metrics (1), api (2)"),
        ("http", "has no port 'http': there is metrics (1), api (2); set port to one of them"),
        ("70000", "has no port '70000'"),
    ],
)
def test_a_slice_without_the_port_is_told(wanted: str | None, told: str) -> None:
    one = part(endpoint("10.0.0.1", "a")) | {"ports": PORTS}

    finding = look(one, source=msgspec.structs.replace(SOURCE, port=wanted))

    assert not finding.backends
    assert told in finding.problems[0]


def test_nothing_is_told_with_the_likely_reason() -> None:
    by_label = KubernetesSource(selector="app=vllm")

    assert "the Service vllm has no endpoints" in look().problems[0]
    assert "labels of Services are meant" in look(source=by_label).problems[0]
    going = part(endpoint("10.0.0.1", "a", terminating=True))
    assert "no endpoint can be used" in look(going).problems[0]
