"""The only composition root: settings become objects, objects a service; it stops in order."""

from proxy.boot.lean import light_imports

with light_imports():
    from proxy.boot.run import Greeter, StandIn, Starter, serve

__all__ = ["Greeter", "StandIn", "Starter", "serve"]
