"""Engines without sockets and a loop without time."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from proxy.core.backend import Backend
from proxy.core.breaker import Breaker
from proxy.core.breaker import Policy as BreakerPolicy
from proxy.core.catalog import Model
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.health import Health
from proxy.core.health import Policy as HealthPolicy
from proxy.dialects.base import Engine, Reply
from proxy.dialects.registry import ENGINES
from proxy.discovery.asking import Peer
from proxy.discovery.prober import Hooks, Prober

NOWHERE = Reply(status=404, body=b'{"detail":"Not Found"}')
Answers = Mapping[str, Reply | Failure]


def failed(kind: Kind, detail: str) -> Failure:
    return Failure(kind=kind, origin=Origin.BACKEND, phase=Phase.CONNECT, detail=detail)


REFUSED = failed(Kind.CONNECT_REFUSED, "refused")
TIMEOUT = failed(Kind.CONNECT_TIMEOUT, "timeout")


def listing(*names: str, owner: str = "vllm", server: str = "uvicorn") -> Reply:
    data = ",".join(f'{{"id":"{name}","owned_by":"{owner}"}}' for name in names)
    return Reply(
        status=200,
        headers={"server": server},
        body=f'{{"object":"list","data":[{data}]}}'.encode(),
    )


def vllm(*names: str) -> dict[str, Reply | Failure]:
    return {
        "/v1/models": listing(*names),
        "/version": Reply(status=200, body=b'{"version":"0.32.0"}'),
        "/health": Reply(status=200),
    }


def llamacpp(*names: str, slots: int = 2) -> dict[str, Reply | Failure]:
    props = f'{{"build_info":"b1","default_generation_settings":{{}},"total_slots":{slots}}}'
    return {
        "/v1/models": listing(*names, owner="llamacpp", server="llama.cpp"),
        "/props": Reply(status=200, body=props.encode()),
        "/health": Reply(status=200, body=b'{"status":"ok"}'),
    }


class FakeFetch:
    """Answers by address and path; an address it does not know refuses."""

    def __init__(self, engines: Mapping[str, Answers] | None = None) -> None:
        self.engines: dict[str, Answers] = dict(engines or {})
        self.asked: list[str] = []
        self.busy = 0
        self.most_at_once = 0
        self.gate: asyncio.Event | None = None  # answers wait for it

    async def __call__(self, peer: Peer, path: str, timeout: float) -> Reply | Failure:
        self.asked.append(path)
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        try:
            if self.gate is not None:
                await self.gate.wait()
            answers = self.engines.get(peer.url)
            return REFUSED if answers is None else answers.get(path, NOWHERE)
        finally:
            self.busy -= 1


class Timer:
    """A call that is due at a time, unless cancelled."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class ManualLoop:
    """The clock stands still until `run`; tasks run on the real loop, which never waits."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def create_task(self, coro: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(coro)

    @property
    def pending(self) -> int:
        return sum(not timer.cancelled for _, _, timer in self._timers)

    async def run(self, seconds: float) -> None:
        """Let time pass, and everything that is due happen."""
        until = self.now + seconds
        await self.settle()
        while self._timers and self._timers[0][0] <= until:
            when, _, timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            self.now = max(self.now, when)
            timer.callback()
            await self.settle()
        self.now = until

    async def settle(self) -> None:
        """Let every task go as far as it can without time passing."""
        for _ in range(30):
            await asyncio.sleep(0)


def middle() -> float:
    return 0.5


def backend(url: str = "http://127.0.0.1:8000", kind: str = "") -> Backend:
    made = Backend(
        "b",
        url,
        breaker=Breaker(BreakerPolicy(), middle),
        health=Health(HealthPolicy(), middle),
    )
    made.kind = kind
    return made


class Scene:
    """A prober with one backend, and what it told."""

    def __init__(self, kind: str = "") -> None:
        self.backend = backend(kind=kind)
        self.fetch = FakeFetch()
        self.loop = ManualLoop()
        self.told: list[tuple[str, ...]] = []
        self.ready_when_told: list[bool] = []
        self.prober = Prober(
            [self.backend],
            self.fetch,
            ENGINES.values(),
            Hooks(on_kind=self._kind, on_models=self._models),
            loop=self.loop,
            random=middle,
        )

    def _kind(self, backend: Backend, engine: Engine) -> None:
        assert backend is self.backend
        self.told.append(("kind", engine.name))

    def _models(self, backend: Backend, models: tuple[Model, ...]) -> None:
        self.told.append(("models", *(model.id for model in models)))
        self.ready_when_told.append(backend.health.ready)

    def serve(self, answers: Answers | None) -> None:
        """Put an engine at the backend's address, or nobody."""
        self.fetch.engines = {} if answers is None else {self.backend.url: answers}

    def change(self, path: str, reply: Reply | Failure) -> None:
        """Change one answer of the engine."""
        self.serve({**self.fetch.engines[self.backend.url], path: reply})

    async def pass_time(self, seconds: float) -> None:
        await self.loop.run(seconds)

    @property
    def reason(self) -> str:
        return self.backend.health.reason
