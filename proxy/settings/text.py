"""How each kind of value is written: text to value, value to text, and what is allowed.

One reader and one writer for each `unit` of `fields.Leaf`. Text comes from the file, the
environment or a flag alike; nothing here knows which. Secrets are read by `secrets`, since they
need more than their own text.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from proxy.core import networks
from proxy.dialects.flaws import NAME
from proxy.settings import address, units
from proxy.settings.fields import Leaf
from proxy.settings.keys import moment
from proxy.settings.problems import suggestion
from proxy.settings.profiles import Profiles

AUTO: Final = "auto"
MASK: Final = "***"
_NONE: Final = "[]"  # the list without items, as a variable may have it
READ: Final = frozenset({"networks", "origins"})  # units of lists whose items `read` reads
SECRET: Final = frozenset({"secret", "headers"})  # units whose values are never shown

# What one of several is called.
LISTS: Final = {
    "names": "the name of a model",
    "files": "the path of a file",
    "hashes": "the hash of a key",
    "keys": "the name of a key",
}

# Stands in headers, metric labels and URLs; 253 characters of host, a colon and a port must fit.
_NAME: Final = re.compile(r"[A-Za-z0-9._:@\[\]-]{1,260}")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})")
_MODE: Final = re.compile(r"0?[0-7]{3}")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._\[\]:-]+")
_ENDPOINT: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_LABEL: Final = re.compile(r"[A-Za-z0-9._:@/-]{1,100}")
_USERINFO: Final = re.compile(r"^.*:.*@")


def read(leaf: Leaf, text: str) -> Any:  # noqa: ANN401  each unit has its own type
    """Return the value that `text` stands for; ValueError is the hint, and may be empty."""
    value = _READERS[leaf.unit](leaf, text)
    if leaf.low is not None and value < leaf.low:
        raise ValueError(leaf.hint)
    if leaf.high is not None and value > leaf.high:
        raise ValueError(leaf.hint)
    return value


def show(leaf: Leaf, value: Any) -> str:  # noqa: ANN401  as above
    """Return `value` as `read` would take it; a secret becomes `***`."""
    if value is None:
        return "null"
    match leaf.unit:
        case "duration":
            return units.show_duration(value)
        case "size":
            return units.show_size(value)
        case "secret" | "headers":
            return quoted(MASK)
        case "bool":
            return "true" if value else "false"
        case "float" | "int" | "workers":
            value = value or (AUTO if leaf.unit == "workers" else value)
            return f"{value:g}" if isinstance(value, float) else str(value)
        case "names" | "files" | "hashes" | "keys" | "networks" | "origins":
            return "[" + ", ".join(map(quoted, value)) + "]"
        case _:
            return quoted(str(value))


def allowed(leaf: Leaf) -> str:
    """Return what may be written, in a few words for a person."""
    if leaf.choices:
        return ", ".join(leaf.choices)
    words = _WORDS.get(leaf.unit, "")
    if leaf.unit == "workers":
        return f"{words} 1 to {leaf.high:g}"
    if leaf.low is not None and leaf.high is not None:
        low, high = show(leaf, leaf.low), show(leaf, leaf.high)
        span = low if low == high else f"{low} to {high}"
        words = f"{words} {span}".strip()
    return f"{words}, or null" if leaf.nullable and words else words


def masked(text: str) -> str:
    """Return `text` as a message may quote it: without the user part of a URL, and not endless."""
    text = _USERINFO.sub(f"{MASK}@", text)
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def as_name(text: str) -> str:
    """Return `text` as the name of a backend: what may not stand in one becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9._:@\[\]-]", "-", text)


