"""The phases in which clients leave."""

import yaml

from benchmarks.driver.cancel import PHASES, arguments, narrow, request


def test_four_phases_share_the_times() -> None:
    assert [phase.name for phase in PHASES] == ["queued", "prefill", "mid-stream", "non-stream"]
    assert arguments([]).times == 1000


def test_a_queue_forms_behind_a_single_slot() -> None:
    assert yaml.safe_load(narrow([9001])) == {
        "backends": [{"name": "e9001", "url": "http://127.0.0.1:9001", "max_in_flight": 1}]
    }


def test_a_request_carries_its_identity() -> None:
    assert b"\r\nX-Request-Id: queued-7\r\n" in request(1, "queued-7", stream=False)
