"""The pods of an InferencePool as backends."""

import msgspec

from proxy.discovery.finding import Finding
from proxy.discovery.objects import Pod, Pool
from proxy.discovery.pools import found
from proxy.settings.discovery import KubernetesSource
from tests.fixtures.kubernetes import Json, pod, pool

SOURCE = KubernetesSource(pool="vllm")


def look(pool: Json | None, *pods: Json) -> Finding:
    of = msgspec.convert(pool, Pool) if pool is not None else None
    return found(SOURCE, of, [msgspec.convert(one, Pod) for one in pods])


def test_ready_pods_serve_at_the_port_of_the_pool() -> None:
    going = pod("c", "10.0.0.3")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    finding = look(pool(), pod("b", "10.0.0.2"), pod("a", "10.0.0.1", ready=False), going)

    (backend,) = finding.backends
    assert (backend.name, backend.url) == ("b", "http://10.0.0.2:8000")
    assert not finding.problems


def test_a_pod_without_an_address_is_left_out() -> None:
    assert not look(pool(), pod("a", "")).backends


def test_each_port_of_a_pod_is_an_engine() -> None:
    two = pool()
    two["spec"]["targetPorts"] = [{"number": 8000}, {"number": 8001}]

    finding = look(two, pod("a", "10.0.0.1"))

    assert [one.name for one in finding.backends] == ["a:8000", "a:8001"]


def test_annotations_of_the_pool_and_then_of_the_pod_are_read() -> None:
    of, one = pool(), pod("a", "10.0.0.1")
    of["metadata"]["annotations"] = {"headrace/weight": "2", "headrace/type": "vllm"}
    one["metadata"]["annotations"] = {"headrace/weight": "3", "headrace/priority": "x"}

    finding = look(of, one)

    assert (finding.backends[0].weight, finding.backends[0].type) == (3.0, "vllm")
    assert finding.problems[0].startswith("pod a: headrace/priority")


def test_what_is_missing_is_told() -> None:
    bare: Json = {"metadata": {"name": "vllm"}, "spec": {}}

    assert "there is no InferencePool vllm" in look(None).problems[0]
    assert [problem.rpartition(":")[2] for problem in look(bare).problems] == [
        " set spec.selector",
        " set spec.targetPorts",
    ]
    assert look(pool()).problems == ("no pod of the InferencePool vllm is ready",)
