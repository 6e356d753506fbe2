"""Rules across keys: what no single value shows to be wrong.

Each rule looks at finished settings and yields problems. A rule keeps quiet about keys that could
not be read, since what stands in for them was not written by anybody.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Final

from proxy.core import keys
from proxy.settings.address import Address
from proxy.settings.discovery import Found, Record
from proxy.settings.keys import key_of
from proxy.settings.problems import DEFAULT, Problem, Source, suggestion
from proxy.settings.schema import BackendSettings, Settings

_OBJECT: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")  # a name in Kubernetes


class Scene:
    """Settings under judgement, with where each key came from and which could not be read."""

    __slots__ = ("_origins", "_unread", "settings")

    def __init__(
        self, settings: Settings, origins: Mapping[str, Source], unread: frozenset[str]
    ) -> None:
        self.settings = settings
        self._origins = origins
        self._unread = unread

    def problem(self, path: str, found: str, hint: str) -> Problem:
        """Return a problem at the place `path` was written."""
        return Problem(path=path, source=self.source(path), found=found, hint=hint)

    def source(self, path: str) -> Source:
        """Return where `path` was written."""
        return self._origins.get(path, DEFAULT)

    def written(self, path: str) -> bool:
        """Tell whether anybody set `path`."""
        return path in self._origins

    def readable(self, path: str) -> bool:
        """Tell whether the value of `path` is what was written, or the default for nothing."""
        return path not in self._unread

    def listeners(self) -> Iterator[tuple[str, Address]]:
        """Yield the addresses this process opens."""
        pairs = (("listen", self.settings.listen), ("admin", self.settings.admin))
        return (pair for pair in pairs if self.readable(pair[0]))

    def backends(self) -> Iterator[tuple[str, BackendSettings]]:
        """Yield each backend with its path, if its URL could be read."""
        for index, backend in enumerate(self.settings.backends):
            if backend.url:
                yield f"backends[{index}]", backend

    def found(self) -> Iterator[tuple[str, Found]]:
        """Yield what holds for the backends of each source of discovery, with its path."""
        for kind in ("dns", "kubernetes"):
            for index, source in enumerate(getattr(self.settings.discovery, kind)):
                yield f"discovery.{kind}[{index}].backend", source.backend


def broken(scene: Scene) -> Iterator[Problem]:
    """Yield what every rule finds."""
    for rule in _RULES:
        yield from rule(scene)


def _one_listener_an_address(scene: Scene) -> Iterator[Problem]:
    listeners = dict(scene.listeners())
    if len(listeners) == 2 and listeners["listen"].clashes(listeners["admin"]):
        path = max(listeners, key=lambda path: scene.source(path).layer)
        other = "admin" if path == "listen" else "listen"
        yield scene.problem(
            path,
            f"{listeners[path]} is also the address of {other} ({scene.source(other)})",
            "clients and the admin application need an address each",
        )


def _no_backend_is_this_proxy(scene: Scene) -> Iterator[Problem]:
    for path, backend in scene.backends():
        for name, listener in scene.listeners():
            if listener.clashes(backend.address):
                yield scene.problem(
                    f"{path}.url",
                    f"{backend.url} is this proxy's own {name} address",
                    "requests would go round in circles: give the engine's address",
                )


def _docker_model_runner_by_its_address(scene: Scene) -> Iterator[Problem]:
    for path, backend in scene.backends():
        there = backend.address
        if backend.type == "dmr" and f"{there.below}/".startswith("/engines/"):
            yield scene.problem(
                f"{path}.url",
                f"{backend.url} is the base URL of its API, which dmr has already",
                f"leave {there.below} out: the address alone, as http://host:12434",
            )


def _one_backend_an_engine(scene: Scene) -> Iterator[Problem]:
    seen: dict[Address, str] = {}
    for path, backend in scene.backends():
        first = seen.setdefault(backend.address, path)
        if first != path:
            yield scene.problem(
                f"{path}.url",
                f"{backend.url} is also the URL of {first} ({scene.source(f'{first}.url')})",
                "to give an engine more work, raise its weight",
            )


def _one_backend_a_name(scene: Scene) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    addresses: set[Address] = set()
    for path, backend in scene.backends():
        if not scene.readable(f"{path}.name") or backend.address in addresses:
            continue  # one engine named twice is told by the rule above
        addresses.add(backend.address)
        first = seen.setdefault(backend.name, path)
        if first != path:
            # A name nobody wrote comes from the URL.
            key = "name" if scene.written(f"{path}.name") else "url"
            yield scene.problem(
                f"{path}.{key}",
                f"{backend.name!r} is also the name of {first} ({scene.source(first)})",
                "give each backend a name of its own",
            )


def _types_are_known(scene: Scene) -> Iterator[Problem]:
    if not scene.readable("profiles"):
        return  # the kind may stand in a profile that could not be read
    known = ("auto", *scene.settings.engines)
    every: list[tuple[str, BackendSettings | Found]] = [*scene.backends(), *scene.found()]
    for path, backend in every:
        if backend.type not in known and scene.readable(f"{path}.type"):
            hint = suggestion(backend.type, known) or "a profile of your own can add a kind"
            yield Problem(
                path=f"{path}.type",
                source=scene.source(f"{path}.type"),
                found=f"found {backend.type!r}",
                allowed=", ".join(known),
                hint=hint,
            )


def _patterns_are_names(scene: Scene) -> Iterator[Problem]:
    for path, backend in scene.backends():
        for key in ("include", "exclude"):
            for pattern in getattr(backend.models, key):
                if not pattern.strip() or not pattern.isprintable():
                    where = f"{path}.models.{key}"
                    hint = "write a name as the engine lists it; * is any letters, ? one"
                    yield scene.problem(where, f"{pattern!r} matches no model", hint)


def _aliases_lead_to_models(scene: Scene) -> Iterator[Problem]:
    aliases = scene.settings.models.aliases
    for alias, targets in aliases.items():
        path = f"models.aliases.{alias}"
        if not targets and scene.readable(path):
            yield scene.problem(path, "an alias for nothing", "name at least one model")
        for target in dict.fromkeys(targets):
            if not target.strip() or not target.isprintable():
                yield scene.problem(
                    path, f"{target!r} cannot be a model", "write the name as the engine lists it"
                )
            elif target == alias:
                yield scene.problem(
                    path, "an alias for itself", "leave it out: a model needs no alias"
                )
            elif target in aliases:
                yield scene.problem(
                    path,
                    f"{target!r} is an alias too",
                    "an alias leads to models, not to other aliases",
                )
        if len(set(targets)) != len(targets):
            yield scene.problem(path, "one model stands twice", "name each model once")


def _timeouts_are_of_models(scene: Scene) -> Iterator[Problem]:
    aliases = scene.settings.models.aliases
    for model in scene.settings.models.timeouts:
        if model in aliases:
            path = f"models.timeouts.{model}"
            yield scene.problem(
                path,
                f"{model!r} is an alias",
                f"set it for {' and '.join(dict.fromkeys(aliases[model]))}",
            )


def _keys_can_be_known(scene: Scene) -> Iterator[Problem]:
    seen: dict[bytes, str] = {}
    for name, one in scene.settings.keys.clients.items():
        path = f"keys.clients.{name}"
        if not all(map(scene.readable, (path, f"{path}.hash", f"{path}.key"))):
            continue
        if not one.hash and one.key is None:
            yield scene.problem(
                path, "a key that nobody has", "give it a hash: headrace keys create"
            )
        for text in one.hash:
            if keys.read(text) is None:
                found = f"{text[:20]!r} is no hash of a key"
                yield scene.problem(
                    f"{path}.hash", found, "write sha256: and 64 hexadecimal digits"
                )
        for credential in key_of(name, one).credentials:
            first = seen.setdefault(credential.digest, name)
            if first != name:
                hint = "make one for each: headrace keys create"
                yield scene.problem(path, f"the same key as that of {first!r}", hint)


def _keys_stay_here(scene: Scene) -> Iterator[Problem]:
    settings = scene.settings.keys
    if settings.pass_through and settings.wanted:
        found = "true, but clients have keys of this proxy, which engines must not get"
        yield scene.problem("keys.pass_through", found, "leave it out, or the keys")


def _stores_of_keys_can_be_reached(scene: Scene) -> Iterator[Problem]:
    settings = scene.settings.keys
    wanted = (
        ("keys.shared.url", settings.shared.url, "Redis", _STORES, "redis", "redis"),
        ("keys.ledger", settings.ledger, "PostgreSQL", _LEDGERS, "asyncpg", "postgres"),
    )
    for path, url, server, schemes, module, extra in wanted:
        if url is not None and not url.reveal().startswith(schemes):
            found = f"this is no address of a {server} server"
            yield scene.problem(path, found, f"write one of {', '.join(schemes)}")
        elif url is not None and find_spec(module) is None:
            hint = f"pip install 'headrace[{extra}]'"
            yield scene.problem(path, f"the client of {server} is not installed", hint)


def _dns_sources_can_be_asked(scene: Scene) -> Iterator[Problem]:
    for index, source in enumerate(scene.settings.discovery.dns):
        path = f"discovery.dns[{index}]"
        if source.record is not Record.SRV and not source.port and scene.readable(f"{path}.port"):
            yield scene.problem(path, "no port", "set port, or record: srv if the records have it")
        if source.record is Record.SRV and source.port:
            hint = "leave it out: SRV records bring their own"
            yield scene.problem(f"{path}.port", f"found {source.port} with record srv", hint)
        if source.resolver is not None and not _is_server(source.resolver):
            hint = "write 10.0.0.10:53 or [fd00::10]:53"
            yield scene.problem(f"{path}.resolver", f"found {source.resolver!r}", hint)


def _is_server(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return bool(colon) and port.isdecimal() and 0 < int(port) < 65536


def _kubernetes_sources_name_one_thing(scene: Scene) -> Iterator[Problem]:
    for index, source in enumerate(scene.settings.discovery.kubernetes):
        path = f"discovery.kubernetes[{index}]"
        named = [key for key in ("service", "selector", "pool") if getattr(source, key) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none of service, selector, pool"
            yield scene.problem(path, f"found {found}", "set one of service, selector, pool")
        for key in ("service", "pool", "namespace"):
            value = getattr(source, key)
            if value is None or (key, value) == ("namespace", "*") or _OBJECT.fullmatch(value):
                continue
            hint = "small letters, digits, hyphens and dots"
            yield scene.problem(f"{path}.{key}", f"found {value!r}", hint)
        if source.kubeconfig is not None and not source.kubeconfig.startswith("/"):
            found = f"found {source.kubeconfig!r}"
            yield scene.problem(f"{path}.kubeconfig", found, "write the whole path, from / on")
        if source.pool is not None and source.port is not None:
            yield scene.problem(f"{path}.port", "a pool has a port of its own", "leave it out")
        if source.pool is not None and source.namespace == "*":
            yield scene.problem(f"{path}.namespace", "one pool is in one namespace", "name it")


def _one_source_once(scene: Scene) -> Iterator[Problem]:
    for kind in ("dns", "kubernetes"):
        seen: set[str] = set()
        for index, source in enumerate(getattr(scene.settings.discovery, kind)):
            if source.title in seen:
                hint = "name each source once"
                yield scene.problem(f"discovery.{kind}[{index}]", f"{source.title} again", hint)
            seen.add(source.title)


_STORES: Final = ("redis://", "rediss://", "unix://")
_LEDGERS: Final = ("postgresql://", "postgres://")
_RULES: Final[tuple[Callable[[Scene], Iterator[Problem]], ...]] = (
    _one_listener_an_address,
    _no_backend_is_this_proxy,
    _docker_model_runner_by_its_address,
    _one_backend_an_engine,
    _one_backend_a_name,
    _types_are_known,
    _patterns_are_names,
    _aliases_lead_to_models,
    _timeouts_are_of_models,
    _keys_can_be_known,
    _keys_stay_here,
    _stores_of_keys_can_be_reached,
    _dns_sources_can_be_asked,
    _kubernetes_sources_name_one_thing,
    _one_source_once,
)
