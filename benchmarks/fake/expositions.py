"""The metric names of each engine kind, as data."""

from collections.abc import Mapping
from typing import Final

from benchmarks.fake.metrics import Exposition, Row
from benchmarks.fake.profile import Names

_VLLM_BOTH = (
    Row("gauge", "num_requests_running", "running"),
    Row("gauge", "num_requests_waiting", "waiting"),
    Row("counter", "num_preemptions", "preemptions"),
    Row("counter", "prompt_tokens", "prompt"),
    Row("counter", "generation_tokens", "generated"),
    Row("counter", "request_success", "finished", "finished_reason"),
    Row("histogram", "time_to_first_token_seconds", "first_token"),
)

EXPOSITIONS: Final[Mapping[Names, Exposition]] = {
    Names.NONE: Exposition(prefix="", rows=()),
    # From 0.12; the old names of the cache were removed there.
    Names.VLLM: Exposition(
        prefix="vllm:",
        labels=(("engine", "0"), ("model_name", "$model")),
        rows=(
            *_VLLM_BOTH,
            Row("gauge", "num_requests_waiting_by_reason", "waiting", "reason"),
            Row("gauge", "engine_sleep_state", "sleep", "sleep_state"),
            Row("gauge", "kv_cache_usage_perc", "kv_usage"),
            Row("counter", "prefix_cache_queries", "queries"),
            Row("counter", "prefix_cache_hits", "hits"),
            Row("counter", "admission_rejections", "rejected", "reason"),
            Row("histogram", "inter_token_latency_seconds", "inter_token"),
        ),
    ),
    # Up to 0.8.
    Names.VLLM_V0: Exposition(
        prefix="vllm:",
        labels=(("model_name", "$model"),),
        rows=(
            *_VLLM_BOTH,
            Row("gauge", "num_requests_swapped", "zero"),
            Row("gauge", "gpu_cache_usage_perc", "kv_usage"),
            Row("gauge", "cpu_cache_usage_perc", "zero"),
            Row("gauge", "gpu_prefix_cache_hit_rate", "hit_rate"),
            Row("histogram", "time_per_output_token_seconds", "inter_token"),
        ),
    ),
    Names.SGLANG: Exposition(
        prefix="sglang:",
        labels=(("engine_type", "unified"), ("model_name", "$model"), ("tp_rank", "0")),
        rows=(
            Row("gauge", "num_running_reqs", "running"),
            Row("gauge", "num_queue_reqs", "waiting"),
            Row("gauge", "token_usage", "kv_usage"),
            Row("gauge", "num_used_tokens", "kv_used_tokens"),
            Row("gauge", "max_total_num_tokens", "kv_tokens"),
            Row("gauge", "cache_hit_rate", "hit_rate"),
            Row("gauge", "gen_throughput", "rate"),
            Row("gauge", "num_retracted_reqs", "preemptions"),
            Row("counter", "prompt_tokens", "prompt"),
            Row("counter", "generation_tokens", "generated"),
            Row("counter", "num_requests", "requests"),
            Row("histogram", "time_to_first_token_seconds", "first_token"),
            Row("histogram", "inter_token_latency_seconds", "inter_token"),
        ),
    ),
    Names.LLAMACPP: Exposition(
        prefix="llamacpp:",
        rows=(
            Row("counter", "prompt_tokens", "prompt"),
            Row("counter", "prompt_tokens_cached", "hits"),
            Row("counter", "tokens_predicted", "generated"),
            Row("counter", "n_decode", "steps"),
            Row("gauge", "predicted_tokens_seconds", "rate"),
            Row("gauge", "requests_processing", "running"),
            Row("gauge", "requests_deferred", "waiting"),
            Row("gauge", "n_busy_slots_per_decode", "running"),
        ),
    ),
    Names.TGI: Exposition(
        prefix="tgi_",
        rows=(
            Row("gauge", "queue_size", "waiting"),
            Row("gauge", "batch_current_size", "running"),
            Row("gauge", "batch_current_max_tokens", "kv_used_tokens"),
            Row("gauge", "batch_max_total_tokens", "kv_tokens"),
            Row("counter", "request_count", "requests"),
            Row("counter", "request_failure", "overloaded", "err"),
            Row("histogram", "request_mean_time_per_token_duration", "inter_token"),
        ),
    ),
    Names.LMDEPLOY: Exposition(
        prefix="lmdeploy:",
        labels=(("model_name", "$model"), ("engine", "0")),
        rows=(
            Row("gauge", "num_requests_running", "running"),
            Row("gauge", "num_requests_waiting", "waiting"),
            Row("gauge", "num_api_requests_waiting", "zero"),
            Row("gauge", "num_api_requests_routed", "load"),
            Row("gauge", "gpu_cache_usage_perc", "kv_usage"),
            Row("gauge", "prefix_cache_hit_rate", "hit_rate"),
            Row("counter", "generation_tokens", "generated"),
            Row("histogram", "time_to_first_token_seconds", "first_token"),
        ),
    ),
    Names.TRTLLM: Exposition(
        prefix="trtllm_",
        labels=(("model_name", "$model"),),
        rows=(
            Row("gauge", "num_requests_running", "running"),
            Row("gauge", "num_requests_waiting", "waiting"),
            Row("gauge", "max_num_active_requests", "slots"),
            Row("gauge", "kv_cache_utilization", "kv_usage"),
            Row("gauge", "kv_cache_hit_rate", "hit_rate"),
            Row("counter", "request_success", "requests"),
            Row("histogram", "time_to_first_token_seconds", "first_token"),
            Row("histogram", "time_per_output_token_seconds", "inter_token"),
        ),
    ),
    Names.VLLM_MLX: Exposition(
        prefix="vllm_mlx_",
        rows=(
            Row("gauge", "scheduler_running_requests", "running"),
            Row("gauge", "scheduler_waiting_requests", "waiting"),
            Row("gauge", "cache_utilization_ratio", "kv_usage"),
            Row("counter", "generation_tokens", "generated"),
        ),
    ),
}
