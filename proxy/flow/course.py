"""All that a call may touch on its way, put together by boot: the page to read first.

    edge/server -> intake -> attempts -> core/selection -> upstream/exchange -> relay -> finish

A watercourse has one bed for many waters: one `Course` serves all calls of a process. It holds no
decision of its own; what it knows about time and chance was handed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET, UnsetType

from proxy.core import headers, retry, selection
from proxy.core.account import Account
from proxy.core.admission import Queues
from proxy.core.backend import Backend
from proxy.core.call import Call
from proxy.core.catalog import Directory
from proxy.core.failure import Failure
from proxy.core.keys import Key, Ring
from proxy.core.traceparent import Parent
from proxy.core.wheel import Wheel
from proxy.dialects.base import Engine
from proxy.dialects.openai_api import Operation
from proxy.flow import ways
from proxy.flow.skimming import Skims
from proxy.settings.schema import Timeouts
from proxy.upstream.pool import Pool

if TYPE_CHECKING:
    from proxy.core.catalog import Target
    from proxy.flow.attempts import Attempts


CONTINUE_ROOM = 1024 * 1024
Maker = Callable[["Course", Call, "Client", "Request", "tuple[Target, ...]"], "Attempts"]

MAX_WAYS = 1024  # more than there are backends, engines that were replaced included
# What the edge found in the head of a request, besides its operation and the fields for engines.
_JUDGED = (
    "content_type",
    "continues",
    "credentials",
    "known",
    "model_at",
    "pin",
    "priority",
    "query",
    "request_id",
    "scope",
    "secret",
    "session",
    "threads",
    "timeout",
)


class Client(Protocol):
    """The client's side of a call, as flow sees it; `edge` fulfils it."""

    http10: bool  # cannot read chunked framing
    closing: bool  # the connection ends with this answer
    write: Callable[[bytes], None]

    def refuse(self, call: Call, failure: Failure) -> None:
        """Answer with an error that says what went wrong; the call has ended."""

    def answered(self, *, whole: bool) -> None:
        """Take the connection back: with `whole` it may carry the next request, else it closes."""


class Observer(Protocol):
    """Who is told about calls. Every method returns fast and never raises."""

    def attempt_failed(self, call: Call, failure: Failure, *, retried: bool) -> None:
        """Hear of an attempt that did not serve its call."""

    def finished(self, call: Call) -> None:
        """Hear of a call that has ended; its facts are final."""


class Guarding(Protocol):
    """Who knows the keys of clients; `flow/guard` fulfils it."""

    def admit(self, call: Call, request: "Request") -> Failure | None:
        """Let a call begin, or return why not. Its model and its estimated work are known."""

    def admit_passage(self, call: Call, request: "Request", model: str) -> Failure | None:
        """Let begin what passes through unread."""

    def find(self, secret: bytes) -> tuple[Key, float | None] | Failure:
        """Return the key of a secret and until when it counts, or why it does not."""

    def permits(self, fields: Iterable[headers.Field]) -> Callable[[str], bool]:
        """Return what tells which models the sender of these header fields may use."""


class Choosing(Protocol):
    """Knows which calls are driven in another way; `flow/hedging` and `flow/early` fulfil it."""

    def maker(self, make: "Maker", request: "Request", call: Call) -> "Maker":
        """Return what drives a call: `make`, or the same with something more."""


class Recording(Protocol):
    """Knows which calls have their words noted; `flow/recording` fulfils it."""

    def client(self, client: "Client", request: "Request", call: Call) -> "Client":
        """Return the client of a sampled call: itself, or one whose answer is heard."""


