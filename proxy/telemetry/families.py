"""Every metric there is: name, type, labels, buckets, meaning; `metrics_page` shows them.

Names and labels are a contract with dashboards and alerts. Labels are few and bounded: backends
come from the settings, models from the catalog, the rest from tables in `core`.
"""

from collections.abc import Mapping

import msgspec


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One metric family. `name` is as scraped, a counter's `_total` included; `help` one line."""

    name: str
    type: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_PER_MODEL = ("backend", "model")
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
_FIRST_TOKEN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_INTER_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0)
_QUEUE = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)
_OVERHEAD = (25e-6, 50e-6, 1e-4, 2e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.05, 0.1, 1.0)

REQUESTS = Family(
    name="headrace_requests_total",
    type="counter",
    labels=("backend", "model", "status", "end"),
    help="Ended requests by the status the client got (0: nothing was sent) and end code.",
)
DURATION = Family(
    name="headrace_request_duration_seconds",
    type="histogram",
    labels=_PER_MODEL,
    buckets=_SECONDS,
    help="From the whole request being here to the end of its answer.",
)
FIRST_TOKEN = Family(
    name="headrace_time_to_first_token_seconds",
    type="histogram",
    labels=_PER_MODEL,
    buckets=_FIRST_TOKEN,
    help="From the whole request being here to the first data event. Streamed answers only.",
)
INTER_TOKEN = Family(
    name="headrace_inter_token_seconds",
    type="histogram",
    labels=_PER_MODEL,
    buckets=_INTER_TOKEN,
    help=(
        "Mean time between tokens, one observation for each streamed answer: first to last data"
        " over the tokens the engine reported, or over the pieces forwarded if it did not."
    ),
)
QUEUE = Family(
    name="headrace_queue_seconds",
    type="histogram",
    labels=_PER_MODEL,
    buckets=_QUEUE,
    help="Time in the queue for a backend with room; a request that never waited counts as 0.",
)
OVERHEAD = Family(
    name="headrace_proxy_overhead_seconds",
    type="histogram",
    buckets=_OVERHEAD,
    help=(
        "From the whole request being here to its bytes on a connection to the engine, without the"
        " queue, connecting included. Requests that needed one attempt only."
    ),
)
TOKENS_IN = Family(
    name="headrace_tokens_in_total",
    type="counter",
    labels=_PER_MODEL,
    help="Prompt tokens, as the engines reported them.",
)
TOKENS_OUT = Family(
    name="headrace_tokens_out_total",
    type="counter",
    labels=_PER_MODEL,
    help="Generated tokens, as the engines reported them.",
)
ATTEMPTS = Family(
    name="headrace_attempts_total",
    type="counter",
    labels=("backend", "result"),
    help=(
        "Ended attempts at a backend: ok, or the kind of failure, the client's leaving included."
        " A request may have several."
    ),
)
RETRIES = Family(
    name="headrace_retries_total",
    type="counter",
    labels=("reason",),
    help="Attempts that followed a failed one, by the kind of that failure.",
)
CONTINUATIONS = Family(
    name="headrace_continuations_total",
    type="counter",
    labels=("result",),
    help=(
        "Streams that broke off and were to go on at another engine: tried, and resumed once its"
        " answer had begun."
    ),
)
HEDGES = Family(
    name="headrace_hedges_total",
    type="counter",
    labels=("outcome",),
    help=(
        "Requests whose engine was slow to begin, by what became of asking a second one: won, lost"
        " (the first began, or the request ended), failed, no_backend or no_budget (not asked)."
    ),
)
IN_FLIGHT = Family(
    name="headrace_requests_in_flight",
    type="gauge",
    help="Requests taken in and not yet ended, waiting ones included.",
)
QUEUED = Family(
    name="headrace_queue_depth",
    type="gauge",
    labels=("model",),
    help="Requests waiting for a backend with room. Models with an empty queue are left out.",
)
CONNECTIONS = Family(
    name="headrace_client_connections", type="gauge", help="Open client connections."
)
HANDSHAKES = Family(
    name="headrace_tls_handshakes_total",
    type="counter",
    labels=("result",),
    help=(
        "TLS handshakes of clients: begun, and done. What they differ by has failed, but for those"
        " under way. Only while tls.listen.certificate is set."
    ),
)
TURNED_AWAY = Family(
    name="headrace_connections_refused_total",
    type="counter",
    labels=("listener",),
    help=(
        "Connections, and requests behind trusted proxies, that came from addresses which"
        " allow.listen or allow.admin does not have."
    ),
)
CERTIFICATE_ENDS = Family(
    name="headrace_tls_certificate_expiry_timestamp_seconds",
    type="gauge",
    labels=("listener",),
    help="When the certificate of a listener (listen, admin) ends, Unix time.",
)
WORKERS = Family(name="headrace_workers", type="gauge", help="Processes that serve clients.")
WORKERS_LOST = Family(
    name="headrace_workers_lost_total",
    type="counter",
    help="Workers that ended without having been told to; each was replaced.",
)
LOOP_LAG = Family(
    name="headrace_loop_lag_seconds",
    type="gauge",
    help="By how much the event loop was late, the worst of the last interval.",
)
DROPPED = Family(
    name="headrace_log_lines_dropped_total",
    type="counter",
    help="Log lines given up because their reader was too slow or gone.",
)
SPANS = Family(
    name="headrace_spans_total",
    type="counter",
    labels=("result",),
    help=(
        "Spans by what became of them: sent; dropped, because too many were waiting; failed,"
        " because the collector could not be reached or refused them. Only while tracing is on."
    ),
)
BACKEND_UP = Family(
    name="headrace_backend_up",
    type="gauge",
    labels=("backend",),
    help="1 if new requests may go to the backend: checked, breaker not open, not draining.",
)
BACKEND_DRAINING = Family(
    name="headrace_backend_draining",
    type="gauge",
    labels=("backend",),
    help="1 if the backend was ordered out of use: it is down on purpose.",
)
BACKEND_IN_FLIGHT = Family(
    name="headrace_backend_in_flight",
    type="gauge",
    labels=("backend",),
    help="Requests under way at the backend.",
)
BACKEND_CAP = Family(
    name="headrace_backend_cap",
    type="gauge",
    labels=("backend",),
    help="Requests the backend may have under way at once. Backends without a cap are left out.",
)
BACKEND_WORK = Family(
    name="headrace_backend_work",
    type="gauge",
    labels=("backend",),
    help="Work under way at the backend, in estimated tokens.",
)
BREAKER_STATE = Family(
    name="headrace_breaker_state",
    type="gauge",
    labels=("backend", "state"),
    help="1 for the state the backend's breaker is in, 0 for the others.",
)
BREAKER_OPENED = Family(
    name="headrace_breaker_opened_total",
    type="counter",
    labels=("backend",),
    help="How often the backend's breaker has opened.",
)
BACKEND_STANDING = Family(
    name="headrace_backend_standing",
    type="gauge",
    labels=("backend", "state"),
    help=(
        "1 for the state the backend is in, 0 for the others: good, trial, or passed over because"
        " it is slow, silent or unsteady."
    ),
)
BACKEND_SLOWNESS = Family(
    name="headrace_backend_slowness",
    type="gauge",
    labels=("backend",),
    help="How many times slower than the median of its peers; 1 if nobody can say.",
)
PASSED_OVER = Family(
    name="headrace_backend_passed_over_total",
    type="counter",
    labels=("backend", "reason"),
    help="How often the backend was found slow, silent or unsteady and passed over.",
)
MODELS = Family(
    name="headrace_models",
    type="gauge",
    help="Models and aliases in the catalog.",
)
RELOADS = Family(
    name="headrace_config_reloads_total",
    type="counter",
    labels=("result",),
    help=(
        "Readings of the settings since the start: applied, unchanged, or failed (those of before"
        " stay in force)."
    ),
)
RELOADED_AT = Family(
    name="headrace_config_last_reload_success_timestamp_seconds",
    type="gauge",
    help="When the settings were last read and found in order, Unix time; the start counts.",
)
VALID = Family(
    name="headrace_config_valid",
    type="gauge",
    help="1 if the settings could be used when they were last read, 0 if older ones are in force.",
)
PENDING = Family(
    name="headrace_config_restart_pending",
    type="gauge",
    help="Keys whose new value waits for a restart.",
)
KEYS = Family(name="headrace_keys", type="gauge", help="API keys in force; 0 if nobody needs one.")
KEY_REQUESTS = Family(
    name="headrace_key_requests_total",
    type="counter",
    labels=("key", "tenant", "result"),
    help=(
        "Ended requests by the key they came with: ok, failed, or the error code with which they"
        " were refused for their key or its limits. `key` is empty where it is missing or unknown;"
        " keys beyond 256 count as `(other)`."
    ),
)
KEY_TOKENS = Family(
    name="headrace_key_tokens_total",
    type="counter",
    labels=("key", "tenant", "direction"),
    help="Tokens by key: in, of prompts; out, of answers. Estimated where no engine tells.",
)
KEY_IN_FLIGHT = Family(
    name="headrace_key_in_flight",
    type="gauge",
    labels=("key", "tenant"),
    help="Requests of a key under way. Keys without any are left out.",
)
SOURCE_UP = Family(
    name="headrace_discovery_up",
    type="gauge",
    labels=("source",),
    help="1 if the source of backends can be asked, 0 while what it said before holds.",
)
SOURCE_BACKENDS = Family(
    name="headrace_discovery_backends",
    type="gauge",
    labels=("source",),
    help="Backends that the source has found.",
)
SOURCE_FAILURES = Family(
    name="headrace_discovery_failures_total",
    type="counter",
    labels=("source",),
    help="How often the source could not be asked any more.",
)
SHARED_UP = Family(
    name="headrace_limits_shared_up", type="gauge", help="1 if the shared store answered last time."
)
SHARED_ERRORS = Family(
    name="headrace_limits_shared_errors_total", type="counter", help="How often it did not answer."
)
LEDGER_ERRORS = Family(
    name="headrace_ledger_errors_total",
    type="counter",
    help="How often keys and usage could not be exchanged with their database; with several"
    " workers, that of the one with most.",
)
LEDGER_UNWRITTEN = Family(
    name="headrace_ledger_unwritten",
    type="gauge",
    help="Sums of usage that wait to be written: one for a day, key and model; with several"
    " workers, those of the one with most.",
)
BUILD = Family(
    name="headrace_build_info",
    type="gauge",
    labels=("version", "python"),
    help="Always 1: what is running.",
)