def quoted(text: str) -> str:
    """Return `text` as a YAML scalar: bare if it cannot be taken for anything else."""
    bare = re.fullmatch(r"[A-Za-z/][A-Za-z0-9._/+-]*", text)
    if bare and text.lower() not in {*_BOOLEANS, "null", "y", "n"}:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _int(_leaf: Leaf, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("write a whole number")
    return int(text)


def _workers(leaf: Leaf, text: str) -> int:
    if text == AUTO:
        return 0
    count = _int(leaf, text)
    if not count:
        raise ValueError("at least one must serve")
    return count


def _float(_leaf: Leaf, text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("write a number such as 1 or 0.5")
    return float(text)


def _bool(_leaf: Leaf, text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError from None


def _choice(leaf: Leaf, text: str) -> Any:  # noqa: ANN401  a member of the leaf's enum, or the word
    if text in leaf.choices:
        return leaf.enum(text) if leaf.enum else text
    raise ValueError(suggestion(text, leaf.choices))


def _type(leaf: Leaf, text: str) -> str:
    # Profiles of the user's own may add kinds: whether there is such a one is for `rules` to say.
    if not NAME.fullmatch(text):
        raise ValueError(suggestion(text, leaf.choices))
    return text


def _name(_leaf: Leaf, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name stands in headers, metrics and URLs")
    return text


def nameable(name: str) -> bool:
    """Tell whether something that its owner names may have this name."""
    return 0 < len(name) <= 256 and name.isprintable()


def _text(_leaf: Leaf, text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("it must be printable and not empty")
    return text


def _label(_leaf: Leaf, text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ValueError("it stands in metrics and logs")
    return text


def _date(_leaf: Leaf, text: str) -> str:
    moment(text)
    return text


def _files(leaf: Leaf, text: str) -> tuple[str, ...]:
    if text == "[]":
        return ()
    return tuple(_text(leaf, name.strip()) for name in text.split(","))


def _endpoint(_leaf: Leaf, text: str) -> str:
    if not _ENDPOINT.fullmatch(text):
        raise ValueError("write http://host:4318, with a path if there is one")
    # The path of the signal is added: who writes it out means the same.
    return text.rstrip("/").removesuffix("/v1/traces").rstrip("/")


def _mode(_leaf: Leaf, text: str) -> str:
    if not _MODE.fullmatch(text):
        raise ValueError('write "0660" for owner and group, "0666" for all')
    return text


def _networks(_leaf: Leaf, text: str) -> tuple[str, ...]:
    """Read one network, or several with commas or spaces between them, as a variable has them."""
    return tuple(str(networks.network(one)) for one in _several(text))


def _origins(_leaf: Leaf, text: str) -> tuple[str, ...]:
    found = _several(text)
    for one in found:
        if one != "*" and not _ORIGIN.fullmatch(one):
            raise ValueError("write it as a browser does: https://host, without a path")
    return tuple(found)


def _several(text: str) -> list[str]:
    return [] if text.strip() == _NONE else re.split(r"[\s,]+", text.strip())


def _url(_leaf: Leaf, text: str) -> str:
    return address.backend_url(address.backend(text))


_READERS: Final[dict[str, Callable[[Leaf, str], Any]]] = {
    "address": lambda _leaf, text: address.listening(text),
    "bool": _bool,
    "choice": _choice,
    "date": _date,
    "duration": lambda _leaf, text: units.duration(text),
    "endpoint": _endpoint,
    "float": _float,
    "files": _files,
    "folder": lambda leaf, text: Profiles(folder=_text(leaf, text)),
    "int": _int,
    "label": _label,
    "mode": _mode,
    "name": _name,
    "networks": _networks,
    "origins": _origins,
    "path": _text,
    "size": lambda _leaf, text: units.size(text),
    "text": _text,
    "type": _type,
    "url": _url,
    "workers": _workers,
}
_WORDS: Final = {
    "address": "host:port, [ipv6]:port or unix:/path",
    "bool": "true or false",
    "date": "a day or a time",
    "endpoint": "http:// or https://, host, port and path",
    "headers": "name=value,name=value",
    "mode": "three octal digits",
    "name": "letters, digits or any of . _ : @ [ ] -",
    "label": "letters, digits or any of . _ : @ / -",
    "names": "a model, or a list of models",
    "keys": "the name of a key, or a list of names",
    "hashes": "sha256: and 64 hexadecimal digits, or a list of them",
    "files": "a file, or a list of files",
    "networks": "an address or a network in CIDR form, or a list of them",
    "origins": "*, or scheme://host[:port], or a list of them",
    "folder": "the path of a folder",
    "path": "the path of a file",
    "secret": "printable ASCII without spaces",
    "text": "printable characters",
    "url": "http://host:port, https://host:port, either with a path, or unix:///path",
    "workers": "auto, or",
}
