"""What is counted of reloads."""

from prometheus_client.parser import text_string_to_metric_families

from proxy.telemetry.reloads import Reloads, Result
from tests.fixtures.view import FakeView


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def test_a_start_counts_as_a_success() -> None:
    reloads = Reloads(Clock())

    assert (reloads.valid, reloads.succeeded_at, sum(reloads.counts.values())) == (True, 10.0, 0)


def test_a_failure_leaves_the_time_of_the_last_success() -> None:
    clock = Clock()
    reloads = Reloads(clock)
    clock.now = 20.0
    reloads.took(Result.APPLIED, ["listen"])
    clock.now = 30.0

    reloads.failed()

    assert (reloads.valid, reloads.succeeded_at, reloads.pending) == (False, 20.0, ("listen",))
    assert reloads.counts == {Result.APPLIED: 1, Result.UNCHANGED: 0, Result.FAILED: 1}
    reloads.took(Result.UNCHANGED)
    assert (reloads.valid, reloads.succeeded_at, reloads.pending) == (True, 30.0, ())


def test_all_of_it_is_scraped() -> None:
    view = FakeView({})
    view.reloads.took(Result.APPLIED, ["listen", "workers"])
    view.reloads.failed()

    text = b"".join(view.metrics.parts()).decode()
    found = {
        (sample.name, sample.labels.get("result", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("headrace_config_")
    }

    assert found == {
        ("headrace_config_reloads_total", "applied"): 1.0,
        ("headrace_config_reloads_total", "unchanged"): 0.0,
        ("headrace_config_reloads_total", "failed"): 1.0,
        ("headrace_config_last_reload_success_timestamp_seconds", ""): 1_800_000_000.0,
        ("headrace_config_valid", ""): 0.0,
        ("headrace_config_restart_pending", ""): 2.0,
    }
