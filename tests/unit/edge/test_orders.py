"""Orders as values; tests/wire/test_admin.py gives them over a socket."""

import orjson

from proxy.edge.orders import answer, listed
from proxy.settings.changes import Change


def test_changes_are_shown_with_both_values() -> None:
    added = Change(path="backends[c]", old=None, new="http://c:1")
    fixed = Change(path="listen", old="a:1", new="a:2", restart=True)

    assert listed([added, fixed]) == [
        {"path": "backends[c]", "from": None, "to": "http://c:1"},
        {"path": "listen", "from": "a:1", "to": "a:2"},
    ]


def test_answers_are_json_nobody_keeps() -> None:
    made = answer({"status": "drained"}, status=202)

    assert made.status == 202
    assert made.headers["Cache-Control"] == "no-store"
    assert isinstance(made.body, bytes)
    assert orjson.loads(made.body) == {"status": "drained"}
