"""What the API of Kubernetes writes can be read, its nulls and its older versions included."""

import msgspec

from proxy.discovery.objects import EndpointSlice, Page, Pod, Pool


def test_a_slice_without_anything_can_be_read() -> None:
    data = b'{"metadata":{"name":"a","namespace":"n"},"endpoints":null,"ports":null}'

    part = msgspec.json.decode(data, type=EndpointSlice)

    assert part.key == ("n", "a")
    assert (part.endpoints, part.ports) == (None, None)


def test_a_slice_has_conditions_and_who_is_meant() -> None:
    data = b"""{"metadata":{"name":"a","labels":null},"addressType":"IPv4","endpoints":[{
        "addresses":["10.0.0.1"],"conditions":{"ready":false,"serving":true,"terminating":true},
        "targetRef":{"kind":"Pod","name":"p"},"nodeName":"n"}],
        "ports":[{"name":"","port":8000,"protocol":"TCP"}]}"""

    part = msgspec.json.decode(data, type=EndpointSlice)

    assert part.address_type == "IPv4"
    assert part.endpoints is not None
    (endpoint,) = part.endpoints
    assert (endpoint.conditions.ready, endpoint.conditions.terminating) == (False, True)
    assert endpoint.target_ref is not None
    assert endpoint.target_ref.name == "p"


def test_a_list_says_where_it_goes_on() -> None:
    data = b'{"metadata":{"resourceVersion":"7","continue":"abc"},"items":[{"kind":"Pod"}]}'

    page = msgspec.json.decode(data, type=Page)

    assert (page.metadata.resource_version, page.metadata.next) == ("7", "abc")
    assert page.items is not None
    assert len(page.items) == 1


def test_a_pod_has_an_address_and_an_end() -> None:
    data = b"""{"metadata":{"name":"p","deletionTimestamp":"2026-01-01T00:00:00Z"},
        "status":{"podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"}]}}"""

    pod = msgspec.json.decode(data, type=Pod)

    assert pod.status.pod_ip == "10.0.0.1"
    assert pod.metadata.deletion_timestamp is not None


def test_both_versions_of_a_pool_say_what_they_select() -> None:
    new = b'{"spec":{"selector":{"matchLabels":{"app":"a"}},"targetPorts":[{"number":8000}]}}'
    old = b'{"spec":{"selector":{"app":"a"},"targetPortNumber":8000}}'

    for data in (new, old):
        pool = msgspec.json.decode(data, type=Pool)
        assert (pool.spec.labels, pool.spec.ports) == ({"app": "a"}, (8000,))
    assert Pool().spec.labels == {}
    assert Pool().spec.ports == ()
