"""From a profile to the record the proxy works with: data becomes functions, once, at the start."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from proxy.dialects import claims, conditions, gauges, listing
from proxy.dialects.base import (
    MISSING_PATH,
    Capacity,
    Details,
    Engine,
    Gauge,
    Probe,
    Reply,
    no_condition,
)
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.pointers import judge, parsed, total
from proxy.dialects.profile import ASKED, Condition, Profile, Ready, Resume
from proxy.dialects.profile import Capacity as CapacityData
from proxy.dialects.profile import Probe as ProbeData

_WORDS: Final = MappingProxyType(
    {
        Condition.AUTH: "needs credentials",
        Condition.LOADING: "loading",
        Condition.SLEEPING: "sleeping",
        Condition.DRAINING: "draining",
        Condition.OVERLOADED: "overloaded",
        Condition.DEAD: "the engine behind it has died",
    }
)


def engine(profile: Profile) -> Engine:
    """Return the record of a profile that has no flaws.

    A GET that costs more than a place in the engine's queue is left out: it stands in the profile
    for people to read.
    """
    confirm = tuple(
        Probe(path=probe.get, judge=partial(judge, probe.expect))
        for probe in profile.identity.confirm
    )
    return Engine(
        name=profile.profile,
        title=profile.title,
        profile=profile,
        ports=profile.identity.ports,
        ready=_ready(profile.ready),
        operations=frozenset(profile.operations).intersection(OPERATIONS),
        paths=MappingProxyType({path: o.path for path, o in profile.operations.items() if o.path}),
        resumes=_resumes(profile),
        read_models=listing.reader(profile.models, profile.naming),
        models_path=profile.models.get,
        details=tuple(
            Details(path=more.get, merge=listing.merger(more))
            for more in profile.models.details
            if more.cost in ASKED
        ),
        capacity=_capacity(profile.capacity),
        load=tuple(
            Gauge(path=source.get, read=gauges.reader(source))
            for source in profile.load
            if source.cost in ASKED
        ),
        keep_alive=profile.client.idle,
        max_requests=profile.client.max_requests,
        max_body=profile.client.max_body,
        done_required=profile.stream.done,
        condition=conditions.reader(profile.errors) if profile.errors else no_condition,
        stream_upstream=profile.cancel.stream_upstream,
        dropped_headers=frozenset(name.encode() for name in profile.headers.drop),
        hidden_headers=frozenset(name.encode() for name in profile.headers.hide),
        sign=claims.sign(profile.identity, confirm),
    )


def _resumes(profile: Profile) -> Mapping[str, Resume]:
    ways = {path: operation.resume for path, operation in profile.operations.items()}
    return MappingProxyType({path: way for path, way in ways.items() if way is not Resume.NO})


def _ready(ready: Ready) -> tuple[Probe, ...]:
    condition = conditions.reader(ready.conditions)
    return tuple(
        Probe(path=probe.get, judge=_readiness(probe, condition))
        for probe in ready.probes
        if probe.cost in ASKED
    )


def _readiness(
    probe: ProbeData, condition: Callable[[int, bytes], Condition | None]
) -> Callable[[Reply], str]:
    """Return the judge of a readiness probe: a condition of the engine goes before the rest."""

    def judged(reply: Reply) -> str:
        reason = judge(probe.expect, reply)
        if reply.status in MISSING_PATH:
            return reason
        found = condition(reply.status, reply.body)
        if found is None or found not in _WORDS:
            return reason
        word = _WORDS[found]
        return f"{word} ({reason})" if reason and word not in reason.lower() else reason or word

    return judged


def _capacity(data: CapacityData | None) -> Capacity | None:
    if data is None or data.cost not in ASKED:
        return None

    def read(reply: Reply) -> int | None:
        told = total(parsed(reply), (data.at,)) if reply.status == 200 else None
        return int(told) if told is not None and told >= 1 else None

    return Capacity(path=data.get, read=read)
