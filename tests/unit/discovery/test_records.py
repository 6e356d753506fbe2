"""What DNS answers come to, and when it is asked again."""

import pytest

from proxy.discovery.records import CONFIRMATIONS, LONGEST, Answer, Lookout, Target
from proxy.settings.discovery import DnsSource, Found, Record

PLAIN = DnsSource(name="engines", port=8000, interval=5.0)
SRV = DnsSource(name="_http._tcp.engines", record=Record.SRV)
NONE = Answer(problem="there is none")
SILENCE = Answer(known=False, problem="no answer")


def addresses(*hosts: str, ttl: float = 0.0) -> Answer:
    return Answer(targets=tuple(Target(host=host) for host in hosts), ttl=ttl)


def test_each_address_is_an_engine_at_the_port_of_the_source() -> None:
    finding = Lookout(PLAIN).took(addresses("10.0.0.2", "10.0.0.1", "10.0.0.2"))

    assert [one.url for one in finding.backends] == [
        "http://10.0.0.1:8000",
        "http://10.0.0.2:8000",
    ]
    assert finding.backends[0].name == "10.0.0.1:8000"
    assert finding.current


def test_no_records_are_believed_when_they_are_told_again() -> None:
    lookout = Lookout(PLAIN)
    lookout.took(addresses("10.0.0.1"))

    for _ in range(CONFIRMATIONS - 1):
        assert len(lookout.took(NONE).backends) == 1
    last = lookout.took(NONE)

    assert not last.backends
    assert (last.problems, last.current) == (("there is none",), True)


def test_silence_changes_nothing_and_confirms_nothing() -> None:
    lookout = Lookout(PLAIN)
    lookout.took(addresses("10.0.0.1"))

    for _ in range(CONFIRMATIONS + 1):
        finding = lookout.took(SILENCE)

    assert len(finding.backends) == 1
    assert (finding.problems, finding.current) == (("no answer",), False)
    assert lookout.took(addresses("10.0.0.1")).problems == ()


def test_weights_count_within_a_tier_and_tiers_by_their_order() -> None:
    targets = (
        Target(host="a", port=1, priority=10, weight=30),
        Target(host="b", port=2, priority=10, weight=10),
        Target(host="c", port=3, priority=20, weight=0),
    )

    first, second, third = Lookout(SRV).took(Answer(targets=targets)).backends

    assert (first.url, first.weight, first.priority) == ("http://a:1", 1.5, 0)
    assert (second.weight, second.priority) == (0.5, 0)
    assert (third.weight, third.priority) == (1.0, 1)


def test_extreme_weights_and_tiers_stay_within_what_is_allowed() -> None:
    source = DnsSource(name="x", record=Record.SRV, backend=Found(weight=1000.0, priority=1000))
    targets = (
        Target(host="a", port=1, priority=0, weight=65535),
        Target(host="b", port=1, priority=0, weight=0),
        Target(host="c", port=1, priority=9, weight=1),
    )

    one, two, three = Lookout(source).took(Answer(targets=targets)).backends

    assert (one.weight, two.weight) == (1000.0, 0.01)
    assert three.priority == 1000


@pytest.mark.parametrize(
    ("ttl", "wait"), [(0.0, 5.0), (4.0, 5.0), (30.0, 30.0), (86400.0, LONGEST)]
)
def test_it_is_asked_again_when_the_records_have_lived(ttl: float, wait: float) -> None:
    assert Lookout(PLAIN).wait(addresses("10.0.0.1", ttl=ttl)) == wait
