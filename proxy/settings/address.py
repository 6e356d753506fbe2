"""Where to listen and where an engine is: addresses as text and as values.

Knows the written forms and their traps; opens no socket and resolves no name.
"""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

MAX_UNIX_PATH: Final = 107  # sun_path holds 108 bytes on Linux, the last is a NUL

_LABEL: Final = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_LABELS: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_DEFAULT_PORT: Final = {"http": 80, "https": 443}
_VERSION: Final = "/v1"  # what people copy from a client's base URL; a request brings its own
# Segments with something in them, and none that a server would climb up by.
_BELOW: Final = re.compile(
    r"(?:/(?!\.{1,2}(?:/|$))(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*", re.ASCII
)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A TCP address (`host`, `port`; no brackets around IPv6) or, if `path` is set, a Unix socket.

    Port 0 on a listening address lets the system choose. `secure`: TLS is spoken there. `below`:
    the path an engine's own paths stand below, empty for the root.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    secure: bool = False
    below: str = ""

    @property
    def is_unix(self) -> bool:
        """Tell whether this is a Unix socket."""
        return bool(self.path)

    @override
    def __str__(self) -> str:
        """Return the form that `listening` reads back."""
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def clashes(self, other: "Address") -> bool:
        """Tell whether two listeners could not both be opened (0.0.0.0 takes every IPv4 host)."""
        if self.path or other.path:
            return self.path == other.path
        if self.port != other.port or self.port == 0:
            return False
        mine, theirs = _canonical(self.host), _canonical(other.host)
        if mine == theirs:
            return True
        same_family = (":" in mine) == (":" in theirs)
        return same_family and ("0.0.0.0" in {mine, theirs} or "::" in {mine, theirs})  # noqa: S104


def listening(text: str) -> Address:
    """Read `host:port`, `[ipv6]:port` or `unix:/path`; ValueError says what is wrong with it."""
    if text.startswith("unix:"):
        return Address(path=_unix_path(text.removeprefix("unix:").replace("//", "", 1)))
    if "://" in text:
        raise ValueError("an address to listen on has no scheme: write host:port")
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(
            f"the port is missing: write 127.0.0.1:{text}"
            if text.isdigit()
            else "the port is missing"
        )
    if not host:
        raise ValueError(
            f"the host is missing: 127.0.0.1{text} for this machine only, 0.0.0.0{text} for all"
        )
    if ":" in host and not host.startswith("["):
        raise ValueError("an IPv6 address needs brackets: [::1]:8900")
    return Address(host=_host(host), port=_port(port, lowest=0))


def backend(url: str) -> Address:
    """Read an engine's URL, `http(s)://host[:port][/path]` or `unix:///path`.

    A last `/v1` says nothing: every request has its own. ValueError says what is wrong.
    """
    if not url.isprintable() or " " in url:
        raise ValueError("a URL has no spaces and no control characters")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        # Its text may quote a password.
        raise ValueError("not a URL") from error
    known = {*_DEFAULT_PORT, "unix"}
    if parts.scheme not in known or not url.lower().startswith(f"{parts.scheme}://"):
        raise ValueError("the scheme must be http://, https:// or unix://")
    if "?" in url or "#" in url:
        raise ValueError("a backend URL has no query and no fragment")
    if "@" in parts.netloc:
        raise ValueError("no user or password in the URL: set api_key or api_key_file")
    if parts.scheme == "unix":
        if parts.netloc:
            raise ValueError("a Unix socket has three slashes: unix:///run/engine.sock")
        return Address(path=_unix_path(parts.path))
    below = parts.path.rstrip("/").removesuffix(_VERSION)
    if not _BELOW.fullmatch(below):
        raise ValueError("a path has plain segments, without //, . and ..: https://host/openai")
    return msgspec.structs.replace(_http_address(parts.netloc, parts.scheme), below=below)


def backend_url(address: Address) -> str:
    """Write an engine's address as the one URL it is known by."""
    if address.path:
        return f"unix://{address.path}"
    scheme = "https" if address.secure else "http"
    return f"{scheme}://{address}{address.below}"


def _http_address(netloc: str, scheme: str) -> Address:
    secure = scheme == "https"
    host, colon, port = netloc.rpartition(":")
    if not colon or netloc.endswith("]"):
        return Address(host=_host(netloc), port=_DEFAULT_PORT[scheme], secure=secure)
    if ":" in host and not host.startswith("["):
        raise ValueError(f"an IPv6 address needs brackets: {scheme}://[::1]:8000")
    return Address(host=_host(host), port=_port(port, lowest=1), secure=secure)


def _host(text: str) -> str:
    if text.startswith("["):
        if not text.endswith("]"):
            raise ValueError(f"the bracket is not closed in {text!r}")
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError as error:
            raise ValueError(f"{text!r} is not an IPv6 address") from error
    if not _LABELS.fullmatch(text) or len(text) > 253:  # the DNS limit
        raise ValueError(f"{text!r} is not a host name or an IP address")
    if text.replace(".", "").isdigit():
        try:
            ipaddress.IPv4Address(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is not an IPv4 address") from error
    return text.lower()


def _port(text: str, *, lowest: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and lowest <= int(text) <= 65535:
        return int(text)
    raise ValueError(f"the port must be a number from {lowest} to 65535, not {text!r}")


def _unix_path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("the path of a Unix socket must be absolute")
    if len(path.encode()) > MAX_UNIX_PATH:
        raise ValueError(f"the path of a Unix socket has at most {MAX_UNIX_PATH} bytes")
    if not path.isprintable() or path.endswith("/"):
        raise ValueError("the path of a Unix socket must name a file, in printable characters")
    return path


def _canonical(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host