class Request:
    """What the edge has validated of a request head; shared by all calls with the same head.

    `request_id` is the client's own, if it is usable.
    """

    __slots__ = (
        "_fields",
        "content_type",
        "continues",
        "credentials",
        "known",
        "model_at",
        "operation",
        "parent",
        "pin",
        "priority",
        "query",
        "request_id",
        "scope",
        "secret",
        "session",
        "threads",
        "timeout",
        "translates",
        "ways",
    )

    def __init__(self, operation: Operation, fields: Sequence[headers.Field]) -> None:
        self.operation = operation
        self.request_id: str | None = None
        self.session: str | None = None
        self.pin: str | None = None  # the backend the client insists on, or else the scope
        self.scope: str | None = None  # the path began with /to/ and this
        self.parent: Parent | UnsetType | None = UNSET  # of the client's trace; by `tracing`
        self.priority = 0
        self.query = ""  # goes on to an engine that has the path
        self.continues: bool | None = None  # a broken stream goes on elsewhere; None = unsaid
        self.threads = False  # the body may ask for a turn of a conversation that is kept
        self.timeout = 0.0  # seconds for the whole call; 0 = what the settings say
        self.content_type = b""
        self.credentials = False  # those of the client are passed on to engines
        self.secret = b""  # the key the client presents, while keys are needed
        self.model_at: tuple[int, int] | None = None  # in the body, where it was read in steps
        self.known: tuple[Ring, Account, float | None] | None = None  # by `guard`
        self._fields = fields
        self.translates = operation.translates
        self.ways: dict[object, ways.Way] = {}  # by `Side.mark`; filled by `way_to`

    def way_to(self, side: "Side") -> ways.Way:
        """Work out what the engine of `side` is sent, once for all calls with this head."""
        path, engine = self.operation.path, side.engine
        fields = self.fields_for(side)
        if side.speaks(path):
            way = ways.straight(self.operation, fields, engine, self.query)
        else:
            way = ways.around(fields, engine)
        if len(self.ways) >= MAX_WAYS:
            self.ways.clear()
        self.ways[side.mark] = way
        return way

    @property
    def fields(self) -> Sequence[headers.Field]:
        """Return the client's header fields that engines may see, names in lower case."""
        return self._fields

    def fields_for(self, side: "Side") -> Sequence[headers.Field]:
        """Return them without credentials, if any are passed on, where the engine has a key."""
        if not self.credentials or b"authorization:" not in side.pool.prefix.lower():
            return self._fields
        return headers.without(self._fields, headers.CREDENTIALS)

    def keep(self, credentials: Sequence[headers.Field]) -> None:
        """Pass these fields on, too."""
        self._fields = [*self._fields, *credentials]
        self.credentials = True

    def with_fields(self, fields: Sequence[headers.Field]) -> "Request":
        """Return a copy for one call, with other header fields for the engine."""
        other = Request(self.operation, fields)
        for name in _JUDGED:
            setattr(other, name, getattr(self, name))
        return other


class Estimator:
    """Expected output tokens per model: a moving average of what answers turned out to be."""

    __slots__ = ("_mean",)

    START = 256.0
    GAIN = 0.1

    def __init__(self) -> None:
        self._mean: dict[str, float] = {}

    def expected(self, model: str, limit: float | None) -> float:
        """Return the expected output of a request, in tokens, bounded by its own limit."""
        mean = self._mean.get(model, self.START)
        return mean if limit is None or limit > mean else float(limit)

    def learn(self, model: str, tokens: int) -> None:
        """Take the output of one finished answer into account."""
        mean = self._mean.get(model)
        self._mean[model] = float(tokens) if mean is None else mean + self.GAIN * (tokens - mean)


class Side:
    """What belongs to one backend on its engine's side. `engine` changes when it is recognised.

    `lacks` are paths its kind has and it has not: an older version. `mark` stands for both, and is
    another one whenever either changes.
    """

    __slots__ = ("engine", "lacks", "mark", "pool")

    def __init__(self, pool: Pool, engine: Engine) -> None:
        self.pool = pool
        self.engine = engine
        self.lacks: set[str] = set()
        self.mark = object()

    def recognised(self, engine: Engine) -> None:
        """Take note of what kind of engine it is, perhaps another than before."""
        self.engine = engine
        self.lacks.clear()
        self.mark = object()

    def lacking(self, path: str) -> None:
        """Take note of a path that its kind has and it has not."""
        self.lacks.add(path)
        self.mark = object()

    def speaks(self, path: str) -> bool:
        """Tell whether requests of this path go there as they are."""
        return path in self.engine.operations and path not in self.lacks


