"""All that a call may touch on its way, put together by boot: the page to read first.

    edge/server -> intake -> attempts -> core/selection -> upstream/exchange -> relay -> finish

A watercourse has one bed for many waters: one `Course` serves all calls of a process. It holds no
decision of its own; what it knows about time and chance was handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from proxy.core import headers, retry, selection
from proxy.core.admission import Queues
from proxy.core.backend import Backend
from proxy.core.call import Call
from proxy.core.catalog import Directory
from proxy.core.failure import Failure
from proxy.core.wheel import Wheel
from proxy.dialects.base import Engine
from proxy.dialects.openai_api import Operation
from proxy.settings.schema import Timeouts
from proxy.upstream.pool import Pool

if TYPE_CHECKING:
    from proxy.flow.attempts import Attempts


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


class Request:
    """What the edge has validated of a request head; shared by all calls with the same head.

    `line` is the request line for the engine. `request_id` is the client's own, if it is usable.
    """

    __slots__ = (
        "_fields",
        "_rendered",
        "content_type",
        "line",
        "operation",
        "pin",
        "priority",
        "request_id",
        "scope",
        "session",
        "timeout",
    )

    def __init__(self, operation: Operation, fields: Sequence[headers.Field]) -> None:
        self.operation = operation
        self.line = b"POST %b HTTP/1.1\r\n" % operation.path.encode()
        self.request_id: str | None = None
        self.session: str | None = None
        self.pin: str | None = None  # the backend the client insists on, or else the scope
        self.scope: str | None = None  # the path began with /to/ and this
        self.priority = 0
        self.timeout = 0.0  # seconds for the whole call; 0 = what the settings say
        self.content_type = b""
        self._fields = fields
        self._rendered: dict[str, bytes] = {}

    def fields_for(self, engine: Engine) -> bytes:
        """Return the header lines `engine` is to see; rendered once per engine kind."""
        rendered = self._rendered.get(engine.name)
        if rendered is None:
            kept = [field for field in self._fields if field[0] not in engine.dropped_headers]
            rendered = self._rendered[engine.name] = headers.render(kept)
        return rendered


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
    """What belongs to one backend on its engine's side. `engine` changes when it is recognised."""

    __slots__ = ("engine", "pool")

    def __init__(self, pool: Pool, engine: Engine) -> None:
        self.pool = pool
        self.engine = engine


class Course:
    """What calls share. Attributes are set by boot and read by flow."""

    __slots__ = (
        "_budgets",
        "_merged",
        "_timeouts_for",
        "calls",
        "directory",
        "draining",
        "common_paths",
        "estimator",
        "later",
        "now",
        "observers",
        "queue_timeout",
        "queues",
        "random",
        "retry",
        "selector",
        "sides",
        "started",
        "suspect",
        "unheard",
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
    ) -> None:
        self.directory = directory
        self.selector = selector
        self.queues = queues
        self.sides = sides
        self.common_paths = common_paths  # every engine kind may be sent these
        self.now = now
        self.random = random
        self.later = later  # calls back after so many seconds: the back-off before a retry
        self._timeouts_for = timeouts_for
        self._merged: dict[tuple[str, str], Timeouts] = {}  # (model, backend) -> merged
        self.queue_timeout = queue_timeout
        self.observers: tuple[Observer, ...] = ()
        self.started: Callable[[], None] = _nothing  # counts a call that begins
        self.unheard: Callable[[], Sequence[str]] = tuple  # backends whose models are not known yet
        self.suspect: Callable[[Backend], None] = _nobody  # wakes the prober: a call failed there
        self.retry = retry.Policy()
        self._budgets: dict[str, retry.Budget] = {}
        self.estimator = Estimator()
        self.wheel = Wheel(now())
        self.calls: set[Attempts] = set()  # every call under way
        self.draining = False

    def budget_of(self, model: str) -> retry.Budget:
        """Return the retry budget of a model; names come from the catalog, so there are few."""
        budget = self._budgets.get(model)
        if budget is None:
            budget = self._budgets[model] = retry.Budget(self.retry)
        return budget

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


def _nothing() -> None:
    return None
