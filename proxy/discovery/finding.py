"""What a source of backends has found: the backends, and what is wrong with the rest."""

from collections.abc import Mapping
from typing import Final

import msgspec

from proxy.dialects.flaws import NAME
from proxy.settings import text
from proxy.settings.discovery import Found
from proxy.settings.schema import BackendSettings

PREFIX: Final = "headrace/"  # of annotations that speak to us


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """All that a source knows now. `problems` are for a person: each says what to do.

    `current` is False while the source cannot be asked: then this is what it said before.
    """

    backends: tuple[BackendSettings, ...] = ()
    current: bool = True
    problems: tuple[str, ...] = ()


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What annotations say of engines; None = nothing. `wrong` tells what could not be read."""

    type: str | None = None
    port: str | None = None
    weight: float | None = None
    priority: int | None = None
    max_in_flight: int | None = None
    wrong: tuple[str, ...] = ()


def notes(*annotations: Mapping[str, str] | None) -> Notes:
    """Read annotations, the later ones winning."""
    said: dict[str, str] = {}
    for some in annotations:
        said |= {
            key.removeprefix(PREFIX): value
            for key, value in (some or {}).items()
            if key.startswith(PREFIX)
        }
    values: dict[str, object] = {}
    wrong = []
    for key, value in sorted(said.items()):
        reader = _READERS.get(key)
        read = reader(value) if reader is not None else None
        if read is not None:
            values[key.replace("-", "_")] = read
        elif reader is not None:
            wrong.append(f"{PREFIX}{key}: {text.masked(value)} is ignored; {_ALLOWED[key]}")
        else:
            known = ", ".join(f"{PREFIX}{one}" for one in _READERS)
            wrong.append(f"{PREFIX}{key} is ignored; there are {known}")
    return Notes(**values, wrong=tuple(wrong))  # type: ignore[arg-type]


def backend(found: Found, said: Notes, *, name: str, url: str) -> BackendSettings:
    """Return an engine that was found; what is said of it wins over what holds for all."""
    return BackendSettings(
        name=text.as_name(name),
        url=url,
        type=found.type if said.type is None else said.type,
        weight=found.weight if said.weight is None else said.weight,
        priority=found.priority if said.priority is None else said.priority,
        max_in_flight=found.max_in_flight if said.max_in_flight is None else said.max_in_flight,
        api_key=found.api_key,
    )


def url(host: str, port: int) -> str:
    """Return the URL of an engine at a name or an address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _type(value: str) -> str | None:
    return value if NAME.fullmatch(value) else None


def _port(value: str) -> str | None:
    return value or None


def _weight(value: str) -> float | None:
    try:
        weight = float(value)
    except ValueError:
        return None
    return weight if 0.01 <= weight <= 1000.0 else None


def _priority(value: str) -> int | None:
    return int(value) if value.isdecimal() and len(value) <= 4 and int(value) <= 1000 else None


def _cap(value: str) -> int | None:
    right = value.isdecimal() and len(value) <= 6 and 1 <= int(value) <= 100_000
    return int(value) if right else None


_READERS: Final = {
    "type": _type,
    "port": _port,
    "weight": _weight,
    "priority": _priority,
    "max-in-flight": _cap,
}
_ALLOWED: Final = {
    "type": "write a kind of engine, such as vllm",
    "port": "write the name or the number of a port",
    "weight": "write a number from 0.01 to 1000",
    "priority": "write a whole number from 0 to 1000",
    "max-in-flight": "write a whole number from 1 to 100000",
}
