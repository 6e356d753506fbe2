"""Whether all arms can be measured in the same way, found out before any load is sent."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from benchmarks.client.probe import Probed
from benchmarks.client.target import EndpointError, Stamp, Target
from benchmarks.method.lanes import DIRECT, Lane

Probe = Callable[[Target], Awaitable[Probed]]


def known(target: Target, probed: Probed, stamp: Stamp) -> Target:
    """Return the target with what probing found out, stamps read where all arms have them."""
    return msgspec.structs.replace(
        target,
        model=target.model or probed.model,
        ignore_eos=target.ignore_eos and probed.ignore_eos,
        stamp=stamp,
    )


def common_stamp(found: Sequence[tuple[Lane, Stamp]]) -> Stamp:
    """Return where every arm's stamps are. Raises EndpointError if one arm loses them.

    Without stamps on the direct arm there are none to lose: a real engine writes none.
    """
    direct = next((stamp for lane, stamp in found if lane.arm.role == DIRECT), Stamp.NONE)
    for lane, stamp in found:
        if direct is not Stamp.NONE and stamp is not direct:
            raise EndpointError(
                f"{lane.name} writes answers anew and loses the engine's stamps ({direct}): start"
                " the simulated engines with --stamps content, or --stamps sidelog."
            )
    return direct


async def ready(lanes: Sequence[Lane], probe: Probe) -> list[Lane]:
    """Probe every target and return the lanes as they can be measured. Raises EndpointError."""
    found: dict[str, list[Probed]] = {}
    for lane in lanes:
        try:
            found[lane.name] = [await probe(target) for target in lane.targets]
        except EndpointError as problem:
            raise EndpointError(f"{lane.name}: {problem}") from None
    stamp = common_stamp([(lane, probed.stamp) for lane in lanes for probed in found[lane.name]])
    return [
        msgspec.structs.replace(
            lane,
            targets=tuple(
                known(target, probed, stamp)
                for target, probed in zip(lane.targets, found[lane.name], strict=True)
            ),
        )
        for lane in lanes
    ]
