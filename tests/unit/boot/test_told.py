"""Who is told of backends finds nothing out, and passes on what is noticed."""

from proxy.boot.told import Knowing, Told
from proxy.core.backend import Backend
from proxy.core.breaker import Breaker
from proxy.core.breaker import Policy as BreakerPolicy
from proxy.core.health import Health, Policy


async def test_only_what_is_noticed_goes_anywhere() -> None:
    breaker = Breaker(BreakerPolicy(), lambda: 0.5)
    backend = Backend("a", "", breaker=breaker, health=Health(Policy()))
    seen: list[str] = []
    told: Knowing = Told(wake=lambda b: seen.append("wake"), reread=lambda b: seen.append("read"))

    told.start()
    told.add(backend)
    told.know(())
    told.pin(backend, "vllm")
    told.wake(backend)
    told.reread(backend)
    told.remove(backend)
    await told.stop()

    assert seen == ["wake", "read"]
    assert backend.kind == ""
