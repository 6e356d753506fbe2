"""What one set of settings has otherwise than another, and what of it a reload can put in force.

Backends are told apart by name. A key is never shown; that it is another one is.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec
from typing_extensions import override

from proxy.settings import fields, text
from proxy.settings.credential import Secret
from proxy.settings.keys import Keys
from proxy.settings.profiles import Profiles
from proxy.settings.rows import by_name, rows
from proxy.settings.schema import BackendSettings, Settings
from proxy.settings.tls import BackendTls, ListenerTls

_NAME: Final = ".name"
_KEY: Final = ".api_key"
_BACKEND: Final = "backends["
_FILES: Final = "files"
Part = TypeVar("Part", bound=msgspec.Struct)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One key with its values as text, None = not there. `restart`: the process must start anew."""

    path: str
    old: str | None
    new: str | None
    restart: bool = False

    @override
    def __str__(self) -> str:
        if self.old is None:
            return f"{self.path}: added ({self.new})"
        if self.new is None:
            return f"{self.path}: removed ({self.old})"
        if self.old == self.new:
            return f"{self.path}: changed"
        end = " (needs a restart)" if self.restart else ""
        return f"{self.path}: {self.old} -> {self.new}{end}"


def between(old: Settings, new: Settings) -> list[Change]:
    """Return every change from `old` to `new`: keys of backends and profiles included."""
    return [
        *differences(_shown(old), _shown(new)),
        *_rotated(old.backends, new.backends),
        *_resealed(old, new),
        *_relocked(old.admin_token, new.admin_token),
        *_rekeyed(old.keys, new.keys),
        *_profiles(old.profiles, new.profiles),
    ]


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Return the changes between two mappings as `rows.by_name` makes them.

    A backend that only one of them has is one change, with its URL. Whether a key is another one
    cannot be seen here.
    """
    fixed = {leaf.path for leaf in fields.leaves() if leaf.restart}
    gone, come = _backends(old) - _backends(new), _backends(new) - _backends(old)
    found = [
        *(Change(path=path, old=old[f"{path}.url"], new=None) for path in sorted(gone)),
        *(Change(path=path, old=None, new=new[f"{path}.url"]) for path in sorted(come)),
        *_order(old, new),
    ]
    found += [
        Change(path=path, old=old.get(path), new=new.get(path), restart=path in fixed)
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
        and path != "backends"
        and _owner(path) not in gone | come
        and not (path.endswith(_KEY) and (path not in old or path not in new))
    ]
    return found


def with_fixed(old: Settings, new: Settings) -> Settings:
    """Return `new` with the values of `old` for what only a restart can change."""
    for leaf in fields.leaves():
        if leaf.restart:
            new = _taken(old, new, leaf.path.split("."))
    return new


def _taken(old: Part, new: Part, path: list[str]) -> Part:
    name, *rest = path
    value = getattr(old, name)
    if rest:
        value = _taken(value, getattr(new, name), rest)
    return msgspec.structs.replace(new, **{name: value})


def _shown(settings: Settings) -> dict[str, str]:
    found = ((row.path, row.value) for row in rows(settings, {}) if row.value is not None)
    return {path: value for path, value in by_name(found).items() if not path.endswith(_KEY)}


def _backends(shown: Mapping[str, str]) -> set[str]:
    return {path.removesuffix(_NAME) for path in shown if _is_name(path)}


def _is_name(path: str) -> bool:
    return path.startswith(_BACKEND) and path.endswith(f"]{_NAME}")


def _owner(path: str) -> str:
    """Return the backend a path belongs to, or an empty string."""
    return path[: path.rindex("]") + 1] if path.startswith(_BACKEND) else ""


def _order(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    before = [value for path, value in old.items() if _is_name(path) and path in new]
    after = [value for path, value in new.items() if _is_name(path) and path in old]
    if before != after:
        yield Change(path="backends", old=", ".join(before), new=", ".join(after))


def _rotated(old: Iterable[BackendSettings], new: Iterable[BackendSettings]) -> Iterator[Change]:
    before = {backend.name: backend.api_key for backend in old}
    for backend in new:
        known = before.get(backend.name, backend.api_key)
        if backend.name in before and known != backend.api_key:
            path = f"backends[{backend.name}]{_KEY}"
            yield Change(path=path, old=_masked(known), new=_masked(backend.api_key))


def _resealed(old: Settings, new: Settings) -> Iterator[Change]:
    """Yield where files of TLS have other contents; other paths are told as such."""
    before, after = _sealed(old), _sealed(new)
    for path, tls in after.items():
        known = before.get(path, tls)
        same = msgspec.structs.replace(known, seal=None) == msgspec.structs.replace(tls, seal=None)
        if same and known.seal != tls.seal:
            yield Change(path=path, old=_FILES, new=_FILES)


def _sealed(settings: Settings) -> dict[str, BackendTls | ListenerTls]:
    found: dict[str, BackendTls | ListenerTls] = {
        f"backends[{backend.name}].tls": backend.tls for backend in settings.backends
    }
    return found | {"tls.listen": settings.tls.listen, "tls.admin": settings.tls.admin}


def _rekeyed(old: Keys, new: Keys) -> Iterator[Change]:
    for name, one in new.clients.items():
        before = old.clients.get(name)
        if before is not None and None not in {before.key, one.key} and before.key != one.key:
            yield Change(path=f"keys.clients.{name}.key", old=text.MASK, new=text.MASK)


def _relocked(old: Secret | None, new: Secret | None) -> Iterator[Change]:
    if None not in {old, new} and old != new:
        yield Change(path="admin_token", old=text.MASK, new=text.MASK)


def _masked(key: Secret | None) -> str:
    return "null" if key is None else text.MASK


def _profiles(old: Profiles | None, new: Profiles | None) -> Iterator[Change]:
    before = {} if old is None else old.engines
    after = {} if new is None else new.engines
    for kind in sorted({*before, *after}):
        if before.get(kind) is not after.get(kind):
            yield Change(
                path=f"profiles[{kind}]",
                old=kind if kind in before else None,
                new=kind if kind in after else None,
            )
