"""Load as engines tell it, recorded and written pages alike."""

import pytest

from proxy.core.reported import Reported
from proxy.dialects.base import Reply
from proxy.dialects.gauges import reader, series
from proxy.dialects.profile import Signals, Source
from proxy.dialects.registry import ENGINES
from tests.fixtures.engines.replies import recorded

NONE = Reply(status=404)
LOADS = (
    b'{"dp_rank_count":2,"loads":['
    b'{"num_running_reqs":2,"num_waiting_reqs":18,"token_usage":0.25,"max_running_requests":2},'
    b'{"num_running_reqs":1,"num_waiting_reqs":0,"token_usage":0.5,"max_running_requests":2}]}'
)


def page(body: bytes, status: int = 200) -> Reply:
    return Reply(status=status, body=body)


def told(kind: str, server: str) -> Reported | None:
    """Return what the first gauge tells that tells anything."""
    replies = recorded(server)
    for gauge in ENGINES[kind].load:
        if (found := gauge.read(replies.get(gauge.path, NONE))) is not None:
            return found
    return None


@pytest.mark.parametrize(
    ("kind", "server", "said"),
    [
        ("vllm", "vllm-0.32.0", Reported(running=0, waiting=0, kv_used=0.0)),
        ("llamacpp", "llama-server-b11434", Reported(running=0, waiting=0)),
        ("llamacpp", "llama-server-b11434-router", None),
        ("vllm-mlx", "vllm-mlx-0.6.0", Reported(running=0, waiting=0, kv_used=0.0)),
        ("tgi", "tgi-written", Reported(running=8, waiting=3)),
        ("trtllm", "trtllm-written", Reported(running=2, waiting=1, kv_used=0.25)),
        ("lmdeploy", "lmdeploy-written", Reported(running=4, waiting=2, kv_used=0.5)),
        ("omlx", "omlx-written", Reported(running=1, waiting=2)),
        ("lemonade", "lemonade-written", Reported(running=1)),
        ("ollama", "ollama-written", None),
        ("litellm", "litellm-1.106.2", None),
    ],
)
def test_each_kind_tells_its_load_in_its_own_place(
    kind: str, server: str, said: Reported | None
) -> None:
    assert told(kind, server) == said


def test_sglang_sums_its_ranks_and_the_fullest_cache_counts() -> None:
    assert ENGINES["sglang"].load[0].read(page(LOADS)) == Reported(
        running=3, waiting=18, kv_used=0.5, capacity=4
    )


@pytest.mark.parametrize(
    ("text", "used"),
    [
        (b'vllm:kv_cache_usage_perc{engine="0"} 0.5\n', 0.5),
        (b'vllm:gpu_cache_usage_perc{model_name="m"} 0.25\n', 0.25),  # up to 0.11
        (b"vllm:gpu_cache_usage_perc 0.1\nvllm:kv_cache_usage_perc 0.2\n", 0.2),
        (b'vllm:kv_cache_usage_perc{e="0"} 0.1\nvllm:kv_cache_usage_perc{e="1"} 0.9\n', 0.9),
    ],
)
def test_a_metric_is_read_under_its_old_name_too(text: bytes, used: float) -> None:
    said = ENGINES["vllm"].load[0].read(page(text))

    assert said == Reported(kv_used=used)


def test_series_are_summed_over_labels_and_longer_names_are_others() -> None:
    text = (
        b"# HELP r_total Requests.\n"
        b'r{engine="0",m="a b}"} 2.0\nr{engine="1"} 3\nr_total 9\nr{engine="2"} NaN\n'
        b"r{broken} x\n x r 7\n"
    )

    assert series(text, "r") == [2.0, 3.0]
    assert reader(Source(get="/m", signals=Signals(running=("r",))))(page(text)) == Reported(
        running=5
    )


@pytest.mark.parametrize("value", [b"-1", b"1e30", b"+Inf"])
def test_numbers_that_are_no_count_tell_nothing(value: bytes) -> None:
    assert ENGINES["vllm"].load[0].read(page(b"vllm:num_requests_running " + value)) is None


@pytest.mark.parametrize("reply", [page(b"", 500), page(b"<html>"), page(LOADS, 401)])
def test_what_is_no_page_tells_nothing(reply: Reply) -> None:
    assert ENGINES["vllm"].load[0].read(reply) is None
    assert ENGINES["sglang"].load[0].read(reply) is None
