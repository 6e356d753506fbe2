"""Metrics under the names of each engine kind."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.fake.batching import Batch, PrefixCache
from benchmarks.fake.expositions import EXPOSITIONS
from benchmarks.fake.metrics import Counters, Reading, Scrape
from benchmarks.fake.profile import Names, Profile


def samples(names: Names, batch: Batch | None = None) -> dict[str, float]:
    """Return all samples of a scrape by name, the last one of each."""
    profile = Profile(models=("m",))
    reading = Reading(profile, batch or Batch(profile), PrefixCache(0), Counters())
    text = Scrape(EXPOSITIONS[names], "m", reading).render().decode()
    return {s.name: s.value for f in text_string_to_metric_families(text) for s in f.samples}


@pytest.mark.parametrize(
    ("names", "running", "waiting", "cache"),
    [
        (Names.VLLM, "vllm:num_requests_running", "vllm:num_requests_waiting", "kv_cache_usage"),
        (Names.VLLM_V0, "vllm:num_requests_running", "vllm:num_requests_waiting", "gpu_cache"),
        (Names.SGLANG, "sglang:num_running_reqs", "sglang:num_queue_reqs", "token_usage"),
        (Names.LLAMACPP, "llamacpp:requests_processing", "llamacpp:requests_deferred", ""),
        (Names.TGI, "tgi_batch_current_size", "tgi_queue_size", "current_max_tokens"),
        (Names.LMDEPLOY, "lmdeploy:num_requests_running", "lmdeploy:num_requests_waiting", "gpu"),
        (Names.TRTLLM, "trtllm_num_requests_running", "trtllm_num_requests_waiting", "kv_cache"),
        (
            Names.VLLM_MLX,
            "vllm_mlx_scheduler_running_requests",
            "vllm_mlx_scheduler_waiting_requests",
            "cache_utilization",
        ),
    ],
)
def test_the_values_a_proxy_looks_for(names: Names, running: str, waiting: str, cache: str) -> None:
    found = samples(names)

    assert (found[running], found[waiting]) == (0.0, 0.0)
    assert [name for name in found if cache in name]


def test_every_exposition_can_be_scraped_and_there_is_one_for_every_name() -> None:
    assert set(EXPOSITIONS) == set(Names) - {Names.AUTO}
    for names in EXPOSITIONS:
        samples(names)


def test_values_are_live() -> None:
    batch = Batch(Profile(models=("m",)))
    batch.preemptions = 3
    batch.asleep = True

    assert samples(Names.VLLM, batch)["vllm:num_preemptions_total"] == 3.0
