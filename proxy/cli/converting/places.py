"""Addresses and keys as other proxies write them, in our way of writing."""

import re
from typing import Final

import msgspec

from proxy.settings import address

_ENVIRON: Final = re.compile(r"os\.environ/(\w+)")
_UNIT: Final = re.compile(r"([0-9.]+) *([kmg]i?b|b)?", re.IGNORECASE)
_FACTOR: Final = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}


def engine(url: str, kind: str | None) -> address.Address:
    """Return where an engine of a kind is; ValueError says what is wrong with the URL.

    Docker Model Runner is known by the base URL of its API elsewhere, by its address to us.
    """
    there = address.backend(url)
    if kind == "dmr" and (there.below == "/engines" or there.below.startswith("/engines/")):
        return msgspec.structs.replace(there, below="")
    return there


def credential(text: str) -> str:
    """Return a key as `api_key` takes it: from the environment where it was."""
    return _ENVIRON.sub(r"${\1}", text)


def size(value: object) -> int | None:
    """Return a size in bytes, from a number or from `50MB`; None if it is neither."""
    match = _UNIT.fullmatch(str(value).strip())
    if match is None:
        return None
    unit = (match[2] or "").lower().replace("i", "")
    return int(float(match[1]) * _FACTOR[unit])


def seconds(value: object) -> str | None:
    """Return a time as settings write it, from a number of seconds or from `1m30s`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return f"{value:g}s"
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)", str(value))
    if not parts or "".join(map("".join, parts)) != str(value).strip():
        return None
    if len(parts) == 1:
        return "".join(parts[0])
    factor = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    return f"{sum(float(number) * factor[unit] for number, unit in parts):g}s"
