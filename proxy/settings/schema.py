"""The settings tree: every key with its type, default, bounds and one sentence of meaning.

This is the only place a key exists. The loader walks these structs, `describe` writes the reference
page from them, and the environment names are derived from the paths. `extra["unit"]` says how a key
is written in text: see `proxy.settings.fields`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from proxy.core import admission
from proxy.core.catalog import Model, Unify, chosen
from proxy.dialects.base import Engine
from proxy.dialects.registry import ENGINES
from proxy.settings import address
from proxy.settings.access import AdminToken, AdminTokenFile, Allow, Cors, SocketMode
from proxy.settings.address import Address
from proxy.settings.balancing import BalanceSettings
from proxy.settings.credential import Secret
from proxy.settings.discovery import Discovery
from proxy.settings.early import Committed
from proxy.settings.hedging import Hedged
from proxy.settings.keys import Keys
from proxy.settings.logging import Log
from proxy.settings.profiles import Profiles, together
from proxy.settings.tls import BackendTls, Tls
from proxy.settings.tracing import Tracing

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
KIB: Final = 1 << 10
MIB: Final = 1 << 20

KNOWN_TYPES: Final = ("auto", *ENGINES)


_QUEUE: Final = admission.Policy()


Listener = Annotated[Address, Meta(extra={"unit": "address"})]
Duration = Annotated[float, Meta(ge=0.0, le=DAY, extra={"unit": "duration"})]
Wait = Annotated[float, Meta(ge=0.001, le=DAY, extra={"unit": "duration"})]
Patience = Annotated[float, Meta(ge=0.1, le=HOUR, extra={"unit": "duration"})]


class PartialTimeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Timeouts of one model or one backend: what is unset comes from the level above."""

    connect: Annotated[Duration | UnsetType, Meta(description="Overrides timeouts.connect.")] = (
        UNSET
    )
    first_token: Annotated[
        Duration | UnsetType, Meta(description="Overrides timeouts.first_token.")
    ] = UNSET
    idle: Annotated[Duration | UnsetType, Meta(description="Overrides timeouts.idle.")] = UNSET
    total: Annotated[Duration | UnsetType, Meta(description="Overrides timeouts.total.")] = UNSET


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long each part of a request may take, in seconds; 0 = no limit."""

    connect: Annotated[
        Duration, Meta(description="Opening a connection to an engine, for each attempt.")
    ] = 2.0
    first_token: Annotated[
        Duration,
        Meta(
            description="From the request being sent to an engine to the first event of a stream,"
            " or to the first byte of a plain answer: the prefill, for each attempt."
        ),
    ] = 600.0
    idle: Annotated[
        Duration, Meta(description="Silence of an engine in the middle of an answer.")
    ] = 120.0
    total: Annotated[
        Duration, Meta(description="The whole request, queueing and all attempts included.")
    ] = 0.0

    def overridden(self, *levels: PartialTimeouts | None) -> "Timeouts":
        """Return these with each level's set values on top, the last level winning."""
        changes = {
            name: value
            for level in levels
            if level is not None
            for name, value in msgspec.structs.asdict(level).items()
            if value is not UNSET
        }
        return msgspec.structs.replace(self, **changes) if changes else self


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may send, and how many may wait. Sizes in bytes, times in seconds."""

    body: Annotated[
        int,
        Meta(
            ge=KIB,
            le=2048 * MIB,
            description="Largest request body; a larger one is answered 413.",
            extra={"unit": "size"},
        ),
    ] = 64 * MIB
    headers: Annotated[
        int,
        Meta(
            ge=KIB,
            le=MIB,
            description="Largest request head, request line and all fields; a larger one is 431.",
            extra={"unit": "size"},
        ),
    ] = 64 * KIB
    header_timeout: Annotated[
        Patience, Meta(description="How long a client may take to send a request head.")
    ] = 10.0
    body_timeout: Annotated[
        Patience,
        Meta(
            description="How long a client may be silent in the middle of a body; after that time"
            " it must also have sent 1 KiB/s on average."
        ),
    ] = 30.0
    queue: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="How many requests for one model may wait for a backend with room; over"
            f" all models {_QUEUE.total} times as many. 0 = none waits: a request"
            " that finds no room is refused at once.",
        ),
    ] = _QUEUE.count
    continuation: Annotated[
        int,
        Meta(
            ge=KIB,
            le=64 * MIB,
            description="How much of one request and the text of its streamed answer is kept so"
            " that another engine can go on with it (models.continue_streams); a longer one is not"
            " continued.",
            extra={"unit": "size"},
        ),
    ] = MIB
    queue_timeout: Annotated[
        Wait, Meta(description="How long a request may wait in the queue.")
    ] = _QUEUE.timeout
    keep_places: Annotated[
        Duration,
        Meta(
            description="While requests wait: for about how long the places that a tenant has been"
            " using at the engines are kept for it, up to an even share. 0 = not at all."
        ),
    ] = _QUEUE.keep


class Drain(msgspec.Struct, frozen=True, kw_only=True):
    """What happens between SIGTERM and the exit, in seconds."""

    delay: Annotated[
        Duration,
        Meta(
            description="How long new requests are still accepted after SIGTERM while /readyz"
            " already says 503, so that load balancers notice first."
        ),
    ] = 5.0
    timeout: Annotated[
        Duration,
        Meta(
            description="How long running requests may go on after that; the rest is ended with an"
            " error event."
        ),
    ] = 300.0


class ServedModels(msgspec.Struct, frozen=True, kw_only=True):
    """Which of an engine's models are served; `*` is any letters, `?` one."""

    include: Annotated[
        tuple[str, ...],
        Meta(
            description="Only models whose names match one of these patterns; none = all.",
            extra={"unit": "names"},
        ),
    ] = ()
    exclude: Annotated[
        tuple[str, ...],
        Meta(
            description="No model whose name matches one of these patterns; this wins.",
            extra={"unit": "names"},
        ),
    ] = ()

    def chosen(self, models: Sequence[Model]) -> tuple[Model, ...]:
        """Return those of `models` that are served."""
        return chosen(models, self.include, self.exclude)


class BackendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One engine."""

    url: Annotated[
        str,
        Meta(
            description="Where the engine listens. A path (https://host/openai) goes before that of"
            " each request; a /v1 at its end is cut off.",
            extra={"unit": "url"},
        ),
    ]
    name: Annotated[
        str,
        Meta(
            description="How logs, metrics and headers call it. Default: host:port of the URL and"
            " its path, or the file name of a Unix socket.",
            extra={"unit": "name"},
        ),
    ] = ""
    type: Annotated[
        str,
        Meta(
            description="The engine's kind, here or of a profile of your own; auto asks it.",
            extra={"unit": "type"},
        ),
    ] = "auto"
    weight: Annotated[
        float, Meta(ge=0.01, le=1000.0, description="Its share of the work within its tier.")
    ] = 1.0
    priority: Annotated[
        int,
        Meta(ge=0, le=1000, description="Its tier: the lowest that can serve gets the work."),
    ] = 0
    enabled: Annotated[
        bool,
        Meta(description="false = out of use: nothing new is sent there, what runs goes on."),
    ] = True
    max_in_flight: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(
            description="How many requests it gets at once; null = as many as the engine says it"
            " can run, else no cap."
        ),
    ] = None
    api_key: Annotated[
        Secret | None,
        Meta(
            description="Sent to it as `Authorization: Bearer`. ${NAME} is replaced from the"
            " environment. Never shown.",
            extra={"unit": "secret"},
        ),
    ] = None
    api_key_file: Annotated[
        str | None,
        Meta(
            description="A file that holds the api_key; read again when it changes. A relative"
            " path starts at the configuration file.",
            extra={"unit": "path"},
        ),
    ] = None
    tls: BackendTls = BackendTls()
    models: ServedModels = ServedModels()
    timeouts: Annotated[PartialTimeouts, Meta(description="Timeouts of this backend only.")] = (
        PartialTimeouts()
    )

    @property
    def address(self) -> Address:
        """Return where to connect to."""
        return address.backend(self.url)


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """What clients may call models, and what holds for one model only."""

    unify: Annotated[
        Unify,
        Meta(
            description="What makes models of several backends one. proof: the name, but not where"
            " content hashes differ, and equal proofs of the weights; names: the name alone."
        ),
    ] = Unify.PROOF
    aliases: Annotated[
        dict[
            str,
            Annotated[
                tuple[str, ...],
                Meta(
                    description="Another name for one model, or for a list of which the first that"
                    " has a ready backend with room serves. `*` is any letters, `?` one.",
                    extra={"unit": "names"},
                ),
            ],
        ],
        Meta(description="Other names that clients may use for models."),
    ] = msgspec.field(default_factory=dict)
    continue_streams: Annotated[
        tuple[str, ...],
        Meta(
            description="Models, by the names clients ask for, whose broken streams another engine"
            " goes on with; `*` and `?` match. `x-headrace-continue: on` or `off` overrides it.",
            extra={"unit": "names"},
        ),
    ] = ()
    commit_early: Committed = msgspec.field(default_factory=dict)
    hedge: Hedged = msgspec.field(default_factory=dict)
    timeouts: Annotated[
        dict[str, PartialTimeouts],
        Meta(
            description="Timeouts of single models, under the engine's name for the model; they win"
            " over those of the backend."
        ),
    ] = msgspec.field(default_factory=dict)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set."""

    listen: Annotated[
        Listener, Meta(description="Where clients connect: host:port, [ipv6]:port or unix:/path.")
    ] = Address(host="127.0.0.1", port=8900)
    admin: Annotated[
        Listener,
        Meta(description="Where health, metrics and status are served; never give it to clients."),
    ] = Address(host="127.0.0.1", port=8901)
    workers: Annotated[
        int,
        Meta(
            ge=0,
            le=64,
            description="Processes that serve clients; auto = one for each core. With more than"
            " one, another two stand behind them: see docs/how-to/use-more-cores.md.",
            extra={"unit": "workers"},
        ),
    ] = 1
    backends: Annotated[
        tuple[BackendSettings, ...],
        Meta(
            description="The engines; none, and no discovery = look for engines on their usual"
            " local ports."
        ),
    ] = ()
    discovery: Discovery = Discovery()
    profiles: Annotated[
        Profiles | None,
        Meta(
            description="A folder with engine profiles of your own (*.yaml): further kinds, or"
            " others in place of those of the same name. A relative path starts at the"
            " configuration file.",
            extra={"unit": "folder"},
        ),
    ] = None
    ollama_admin: Annotated[
        bool,
        Meta(
            description="Let clients pull, push, create, copy and delete models of an Ollama server"
            " and send it blobs; false = 403."
        ),
    ] = False
    socket_mode: SocketMode = None
    admin_token: AdminToken = None
    admin_token_file: AdminTokenFile = None
    allow: Allow = Allow()
    cors: Cors = Cors()
    tls: Tls = Tls()
    models: Models = Models()
    balance: BalanceSettings = BalanceSettings()
    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    drain: Drain = Drain()
    log: Log = Log()
    tracing: Tracing = Tracing()
    keys: Keys = Keys()

    @property
    def engines(self) -> Mapping[str, Engine]:
        """Return every kind of engine there is, by name, the generic one last."""
        return together(self.profiles)

    def timeouts_for(self, model: str, backend: BackendSettings | None = None) -> Timeouts:
        """Return what holds for a model (the engine's name) on a backend: model over backend."""
        return self.timeouts.overridden(
            backend.timeouts if backend is not None else None, self.models.timeouts.get(model)
        )
