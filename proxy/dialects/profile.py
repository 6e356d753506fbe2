"""What a profile says about one kind of engine: the schema of the files in `profiles/`.

A profile is data: which answers prove the kind, which questions are harmless, what may be sent
there, how its answers end and fail. What cannot be said as data is a pure function that a profile
names (`weights`, `conditions`). Unknown keys are errors: see `flaws`. `headrace check` reads the
profiles of a user the same way as those that come with the package.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

SCHEMA: Final = 1
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Cost(StrEnum):
    """What a GET costs the engine. Only the first two are ever asked by a program."""

    FREE = "free"
    QUEUE = "queue"  # passes through the engine's own queue of tasks
    GPU = "gpu"  # computes tokens
    WAKES = "wakes"  # loads or wakes a model
    DESTRUCTIVE = "destructive"  # takes data from other readers, or changes the engine


ASKED: Final = frozenset({Cost.FREE, Cost.QUEUE})  # what a program may ask again and again


class Condition(StrEnum):
    """What is the matter with an engine, or with the request it refused."""

    CLIENT = "client"  # the request is wrong: no other engine would take it
    MODEL_MISSING = "model-missing"  # it does not have the model (any more)
    AUTH = "auth"  # it does not accept our key
    LOADING = "loading"
    SLEEPING = "sleeping"
    DRAINING = "draining"  # it is about to stop
    OVERLOADED = "overloaded"
    DEAD = "dead"  # its process answers, its engine is gone


class Type(StrEnum):
    """Kinds of JSON values."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    LIST = "list"
    PRESENT = "present"  # any value, null included


class Weights(StrEnum):
    """How an engine names the weights of a model, if that is a proof: see `weights`."""

    HF = "hf"  # a Hugging Face repository
    GGUF = "gguf"  # a Hugging Face repository and the quantisation of a file in it
    DIGEST = "digest"  # a content hash


class ErrorForm(StrEnum):
    """How an engine reports a failure inside a stream that has begun."""

    EVENT_DONE = "event-done"  # an error event, then the end marker
    EVENT = "event"  # an error event, no end marker
    BREAK = "break"  # the connection breaks
    NOTHING = "nothing"  # the stream ends without its marker


class Comments(StrEnum):
    """When an engine sends comment lines, which are no tokens."""

    NEVER = "never"
    FIRST = "first"  # before the first token
    GAPS = "gaps"  # between tokens only
    ANY = "any"


class Grammar(StrEnum):
    """How names of models are written."""

    FREE = "free"
    OLLAMA = "ollama"  # [host/][org/]model[:tag], `:latest` implied
    DOCKER = "docker"  # the same, and `ai/` implied


class Unknown(StrEnum):
    """What an engine does with a model name it does not have."""

    REFUSES = "refuses"
    IGNORES = "ignores"  # serves what it has
    LOADS = "loads"  # downloads it, or loads it in place of another
    FALLS_BACK = "falls-back"


class Stops(StrEnum):
    """Whether work ends when the one who asked for it has left."""

    AT_ONCE = "at-once"
    LATE = "late"  # seconds later, or only while the server is quiet
    NEVER = "never"


class Resume(StrEnum):
    """How an engine goes on with an answer that another one has begun."""

    NO = "no"
    TOLD = "told"  # with a last message of the assistant's, if two fields say so
    UNASKED = "unasked"  # with a last message of the assistant's, always
    PROMPT = "prompt"  # with what stands at the end of the prompt


class Surface(StrEnum):
    """A group of paths that pass through unread, see `passages`."""

    FILES = "files"
    BATCHES = "batches"
    RESPONSES = "responses"  # stored ones: read, cancelled and deleted by their id
    REALTIME = "realtime"  # a WebSocket
    OLLAMA_ADMIN = "ollama-admin"


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reply must be. All that is given must hold; pointers are JSON pointers.

    equal, match, has: by pointer, an exact value, a regular expression that a string begins with,
    the type of the value. lacks: what must not be there. text: the whole body, without white space
    around it. empty: the body may be empty too.
    """

    status: tuple[int, ...] = (200,)
    text: str = ""
    empty: bool = False
    equal: Mapping[str, str | int | bool] = _NOTHING
    match: Mapping[str, str] = _NOTHING
    has: Mapping[str, Type] = MappingProxyType({})
    lacks: tuple[str, ...] = ()
    problem: str = ""  # for people: what is wrong if it does not hold


class Probe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A GET and what its reply must be. `cost` is what the author knows that it costs."""

    get: str
    expect: Expect = Expect()
    cost: Cost = Cost.FREE


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What in a model list suggests this engine. All that is given must hold.

    owners: at least one of these stands in `owned_by`. header: by name, a regular expression.
    item: by pointer into the first model, what it must be. tagged: every name has a colon.
    owner_is_model: every model is its own owner. nameless: no model has an owner.
    empty: the list has no models.
    """

    owners: tuple[str, ...] = ()
    header: Mapping[str, str] = _NOTHING
    item: Mapping[str, str | int | bool] = _NOTHING
    tagged: bool = False
    owner_is_model: bool = False
    nameless: bool = False
    empty: bool = False


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the engine is recognised: any claim, no disclaimer, and one confirmation.

    rank: among several claims the lower is confirmed first. 0 is a mark nobody else bears.
    confirm: in order; the next is asked only if the one before does not exist.
    """

    ports: tuple[int, ...] = ()
    rank: int = 0
    claims: tuple[Claim, ...] = ()
    unless_owners: tuple[str, ...] = ()
    unless_headers: tuple[str, ...] = ()
    confirm: tuple[Probe, ...] = ()


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How its connections are used. `idle` is in seconds, `max_body` in bytes; 0 = no limit."""

    idle: float = 4.0
    max_requests: int = 0
    max_body: int = 0


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which condition an answer means: one of the statuses, and one of the words in its body."""

    status: tuple[int, ...]
    means: Condition
    words: tuple[str, ...] = ()


