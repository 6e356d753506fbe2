"""A finished run as versioned data: what the tables, the HTML page and `compare` are made from.

`schema` grows when a field changes its meaning; new fields with defaults do not change it. Figures
have the unit their name ends in (`_us`, `_ms`, `_s`, `_mib`, `_share`, `_per_s`).
"""

import msgspec

SCHEMA = 1


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One way the load took. `role`: direct, again (direct a second time), proxy, floor, delay."""

    name: str
    role: str
    url: str = ""
    pids: tuple[int, ...] = ()


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block: a fixed load on one arm. A block with `rejected` counts in no interval."""

    round: int
    arm: str
    rejected: str = ""
    requests: int = 0
    failures: int = 0
    tokens: int = 0
    began_s: float = 0.0
    """After the start of the run."""
    wall_s: float = 0.0
    figures: dict[str, float | None] = {}


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What an arm adds to `figure`: the median of paired differences with its 95 % interval.

    `resolution` is the half width of what direct against itself gave; an effect inside it is not
    distinguishable from nothing.
    """

    figure: str
    arm: str
    direct: float | None
    value: float | None
    added: float | None
    low: float | None
    high: float | None
    resolution: float | None = None
    floor: float | None = None
    rounds: int = 0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of validity, in words."""

    name: str
    passed: bool
    detail: str = ""


class Record(msgspec.Struct, kw_only=True):
    """A whole run of any command."""

    schema: int = SCHEMA
    command: str
    """overhead, run, replay, capacity, faults, fairness, selftest."""
    words: list[str] = msgspec.field(default_factory=list)
    started: str = ""
    """UTC, ISO 8601."""
    seed: int = 0
    facts: dict[str, str] = msgspec.field(default_factory=dict)
    workload: str = ""
    verdict: str = "valid"
    """valid, unresolved (the difference is below what this run can see) or invalid."""
    checks: list[Check] = msgspec.field(default_factory=list)
    arms: list[Arm] = msgspec.field(default_factory=list)
    blocks: list[Block] = msgspec.field(default_factory=list)
    effects: list[Effect] = msgspec.field(default_factory=list)
    figures: dict[str, dict[str, float | None]] = msgspec.field(default_factory=dict)
    """By arm, then figure: over the whole run."""
    histograms: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    """By arm, then figure: HDR V2, compressed, base64; microseconds, three digits."""
    series: dict[str, dict[str, list[float]]] = msgspec.field(default_factory=dict)
    """By name, then column: what plots draw (timelines, memory by streams, search path)."""
    notes: list[str] = msgspec.field(default_factory=list)
    sentence: str = ""
    """The result in one plain sentence."""
