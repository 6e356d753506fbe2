"""The seals of settings: made from the files that their TLS keys name, or told why they cannot be.

Backends that name the same files share one context.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from proxy.settings import seals
from proxy.settings.problems import DEFAULT
from proxy.settings.reading import Reading
from proxy.settings.schema import BackendSettings, Settings
from proxy.settings.seals import Seal, Unusable
from proxy.settings.tls import BackendTls, ListenerTls

_FILES: Final = ("ca", "certificate", "key", "client_ca")


def secured(settings: Settings, base: Path, reading: Reading) -> Settings:
    """Return `settings` with their seals; what is wrong is noted in `reading`."""
    shared: dict[BackendTls, Seal | None] = {}
    backends = tuple(
        _backend(one, f"backends[{index}].tls", base, reading, shared)
        for index, one in enumerate(settings.backends)
    )
    tls = msgspec.structs.replace(
        settings.tls,
        listen=_listener(settings.tls.listen, "tls.listen", base, reading),
        admin=_listener(settings.tls.admin, "tls.admin", base, reading),
    )
    return msgspec.structs.replace(settings, backends=backends, tls=tls)


def _listener(tls: ListenerTls, path: str, base: Path, reading: Reading) -> ListenerTls:
    files = _files(tls, base, reading)
    certificate = files["certificate"]
    if certificate is None:
        for name in ("key", "client_ca"):
            if files[name] is not None:
                _alone(f"{path}.{name}", reading)
        return tls
    try:
        seal = seals.toward_client(
            certificate=certificate,
            key=files["key"],
            client_ca=files["client_ca"],
            minimum=tls.minimum.value,
        )
    except Unusable as error:
        _note(error, path, reading)
        return tls
    return msgspec.structs.replace(tls, seal=seal)


def _backend(
    one: BackendSettings,
    path: str,
    base: Path,
    reading: Reading,
    shared: dict[BackendTls, Seal | None],
) -> BackendSettings:
    tls = one.tls
    if not one.url.startswith("https:"):
        if one.url:
            _unneeded(tls, path, one.url, reading)
        return one
    if tls not in shared:
        shared[tls] = _toward_engine(tls, path, base, reading)
    return msgspec.structs.replace(one, tls=msgspec.structs.replace(tls, seal=shared[tls]))


def _toward_engine(tls: BackendTls, path: str, base: Path, reading: Reading) -> Seal | None:
    if tls.key is not None and tls.certificate is None:
        _alone(f"{path}.key", reading)
        return None
    if tls.insecure and tls.ca is not None:
        source = reading.origins[f"{path}.insecure"]
        reading.note(f"{path}.insecure", source, "tls.ca is set too", hint="keep one of the two")
        return None
    files = _files(tls, base, reading)
    try:
        return seals.toward_engine(
            ca=files["ca"],
            certificate=files["certificate"],
            key=files["key"],
            server_name=tls.server_name,
            insecure=tls.insecure,
        )
    except Unusable as error:
        _note(error, path, reading)
        return None


def _files(tls: msgspec.Struct, base: Path, reading: Reading) -> Mapping[str, Path | None]:
    """Return the files a group names; they are watched from now on."""
    found: dict[str, Path | None] = {}
    for name in _FILES:
        given = getattr(tls, name, None)
        found[name] = None if given is None else base / given
        if given is not None:
            reading.files.append(base / given)
    return found


def _unneeded(tls: BackendTls, path: str, url: str, reading: Reading) -> None:
    if tls != BackendTls():
        source = next((v for k, v in reading.origins.items() if k.startswith(f"{path}.")), DEFAULT)
        hint = "write https://, or leave tls out"
        reading.note(path, source, f"{url} is not encrypted", hint=hint)


def _alone(path: str, reading: Reading) -> None:
    source = reading.origins[path]
    reading.note(path, source, "there is no certificate beside it", hint="set certificate too")


def _note(error: Unusable, path: str, reading: Reading) -> None:
    where = f"{path}.{error.key}"
    reading.note(where, reading.origins.get(where, DEFAULT), str(error))
