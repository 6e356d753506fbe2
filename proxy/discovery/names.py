"""A DNS source: look a name up, again and again; dnspython's answers become ours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.rdtypes.IN.SRV
import dns.resolver
import msgspec

from proxy.discovery.finding import Finding
from proxy.discovery.records import Answer, Lookout, Target
from proxy.settings.discovery import DnsSource, Record

LIFETIME: Final = 5.0  # seconds for one look, all servers and tries included

Sleep = Callable[[float], Awaitable[None]]


async def follow(
    source: DnsSource, told: Callable[[Finding], None], sleep: Sleep = asyncio.sleep
) -> None:
    """Look `source` up for ever."""
    resolver: dns.asyncresolver.Resolver | None = None
    lookout = Lookout(source)
    while True:
        try:
            if resolver is None:
                resolver = await asyncio.to_thread(_resolver, source.resolver)
            answer = await _asked(resolver, source)
        except (dns.exception.DNSException, OSError) as error:
            answer = _unanswered(source, error)
        told(lookout.took(answer))
        await sleep(lookout.wait(answer))


def _resolver(server: str | None) -> dns.asyncresolver.Resolver:
    if server is None:
        return dns.asyncresolver.Resolver()  # reads resolv.conf: in a thread
    host, _, port = server.rpartition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [host.strip("[]")]
    resolver.port = int(port)
    return resolver


async def _asked(resolver: dns.asyncresolver.Resolver, source: DnsSource) -> Answer:
    kind = source.record.value.upper()
    try:
        found = await resolver.resolve(source.name, kind, search=True, lifetime=LIFETIME)
    except dns.resolver.NXDOMAIN:
        return Answer(problem=f"DNS knows no {source.name}: is the name right, the Service there?")
    except dns.resolver.NoAnswer:
        return Answer(problem=f"{source.name} has no {kind} record: is `record` right?")
    targets = tuple(_target(source.record, record) for record in found)
    usable = tuple(one for one in targets if one.host)
    if source.record is Record.SRV and source.resolver is not None:
        usable = tuple(await asyncio.gather(*(_met(resolver, one) for one in usable)))
    return Answer(targets=usable, ttl=float(found.rrset.ttl if found.rrset else 0))


async def _met(resolver: dns.asyncresolver.Resolver, target: Target) -> Target:
    """Return a target with its address, if the server that named it has one.

    The system need not know such a name: Consul's, for one, are known to Consul only.
    """
    for kind in ("A", "AAAA"):
        try:
            found = await resolver.resolve(target.host, kind, search=False, lifetime=LIFETIME)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
        return msgspec.structs.replace(target, address=min(one.to_text() for one in found))
    return target


def _target(kind: Record, record: dns.rdata.Rdata) -> Target:
    if kind is not Record.SRV:
        return Target(host=record.to_text())
    assert isinstance(record, dns.rdtypes.IN.SRV.SRV)
    return Target(
        host=record.target.to_text(omit_final_dot=True).rstrip("."),
        port=record.port,
        priority=record.priority,
        weight=record.weight,
    )


def _unanswered(source: DnsSource, error: Exception) -> Answer:
    if isinstance(error, dns.resolver.LifetimeTimeout):
        reason = f"none within {LIFETIME:g} s"  # its own words have times in them: new each time
    else:
        reason = str(error).rstrip(".") or type(error).__name__
    return Answer(known=False, problem=f"no answer from DNS for {source.name}: {reason}")
