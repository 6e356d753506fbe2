"""An InferencePool and its pods to backends: each ready pod at each port of the pool."""

from collections.abc import Sequence

from proxy.discovery import finding
from proxy.discovery.finding import Finding
from proxy.discovery.objects import Pod, Pool
from proxy.settings.discovery import KubernetesSource


def found(source: KubernetesSource, pool: Pool | None, pods: Sequence[Pod]) -> Finding:
    """Return the engines of `pool`; `pods` are those with its labels."""
    if pool is None:
        return Finding(
            problems=(f"there is no InferencePool {source.pool}: create it, or name it",)
        )
    ports = pool.spec.ports
    problems: list[str] = []
    if not pool.spec.labels:
        problems.append(f"the InferencePool {source.pool} selects nothing: set spec.selector")
    if not ports:
        problems.append(f"the InferencePool {source.pool} has no port: set spec.targetPorts")
    backends = []
    for pod in sorted(pods, key=lambda one: one.key):
        if not _usable(pod):
            continue
        notes = finding.notes(pool.metadata.annotations, pod.metadata.annotations)
        problems += [f"pod {pod.metadata.name}: {wrong}" for wrong in notes.wrong]
        for port in ports:
            name = pod.metadata.name if len(ports) == 1 else f"{pod.metadata.name}:{port}"
            url = finding.url(pod.status.pod_ip, port)
            backends.append(finding.backend(source.backend, notes, name=name, url=url))
    if not (backends or problems):
        problems.append(f"no pod of the InferencePool {source.pool} is ready")
    return Finding(backends=tuple(backends), problems=tuple(dict.fromkeys(problems)))


def _usable(pod: Pod) -> bool:
    """Tell whether a pod takes requests: ready, and not told to end."""
    ready = any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or ())
    return ready and not pod.metadata.deletion_timestamp and bool(pod.status.pod_ip)