class Ready(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is found out whether the engine takes requests.

    probes: in order; the next is asked only if the path does not exist.
    conditions: what a probe's answer means, the first that fits.
    """

    probes: tuple[Probe, ...]
    conditions: tuple[Rule, ...] = ()


class Fields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an entry tells what, as JSON pointers; the first that holds something usable counts.

    keep: pointers whose values are kept as they are, for listings in the engine's own dialect.
    """

    context: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    weights: Mapping[str, Weights] = MappingProxyType({})
    parameters: tuple[str, ...] = ()
    quantization: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


class Details(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further GET that adds to what the list says.

    items: pointer to its entries; "" = one document that speaks of every model listed.
    id: pointer to the name an entry is about.
    """

    get: str
    items: str = ""
    id: str = "/id"
    fields: Fields
    cost: Cost = Cost.FREE


class Models(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How models are listed."""

    get: str = "/v1/models"
    items: str = "/data"
    id: str = "/id"
    fields: Fields = Fields()
    details: tuple[Details, ...] = ()


class Signals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a source tells how busy the engine is; the first name that is there counts.

    Names of Prometheus series (summed over their labels), or JSON pointers in which `*` stands for
    every element (numbers are summed, `true` counts 1). kv_used is a share from 0 to 1: the
    highest counts.
    """

    running: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    kv_used: tuple[str, ...] = ()
    capacity: tuple[str, ...] = ()


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A GET that tells how busy the engine is. `json`: its pointers, else Prometheus text."""

    get: str
    json: bool = False
    signals: Signals
    cost: Cost = Cost.FREE


class Capacity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the engine tells how many requests it runs at once: a JSON pointer, summed over `*`."""

    get: str
    at: str
    cost: Cost = Cost.FREE


class Operation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A POST path it answers. `path`: its own, if it differs. `since`: the first such version.

    messages: of a tokenizer, that it takes the messages of a chat and not only text.
    resume: how it goes on with an answer that broke off elsewhere.
    """

    path: str = ""
    since: str = ""
    messages: bool = False
    resume: Resume = Resume.NO


class Stream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How streamed answers look."""

    done: bool = True
    error: ErrorForm = ErrorForm.EVENT_DONE
    comments: Comments = Comments.NEVER


class Cancel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether it notices that a client has left, and what the proxy does about it.

    stream_upstream: ask for a stream even where the client did not, since only then the engine
    notices; the proxy puts the answer together.
    """

    stream: Stops = Stops.AT_ONCE
    plain: Stops = Stops.AT_ONCE
    stream_upstream: bool = False


class Auth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys go as `Authorization: Bearer`, which all of them take. `open`: paths that need none."""

    open: tuple[str, ...] = ()


class Headers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Header names, in lower case: `drop` of requests, `hide` of answers (`*` at the end: all)."""

    drop: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()


class Naming(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it takes names of models."""

    grammar: Grammar = Grammar.FREE
    unknown: Unknown = Unknown.REFUSES


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether models come and go: on demand, and asleep."""

    on_demand: bool = False
    sleeps: bool = False


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of engine. `evidence`: what it was learned from, and of which version.

    operations: the allow-list; nothing else is ever sent there.
    passes: what passes through unread besides them.
    never: GETs that must not be asked, with what they cost: no probe of this profile may use one.
    """

    profile: str
    schema: int
    title: str
    evidence: str = ""
    identity: Identity = Identity()
    client: Client = Client()
    ready: Ready
    models: Models = Models()
    capacity: Capacity | None = None
    load: tuple[Source, ...] = ()
    operations: Mapping[str, Operation]
    passes: tuple[Surface, ...] = ()
    stream: Stream = Stream()
    errors: tuple[Rule, ...] = ()
    cancel: Cancel = Cancel()
    auth: Auth = Auth()
    headers: Headers = Headers()
    naming: Naming = Naming()
    lifecycle: Lifecycle = Lifecycle()
    never: Mapping[str, Cost] = MappingProxyType({})

    def gets(self) -> "tuple[tuple[str, str, Cost], ...]":
        """Return every GET a program would ask: where it stands, its path, its cost."""
        probes = [(f"identity.confirm[{n}]", p) for n, p in enumerate(self.identity.confirm)]
        probes += [(f"ready.probes[{n}]", p) for n, p in enumerate(self.ready.probes)]
        found = [(place, probe.get, probe.cost) for place, probe in probes]
        found.append(("models", self.models.get, Cost.FREE))
        found += [
            (f"models.details[{n}]", d.get, d.cost) for n, d in enumerate(self.models.details)
        ]
        if self.capacity is not None:
            found.append(("capacity", self.capacity.get, self.capacity.cost))
        found += [(f"load[{n}]", s.get, s.cost) for n, s in enumerate(self.load)]
        return tuple(found)
