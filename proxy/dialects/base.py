"""What an engine kind looks like on the wire, as one record of data and pure readers.

A record is made from a profile (`compiled`): nothing else in the project may ask "is this vLLM?".
The records hold no state and open no sockets; `discovery` sends the requests they name and hands
the replies back to them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from proxy.core.catalog import Model
from proxy.core.reported import Reported
from proxy.dialects.profile import Condition, Profile, Resume

MISSING_PATH = frozenset({404, 405, 501})
NEEDS_CREDENTIALS = frozenset({401, 403})


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One complete answer to a control-plane GET. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """A GET and its judge.

    `judge` returns "" when the reply passes, else a plain reason for a human. It looks at the body
    wherever the engine sends one: some servers answer 200 to every path there is.
    """

    path: str
    judge: Callable[[Reply], str]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The models an engine lists, or the `problem` that made its listing unreadable."""

    models: tuple[Model, ...] = ()
    problem: str = ""


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine tells how many requests it runs at once; `read` gives None if it does not."""

    path: str
    read: Callable[[Reply], int | None]


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """A second GET that enriches a listing. `merge` returns the models unchanged if it cannot."""

    path: str
    merge: Callable[[tuple[Model, ...], Reply], tuple[Model, ...]]


class Gauge(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine tells how busy it is. `read` gives None if the reply does not tell."""

    path: str
    read: Callable[[Reply], Reported | None]


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies an engine when its type is `auto`.

    `claims` looks at a model list and is cheap and generous; `confirm` are further GETs whose
    judges are strict, each asked only if the path before it does not exist. An engine is
    recognised only when both agree. Among several claims the lower `rank` is confirmed first: 0
    for a mark nobody else bears, higher for weaker ones.
    """

    claims: Callable[[Reply], bool]
    confirm: tuple[Probe, ...]
    rank: int = 0


def no_condition(_status: int, _body: bytes) -> Condition | None:
    """Return None: this engine's status codes mean what they say."""
    return None


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the proxy knows about one engine kind.

    name: the value of the `type` setting.
    profile: the data all of this was made from.
    ports: usual local TCP ports, a hint for the search on this machine.
    ready: readiness probes in order; the next is asked only if the path does not exist.
    operations: client-side POST paths this engine may be sent. All others are refused.
    paths: the engine's own path for those of `operations` where it differs.
    resumes: how it goes on with an answer of another engine, for those of `operations` it can.
    read_models: reader of the reply to `models_path`.
    details: further GETs that enrich the listing, in order.
    capacity, load: where it tells how many requests it can run, and how busy it is.
    keep_alive: seconds an idle connection may be kept; below the engine's own limit.
    max_requests: requests on one connection before it is retired; 0 = no limit.
    max_body: bytes of a request body it takes; 0 = no limit known.
    done_required: a streamed answer without its end marker counts as truncated, however it ended.
    condition: what (status, body) of an error answer means beyond its status; None = no more.
    stream_upstream: ask for a stream even where the client did not: it misses disconnects else.
    dropped_headers: request header names (lower case) this engine must not see.
    hidden_headers: answer header names (lower case) a client must not see; a `*` ends a prefix.
    sign: how it is recognised; None for the generic record that catches the rest.
    """

    name: str
    title: str
    profile: Profile
    ports: tuple[int, ...] = ()
    ready: tuple[Probe, ...]
    operations: frozenset[str]
    paths: Mapping[str, str] = MappingProxyType({})
    resumes: Mapping[str, Resume] = MappingProxyType({})
    read_models: Callable[[Reply], Listing]
    models_path: str = "/v1/models"
    details: tuple[Details, ...] = ()
    capacity: Capacity | None = None
    load: tuple[Gauge, ...] = ()
    keep_alive: float = 4.0
    max_requests: int = 0
    max_body: int = 0
    done_required: bool = True
    condition: Callable[[int, bytes], Condition | None] = no_condition
    stream_upstream: bool = False
    dropped_headers: frozenset[bytes] = frozenset()
    hidden_headers: frozenset[bytes] = frozenset()
    sign: Sign | None = None
