"""Who is let in, decided without a socket."""

import pytest
from aiohttp.test_utils import make_mocked_request

from proxy.core.failure import Failure
from proxy.edge.reception import Crossing, Visitors, reception
from proxy.settings.access import Allow, Cors

PAGE = "https://chat.example"


@pytest.mark.parametrize(
    ("host", "stands"),
    [("10.0.0.1", True), ("::ffff:10.0.0.1", True), ("192.0.2.1", False), ("x", False), ("", True)],
)
def test_an_address_is_judged_in_every_form(host: str, stands: bool) -> None:
    visitors = Visitors(["10.0.0.0/8"])

    assert visitors.admits(host) is stands
    assert visitors.refused == (not stands)


def test_where_nothing_is_listed_all_may_come() -> None:
    assert Visitors(()).admits("192.0.2.1")
    assert reception(Allow(), Cors()) is None
    assert reception(Allow(listen=("::1/128",)), Cors()) is not None


def test_a_trusted_proxy_may_connect_and_is_judged_by_whom_it_forwards() -> None:
    visitors = Visitors(["192.0.2.0/24"], ["10.0.0.1"])

    assert visitors.admits("10.0.0.1")
    assert visitors.judge("10.0.0.1", ["192.0.2.7"]) == "192.0.2.7"
    assert visitors.judge("10.0.0.1", []) == "10.0.0.1"
    assert isinstance(visitors.judge("10.0.0.1", ["198.51.100.1"]), Failure)
    assert visitors.judge("192.0.2.1", ["198.51.100.1"]) == ""


@pytest.mark.parametrize(
    ("origin", "granted"),
    [(PAGE, PAGE), ("https://chat.example.evil", None), ("null", None), (None, None)],
)
def test_only_known_origins_are_granted_anything(origin: str | None, granted: str | None) -> None:
    fields = Crossing(Cors(origins=(PAGE,))).fields(origin)

    assert fields.get("Access-Control-Allow-Origin") == granted
    assert fields["Vary"] == "Origin"


def test_header_names_that_are_none_are_not_granted() -> None:
    fields = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "a\tb: c",
    }

    answer = Crossing(Cors(origins=("*",))).preflight(
        make_mocked_request("OPTIONS", "/v1/models", fields)
    )

    assert answer is not None
    assert "Access-Control-Allow-Headers" not in answer.headers
    assert "Access-Control-Allow-Methods" in answer.headers


def test_what_is_no_question_of_a_browser_is_left_alone() -> None:
    crossing = Crossing(Cors(origins=("*",)))

    assert crossing.preflight(make_mocked_request("OPTIONS", "/", {"Origin": PAGE})) is None
    assert crossing.preflight(make_mocked_request("GET", "/", {"Origin": PAGE})) is None
