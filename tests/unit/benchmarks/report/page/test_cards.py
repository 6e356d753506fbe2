"""The large figures at the head."""

from benchmarks.report.page.cards import cards
from benchmarks.report.record import Arm, Effect, Record
from tests.fixtures.bench import records


def test_a_proxy_has_what_it_adds_and_what_it_uses() -> None:
    found = cards(records.overhead())

    assert [one.title for one in found] == [
        "headrace adds to the first token",
        "headrace adds to each token",
        "headrace: CPU per 1 k tokens",
    ]
    assert found[0].value.startswith("+")
    assert "95 % interval [" in found[0].under


def test_what_cannot_be_seen_is_not_a_figure() -> None:
    record = Record(command="overhead", arms=[Arm(name="headrace", role="proxy")])
    record.effects = [
        Effect(
            figure="token_p50_us",
            arm="headrace",
            direct=130.0,
            value=133.0,
            added=3.0,
            low=-5.0,
            high=9.0,
            resolution=16.0,
        )
    ]

    assert cards(record)[0].value == "below 16.0 us"


def test_an_endpoint_shows_what_its_users_got() -> None:
    assert [one.value for one in cards(records.endpoint({"goodput_share": 0.94}))][-1] == "94.0 %"
    assert cards(Record(command="run")) == []
