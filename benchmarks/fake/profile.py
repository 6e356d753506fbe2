"""What a simulated engine looks like from outside: its models, its speed, its limits."""

from enum import StrEnum

import msgspec


class Dialect(StrEnum):
    """Whose wire shapes the engine copies."""

    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMACPP = "llamacpp"
    OLLAMA = "ollama"
    TGI = "tgi"
    TRTLLM = "trtllm"
    LMDEPLOY = "lmdeploy"
    MLX_LM = "mlx-lm"
    OMLX = "omlx"
    VLLM_MLX = "vllm-mlx"
    LEMONADE = "lemonade"
    DMR = "dmr"
    LMSTUDIO = "lmstudio"
    LITELLM = "litellm"
    OLLA = "olla"
    OPENAI = "openai"


class Stamps(StrEnum):
    """Where the engine says when it wrote each token, for whoever prices a proxy in front of it.

    All times are CLOCK_MONOTONIC nanoseconds, comparable between processes of one machine.
    """

    NONE = "none"
    FIELD = "field"
    """Top-level fields of every event with text: `stamp_ns`, `token` (the index of its first
    token), and in the first of them `taken_ns`: the engine had read the request."""
    CONTENT = "content"
    """The text of event i begins with `~i:N~`, that of the first with `~0:N:TAKEN~`, so that a
    gateway that writes the JSON anew carries it along."""
    SIDELOG = "sidelog"
    """Nothing in the answer. The engine remembers by the `bench-tag:HEX` it finds in the prompt;
    `GET /fake/stamps?tag=HEX` tells."""


class Names(StrEnum):
    """Under which names `/metrics` shows its values."""

    AUTO = "auto"
    """Those of the dialect."""
    NONE = "none"
    VLLM = "vllm"
    VLLM_V0 = "vllm-v0"
    SGLANG = "sglang"
    LLAMACPP = "llamacpp"
    TGI = "tgi"
    LMDEPLOY = "lmdeploy"
    TRTLLM = "trtllm"
    VLLM_MLX = "vllm-mlx"


class Loading(StrEnum):
    """What a client meets while the model is being loaded."""

    AUTO = "auto"
    """What the dialect does."""
    REFUSE = "refuse"
    """No connection."""
    STATUS = "status"
    """503 on every path."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is fixed when a simulated engine starts.

    Times are seconds, sizes are tokens unless a name says bytes. The defaults answer as fast as
    the machine allows: `pace`, `prefill` and `prefill_per_token` of 0 skip all waiting.
    """

    name: str = "simulated"
    """Sent as `x-simulated-engine`, so that a test can see who answered."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port between 20000 and 29999."""
    admin_port: int | None = None
    """A second listener that no fault touches; None leaves `/fake/*` on the main port only."""
    dialect: Dialect = Dialect.VLLM
    models: tuple[str, ...] = ("simulated-model",)
    metrics: Names = Names.AUTO
    """Under which names `/metrics` shows its values."""
    startup: float = 0.0
    """Seconds until the model is loaded."""
    loading: Loading = Loading.AUTO
    context_length: int = 8192
    output_tokens: int = 16
    """Where an answer ends by itself with `stop`; a smaller `max_tokens` ends it with `length`."""
    reasoning_tokens: int = 0
    """How many tokens of thought precede every answer; a request can ask for more."""

    pace: float = 0.0
    """Length of one engine step: every running sequence gets its token at the end of a step."""
    pace_per_sequence: float = 0.0
    jitter: float = 0.0
    """Relative standard deviation of a step's length."""
    prefill: float = 0.0
    prefill_per_token: float = 0.0
    max_batched_tokens: int = 8192
    """A longer prompt is prefilled in several steps, and decodes wait behind each of them."""
    max_num_seqs: int = 256
    queue_limit: int | None = None
    """Running plus waiting; one more is refused the way vLLM refuses it. None: no limit."""
    kv_tokens: int = 1 << 24
    """Size of the KV cache; who does not fit is preempted and reads its tokens anew."""
    prefix_blocks: int = 0
    """Capacity of the prefix cache in blocks of 16 tokens; 0 switches it off."""

    stamps: Stamps = Stamps.NONE
    tokens_per_event: int = 1
    speculative: int = 0
    """Drafted tokens a step may add; those accepted come in the same event."""
    acceptance: float = 0.7
    """The chance that a drafted token is accepted if the one before it was."""
    event_bytes: int = 0
    """Pad every token event to this many bytes on the wire, framing excluded; 0: no padding."""
    keep_alive: float = 5.0
    """Idle seconds after which a connection is closed; 0: never."""
    max_requests: int = 0
    """Requests per connection, the last answered with `Connection: close`; 0: no limit."""
    backlog: int = 2048
    records: int = 20_000
    """How many finished requests are remembered for `/fake/requests`."""
    keep_bodies: bool = False
    """Keep request bodies in the records, for tests that compare them."""
    seed: int = 0
    """Of all dice: faults with a `fraction`, the jitter of steps, accepted drafts, request ids."""
