"""A Kubernetes source: what to follow for it, and what that comes to.

service, selector   EndpointSlices by label; Services for their annotations, if that is allowed
pool                the InferencePool by name, and the pods that it selects
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from proxy.discovery import pools, slices
from proxy.discovery.finding import Finding
from proxy.discovery.objects import EndpointSlice, Pod, Pool, Thing
from proxy.discovery.reflector import Api, Hooks, Query, Reflector, Timing, Trouble
from proxy.settings.discovery import KubernetesSource

# The group has moved: clusters have the one or the other.
POOLS: Final = ("inference.networking.k8s.io/v1", "inference.networking.x-k8s.io/v1alpha2")
_MISSING: Final = 404

Told = Callable[[Finding], None]
_T = TypeVar("_T", bound=Thing)


class Cluster:
    """Follows one source; `namespace` is where it looks, unless the source says."""

    __slots__ = ("_api", "_finding", "_namespace", "_source", "_timing", "_told", "_troubles")

    def __init__(
        self, source: KubernetesSource, api: Api, namespace: str, timing: Timing, told: Told
    ) -> None:
        self._source = source
        self._api = api
        self._namespace = source.namespace or namespace
        self._timing = timing
        self._told = told
        self._finding = Finding()
        self._troubles: dict[str, str] = {}

    async def run(self) -> None:
        """Follow for ever."""
        if self._source.pool is None:
            await self._services()
        else:
            await self._pool()

    async def _services(self) -> None:
        of_slices, of_services = self._selectors()
        here = _below(self._namespace)
        changed = asyncio.Event()
        parts = self._reflector(
            Query(
                path=f"/apis/discovery.k8s.io/v1{here}/endpointslices",
                kind=EndpointSlice,
                selectors=of_slices,
            ),
            changed,
        )
        owners = self._reflector(
            Query(path=f"/api/v1{here}/services", kind=Thing, selectors=of_services), changed
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.run())
            group.create_task(owners.run())
            while True:
                await changed.wait()
                changed.clear()
                # Until Services are known, or if they never are, the annotations of slices count.
                if parts.listed:
                    self._found(slices.found(self._source, parts.objects, owners.objects))

    def _selectors(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return what narrows EndpointSlices, and what narrows Services."""
        name = self._source.service
        if name is None:
            by_label = {"labelSelector": self._source.selector or ""}
            return by_label, by_label
        return (
            {"labelSelector": f"{slices.OWNER}={name}"},
            {"fieldSelector": f"metadata.name={name}"},
        )

    async def _pool(self) -> None:
        path = await self._pool_path()
        changed = asyncio.Event()
        pool = self._reflector(
            Query(
                path=path,
                kind=Pool,
                selectors={"fieldSelector": f"metadata.name={self._source.pool}"},
            ),
            changed,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(pool.run())
            await self._pods(pool, changed, group)

    async def _pool_path(self) -> str:
        """Return the path of the first version of the kind that the cluster has."""
        here = _below(self._namespace)
        while True:
            for version in POOLS:
                path = f"/apis/{version}{here}/inferencepools"
                try:
                    await self._api.get(path, {"limit": "1"})
                except Trouble as trouble:
                    if trouble.status == _MISSING:
                        words = "the cluster knows no InferencePool: install its custom resource"
                        self._troubled("pool", Trouble(words, _MISSING))
                        continue
                    self._troubled("pool", trouble)
                    break
                self._troubled("pool", None)
                return path
            await self._timing.sleep(self._timing.resync)

    async def _pods(
        self, pool: Reflector[Pool], changed: asyncio.Event, group: asyncio.TaskGroup
    ) -> None:
        """Follow the pods of the pool; anew when it selects others."""
        pods: Reflector[Pod] | None = None
        following: asyncio.Task[None] | None = None
        labels: dict[str, str] | None = None
        while True:
            await changed.wait()
            changed.clear()
            there = next(iter(pool.objects), None)
            wanted = there.spec.labels if there is not None else {}
            if wanted != labels:
                labels = wanted
                if following is not None:
                    following.cancel()
                pods = self._reflector(self._of_pods(labels), changed) if labels else None
                following = group.create_task(pods.run()) if pods is not None else None
            if pods is None or pods.listed:
                found = pods.objects if pods is not None else ()
                self._found(pools.found(self._source, there, found))

    def _of_pods(self, labels: Mapping[str, str]) -> Query[Pod]:
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        path = f"/api/v1{_below(self._namespace)}/pods"
        return Query(path=path, kind=Pod, selectors={"labelSelector": selector})

    def _reflector(self, query: Query[_T], changed: asyncio.Event) -> Reflector[_T]:
        hooks = Hooks(
            changed=changed.set,
            troubled=lambda trouble: self._troubled(query.path, trouble),
        )
        return Reflector(self._api, query, hooks, self._timing)

    def _found(self, finding: Finding) -> None:
        self._finding = finding
        self._tell()

    def _troubled(self, path: str, trouble: Trouble | None) -> None:
        if trouble is None:
            if self._troubles.pop(path, None) is not None:
                self._tell()
        elif self._troubles.get(path) != trouble.words:
            self._troubles[path] = trouble.words
            self._tell()

    def _tell(self) -> None:
        problems = (*self._finding.problems, *self._troubles.values())
        # Without Services it goes on: they have annotations only.
        stale = any(not path.endswith("/services") for path in self._troubles)
        finding = msgspec.structs.replace(self._finding, problems=problems, current=not stale)
        self._told(finding)


def _below(namespace: str) -> str:
    """Return the part of a path that says where; `*` = everywhere."""
    return "" if namespace == "*" else f"/namespaces/{namespace}"
