"""Addresses and networks: who is allowed in, and who a request is from behind trusted proxies.

An IPv4 address inside an IPv6 one (::ffff:10.0.0.1, as sockets that take both show it) counts as
the IPv4 address it is. Of `X-Forwarded-For` only what trusted proxies have written counts: every
proxy adds the address it was reached from at the right end, so the list is read from there, and the
first address that is no trusted proxy is the client. What stands left of it the client has written
itself.
"""

import ipaddress
from collections.abc import Iterable, Sequence

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def network(text: str) -> IpNetwork:
    """Read `10.0.0.0/8`, `::1` and the like; ValueError says what is wrong."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        try:
            loose = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is not an IP address or a network in CIDR form") from error
        raise ValueError(f"{text!r} has bits beyond its mask: write {loose}") from error


def address(text: str) -> IpAddress | None:
    """Read an address as sockets and proxies write it, or return None."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    text = text.partition("%")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found if mapped is None else mapped


class Networks:
    """A set of networks."""

    __slots__ = ("_networks",)

    def __init__(self, texts: Iterable[str]) -> None:
        self._networks = tuple(network(text) for text in texts)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, one: object) -> bool:
        return any(one in each for each in self._networks)


def origin(peer: IpAddress, forwarded: Sequence[str], proxies: Networks) -> IpAddress | None:
    """Return who a request is from; None if a trusted proxy has forwarded something unreadable.

    `forwarded` are the values of `X-Forwarded-For`, in their order.
    """
    if peer not in proxies:
        return peer
    hops = [hop for value in forwarded for hop in value.split(",") if hop.strip()]
    here = peer
    for hop in reversed(hops):
        found = address(_without_port(hop.strip()))
        if found is None:
            return None
        here = found
        if here not in proxies:
            break
    return here


def _without_port(hop: str) -> str:
    """Return a hop without the port that some proxies write: `10.0.0.1:4711`, `[::1]:4711`."""
    if hop.startswith("["):
        return hop[: hop.find("]") + 1] or hop
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
