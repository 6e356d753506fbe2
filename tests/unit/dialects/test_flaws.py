"""Every flaw of a profile comes out at once, with its place, what is allowed and a suggestion."""

from typing import Any

import pytest
import yaml

from proxy.dialects.flaws import Flaw, read

GOOD: dict[str, Any] = {
    "profile": "mine",
    "schema": 1,
    "title": "Mine",
    "ready": {"probes": [{"get": "/up"}]},
    "operations": {"/v1/chat/completions": {}},
}


def told(document: object) -> list[tuple[str, str]]:
    profile, flaws = read(document)
    assert (profile is None) == bool(flaws)
    return [(flaw.path, flaw.found) for flaw in flaws]


def only(**keys: object) -> Flaw:
    _, (flaw,) = read(GOOD | keys)
    return flaw


def test_a_profile_in_order_has_no_flaws() -> None:
    assert told(GOOD) == []


def test_all_flaws_come_at_once() -> None:
    document = yaml.safe_load("""
        profile: mine
        schema: one
        titel: Mine
        ready: {probes: [{get: /up, expect: {json: {}}}, 5]}
        client: {idle: fast, max_requests: 2.5}
        models: {fields: {weights: {/root: hash}}}
        operations: [/v1/chat/completions]
        cancel: {stream_upstream: perhaps}
        identity: {confirm: [{get: /v, expect: {equal: {/x: [1]}}}]}
    """)

    assert told(document) == [
        ("schema", "found 'one'"),
        ("titel", "unknown key"),
        ("ready.probes[0].expect.json", "unknown key"),
        ("ready.probes[1]", "found 5"),
        ("client.idle", "found 'fast'"),
        ("client.max_requests", "found 2.5"),
        ("models.fields.weights./root", "found 'hash'"),
        ("operations", "found a list"),
        ("cancel.stream_upstream", "found 'perhaps'"),
        ("identity.confirm[0].expect.equal./x", "found a list"),
        ("title", "this key is missing"),
    ]


@pytest.mark.parametrize("document", [None, 5, "text", [], [1]])
def test_what_is_no_mapping_is_said(document: object) -> None:
    ((path, _),) = told(document)

    assert path == ""


def test_a_flaw_says_what_is_allowed_and_what_was_probably_meant() -> None:
    wrong = only(stream={"comment": "any"})
    enum = only(naming={"unknown": "refuse"})
    key = only(cancel={"stream": "nevr"})

    assert (wrong.path, wrong.hint) == ("stream.comment", "did you mean comments?")
    assert "error" in wrong.allowed
    assert (enum.allowed, enum.hint) == (
        "refuses, ignores, loads, falls-back",
        "did you mean refuses?",
    )
    assert key.hint == "did you mean never?"


@pytest.mark.parametrize(
    ("keys", "path", "found"),
    [
        ({"schema": 2}, "schema", "found 2"),
        ({"profile": "Mine"}, "profile", "found 'Mine'"),
        ({"profile": "auto"}, "profile", "found 'auto'"),
        ({"client": {"idle": 0}}, "client.idle", "found 0"),
        ({"operations": {}}, "operations", "none that this proxy serves"),
        ({"ready": {"probes": []}}, "ready.probes", "nothing that may be asked"),
        (
            {"ready": {"probes": [{"get": "/up", "cost": "gpu"}]}},
            "ready.probes",
            "nothing that may be asked",
        ),
        ({"models": {"get": "v1/models"}}, "models.get", "found 'v1/models'"),
        ({"models": {"get": "/a b"}}, "models.get", "found '/a b'"),
        (
            {"identity": {"claims": [{"owners": ["x"]}]}},
            "identity.confirm",
            "no confirmation",
        ),
        (
            {"identity": {"claims": [{"header": {"server": "("}}], "confirm": [{"get": "/v"}]}},
            "identity.claims[0].header.server",
            "'(' is no regular expression: missing ), unterminated subpattern at position 0",
        ),
        (
            {"ready": {"probes": [{"get": "/up", "expect": {"match": {"/v": "["}}}]}},
            "ready.probes[0].expect.match./v",
            "'[' is no regular expression: unterminated character set at position 0",
        ),
        ({"never": {"/x": "free"}}, "never./x", "found free"),
        (
            {"operations": {"/v1/chat/completions": {"path": "/unload"}}},
            "operations./v1/chat/completions.path",
            "found '/unload'",
        ),
    ],
)
def test_what_no_type_can_express_is_a_flaw_too(
    keys: dict[str, object], path: str, found: str
) -> None:
    flaw = only(**keys)

    assert (flaw.path, flaw.found) == (path, found)


@pytest.mark.parametrize(
    "path",
    [
        "/terminate",
        "/shutdown",
        "/health/drain",
        "/abort_request",
        "/flush_cache",
        "/sleep",
        "/wake_up",
        "/release_memory_occupation",
        "/models/unload",
        "/slots/0?action=erase",
        "/v1/models?reload=1",
        "/reset_prefix_cache",
    ],
)
def test_a_question_that_would_stop_or_change_an_engine_is_refused(path: str) -> None:
    flaw = only(ready={"probes": [{"get": path}]})

    assert flaw.path == "ready.probes[0].get"
    assert flaw.found == f"{path} must never be asked"


def test_a_path_said_to_be_costly_must_not_be_asked_as_if_it_were_free() -> None:
    flaw = only(never={"/up": "gpu"})

    assert (flaw.path, flaw.found) == ("ready.probes[0].get", "/up costs gpu (never)")


def test_operations_are_those_of_the_proxy() -> None:
    flaw = only(operations={"/v1/chat/completion": {}, "/v1/completions": {}})

    assert flaw.found == "not a path this proxy serves"
    assert flaw.hint == "did you mean /v1/chat/completions?"
