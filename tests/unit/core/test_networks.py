"""Networks hold addresses in every written form; a client is found behind its proxies."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.networks import Networks, address, network, origin

PROXIES = Networks(["10.0.0.0/8", "::1/128"])
PEER = ipaddress.ip_address("10.0.0.1")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10.0.0.1", "10.0.0.1"),
        (" 10.0.0.1 ", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("10.0.0", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_an_address_is_read_as_it_is_written(text: str, read: str | None) -> None:
    found = address(text)

    assert (None if found is None else str(found)) == read


def test_a_network_holds_its_own_version_only() -> None:
    both = Networks(["10.0.0.0/8", "2001:db8::/32"])

    assert address("10.1.2.3") in both
    assert address("2001:db8::1") in both
    assert address("11.0.0.1") not in both
    assert address("::1") not in both
    assert not Networks([])


@pytest.mark.parametrize(("text", "says"), [("10.0.0.1/8", "10.0.0.0/8"), ("gpu", "not an IP")])
def test_what_is_no_network_is_told(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        network(text)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], "10.0.0.1"),
        (["192.0.2.1"], "192.0.2.1"),
        (["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
        (["192.0.2.1, 10.0.0.9"], "192.0.2.1"),
        (["198.51.100.9", "192.0.2.1, 10.9.9.9"], "192.0.2.1"),
        (["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        (["192.0.2.1:4711"], "192.0.2.1"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["192.0.2.1, unknown"], None),
        (["[2001:db8::1"], None),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(
    forwarded: list[str], client: str | None
) -> None:
    found = origin(PEER, forwarded, PROXIES)

    assert (None if found is None else str(found)) == client


@given(st.lists(st.text(max_size=20), max_size=5))
def test_what_a_stranger_says_counts_for_nothing(forwarded: list[str]) -> None:
    stranger = ipaddress.ip_address("192.0.2.1")

    assert origin(stranger, forwarded, PROXIES) == stranger


@given(st.text(max_size=40), st.ip_addresses(v=4))
def test_nothing_left_of_the_client_matters(made_up: str, client: ipaddress.IPv4Address) -> None:
    if client in PROXIES:
        return

    assert origin(PEER, [made_up, f"{made_up},{client}"], PROXIES) == client
