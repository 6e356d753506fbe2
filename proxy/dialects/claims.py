"""From the identity of a profile to the sign by which an engine is recognised.

A claim may be generous, since a confirmation follows; a disclaimer is final: who bears the mark of
an imitator is not asked at all.
"""

import re

from proxy.dialects.base import Probe, Reply, Sign
from proxy.dialects.models import items, owners
from proxy.dialects.pointers import equal
from proxy.dialects.profile import Claim, Identity


def sign(identity: Identity, confirm: tuple[Probe, ...]) -> Sign | None:
    """Return the sign of a kind; None if it has no claim: then only its name can choose it."""
    if not identity.claims:
        return None
    foreign = frozenset(identity.unless_owners)

    def claims(reply: Reply) -> bool:
        if items(reply) is None or foreign & owners(reply):
            return False
        if any(name in reply.headers for name in identity.unless_headers):
            return False
        return any(holds(claim, reply) for claim in identity.claims)

    return Sign(claims=claims, confirm=confirm, rank=identity.rank)


def holds(claim: Claim, reply: Reply) -> bool:
    """Tell whether a model list bears all marks of a claim."""
    listed = items(reply) or ()
    if claim.empty or not listed:
        return claim.empty and not listed and _heads(claim, reply)
    return (
        _heads(claim, reply)
        and (not claim.owners or bool(owners(reply).intersection(claim.owners)))
        and equal(listed[0], claim.item)
        and (not claim.tagged or all(":" in str(item.get("id")) for item in listed))
        and (not claim.owner_is_model or all(_owns_itself(item) for item in listed))
        and (not claim.nameless or not any("owned_by" in item for item in listed))
    )


def _heads(claim: Claim, reply: Reply) -> bool:
    return all(
        re.match(pattern, reply.headers.get(name, "")) for name, pattern in claim.header.items()
    )


def _owns_itself(item: object) -> bool:
    return isinstance(item, dict) and item.get("id", item) == item.get("owned_by")
