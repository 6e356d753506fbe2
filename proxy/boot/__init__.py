"""The only composition root: settings become objects, objects a service; it stops in order."""

from proxy.boot.lean import light_imports

with light_imports():
    from proxy.boot.engines import StandIn, Starter
    from proxy.boot.run import Greeter, serve

__all__ = ["Greeter", "StandIn", "Starter", "serve"]
