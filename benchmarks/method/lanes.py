"""Lanes: an arm of the experiment with where its requests go.

Direct has several engines behind it and no proxy to choose among them, so the client deals the
requests out itself, one engine after the other. Were all sent to one engine, its bursts (one token
of every running stream at one instant) would be larger than those behind the proxies.
"""

import msgspec

from benchmarks.client.target import Target
from benchmarks.report.record import Arm

DIRECT, AGAIN, PROXY, FLOOR, DELAY = "direct", "again", "proxy", "floor", "delay"  # roles


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """An arm and its targets. `arm.pids` are the roots of the process trees that are measured."""

    arm: Arm
    targets: tuple[Target, ...]

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name
