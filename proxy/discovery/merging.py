"""Backends of several sources as one list: each engine once, each name once, never ourselves."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from proxy.settings.address import Address
from proxy.settings.schema import BackendSettings


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The backends in use; `problems` tells of those that are not."""

    backends: tuple[BackendSettings, ...]
    problems: tuple[str, ...] = ()


def merged(
    own: Sequence[BackendSettings],
    found: Iterable[tuple[str, Sequence[BackendSettings]]],
    ours: Sequence[Address],
    kinds: Collection[str],
) -> Merged:
    """Return `own` backends and, behind them, those `found` by each source.

    The first one to name an engine has it. A name that is taken gets the address added. What has
    an address of `ours` is left out; a type that is none of `kinds` is found out instead.
    """
    backends = list(own)
    problems: list[str] = []
    places = {one.address: one.name for one in own}
    names = {one.name for one in own}
    for source, some in found:
        for one in some:
            address = one.address
            if address in places or any(each.clashes(address) for each in ours):
                other = places.get(address)
                why = f"it is {other} already" if other else "it is this proxy itself"
                problems.append(f"{source}: {one.name} at {one.url} is left out: {why}")
                continue
            made = one
            if made.type not in kinds and made.type != "auto":
                problems.append(f"{source}: {one.name}: no type {one.type!r}; it is asked instead")
                made = msgspec.structs.replace(made, type="auto")
            if made.name in names:
                made = msgspec.structs.replace(made, name=f"{one.name}@{address}"[-260:])
            places[address] = made.name
            names.add(made.name)
            backends.append(made)
    return Merged(backends=tuple(backends), problems=tuple(problems))