class Course:
    """What calls share. Attributes are set by boot and read by flow."""

    __slots__ = (
        "_budgets",
        "_merged",
        "_timeouts_for",
        "alarm",
        "calls",
        "continue_room",
        "continues",
        "directory",
        "draining",
        "early",
        "common_paths",
        "estimator",
        "fingerprint",
        "guard",
        "later",
        "hedges",
        "least_body",
        "missing",
        "now",
        "observers",
        "queue_timeout",
        "queues",
        "random",
        "recorder",
        "reread",
        "retry",
        "selector",
        "session_bound",
        "sides",
        "skims",
        "started",
        "suspect",
        "unheard",
        "wall",
        "wheel",
    )

    def __init__(  # noqa: PLR0913 - the parts of the composition, each by its name
        self,
        *,
        directory: Directory,
        selector: selection.Selector,
        queues: "Queues[Attempts]",
        sides: Mapping[Backend, Side],
        common_paths: frozenset[str],
        now: Callable[[], float],
        random: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
        timeouts_for: Callable[[str, Backend], Timeouts],
        queue_timeout: float,
        least_body: float = inf,
    ) -> None:
        self.directory = directory
        self.selector = selector
        self.session_bound = 0.0  # see `core/affinity`; 0 = sessions count for nothing
        self.fingerprint: Callable[[bytes], str | None] | None = None  # of a conversation
        self.queues = queues
        self.sides = sides
        self.common_paths = common_paths  # every engine kind may be sent these
        self.now, self.random = now, random
        self.later = later  # calls back after so many seconds: the back-off before a retry
        self._timeouts_for = timeouts_for
        self._merged: dict[tuple[str, str], Timeouts] = {}  # (model, backend) -> merged
        self.queue_timeout = queue_timeout
        self.observers: tuple[Observer, ...] = ()
        self.started: Callable[[], None] = _nothing  # counts a call that begins
        self.unheard: Callable[[], Sequence[str]] = tuple  # backends whose models are not known yet
        self.suspect: Callable[[Backend], None] = _nobody  # wakes the prober: a call failed there
        self.reread: Callable[[Backend], None] = _nobody  # reads its models again
        self.alarm: Callable[[Backend, Failure], None] = _unalarmed  # it refuses our key
        self.wall: Callable[[], float] = now  # Unix seconds, for what answers are dated with
        # (backend, its name for a model) -> until when it is left out: it has denied to have it.
        self.missing: dict[tuple[Backend, str], float] = {}
        self.least_body = least_body  # bytes every engine takes
        self.hedges: Choosing | None = None  # None: no model was ever hedged
        self.early: Choosing | None = None  # None: no model was ever committed early
        self.recorder: Recording | None = None  # None: nothing is sampled
        self.continues: Callable[[str], bool] | None = None  # whether streams of a model do
        self.continue_room = CONTINUE_ROOM  # bytes of a request and its answer that are kept for it
        self.retry = retry.Policy()
        self._budgets: dict[str, retry.Budget] = {}
        self.estimator = Estimator()
        self.wheel = Wheel(now())
        self.calls: set[Attempts] = set()  # every call under way
        self.draining = False
        self.skims = Skims(later)  # bodies that are being read
        self.guard: Guarding | None = None  # None: nobody needs a key

    def budget_of(self, model: str) -> retry.Budget:
        """Return the retry budget of a model; names come from the catalog, so there are few."""
        budget = self._budgets.get(model)
        if budget is None:
            budget = self._budgets[model] = retry.Budget(self.retry)
        return budget

    def forget_timeouts(self) -> None:
        """Ask for timeouts anew: the settings have changed."""
        self._merged.clear()

    def timeouts_of(self, model: str, backend: Backend) -> Timeouts:
        """Return what holds for a model on a backend, merged once."""
        key = (model, backend.name)
        merged = self._merged.get(key)
        if merged is None:
            if len(self._merged) >= 4096:
                self._merged.clear()
            merged = self._merged[key] = self._timeouts_for(model, backend)
        return merged


def _nobody(_backend: Backend) -> None:
    return None


def _unalarmed(_backend: Backend, _failure: Failure) -> None:
    return None


def _nothing() -> None:
    return None