OF_KEYS = (
    *(KEYS, KEY_REQUESTS, KEY_TOKENS, KEY_IN_FLIGHT),
    *(SHARED_UP, SHARED_ERRORS, LEDGER_ERRORS, LEDGER_UNWRITTEN),
)
FAMILIES: tuple[Family, ...] = (
    *(REQUESTS, DURATION, FIRST_TOKEN, INTER_TOKEN, QUEUE, OVERHEAD, TOKENS_IN, TOKENS_OUT),
    *(ATTEMPTS, RETRIES, CONTINUATIONS, HEDGES, IN_FLIGHT, QUEUED, CONNECTIONS),
    *(HANDSHAKES, CERTIFICATE_ENDS, TURNED_AWAY, WORKERS, WORKERS_LOST, LOOP_LAG, DROPPED, SPANS),
    *(BACKEND_UP, BACKEND_DRAINING, BACKEND_IN_FLIGHT, BACKEND_CAP, BACKEND_WORK),
    *(BREAKER_STATE, BREAKER_OPENED),
    *OF_KEYS,
    *(BACKEND_STANDING, BACKEND_SLOWNESS, PASSED_OVER),
    *(MODELS, RELOADS, RELOADED_AT, VALID, PENDING),
    *(SOURCE_UP, SOURCE_BACKENDS, SOURCE_FAILURES, BUILD),
)
"""In the order of the exposition and of docs/reference/metrics.md."""

# The library's own collectors; on systems without /proc most of them are missing.
PROCESS: Mapping[str, str] = {
    "process_start_time_seconds": "When the process started, Unix time.",
    "process_resident_memory_bytes": "Resident memory.",
    "process_virtual_memory_bytes": "Virtual memory.",
    "process_cpu_seconds_total": "CPU time used, user and system.",
    "process_open_fds": "Open file descriptors.",
    "process_max_fds": "The limit on open file descriptors.",
}

OTHER_MODEL = "(other)"
"""The `model` label of names the catalog does not know, and of those beyond the limit."""
