"""Nodes against the schema: every problem in one pass, defaults standing in, origins kept."""

import pytest

from proxy.settings import document, fields
from proxy.settings.reading import Reading
from proxy.settings.schema import Settings


def read(text: str, **env: str) -> tuple[Settings, Reading]:
    root, problems = document.parse(text.encode(), "f.yaml")
    assert not problems
    reading = Reading(env)
    settings = reading.group(fields.tree(), root, "")
    assert isinstance(settings, Settings)
    return settings, reading


def told(text: str, **env: str) -> list[str]:
    return [str(problem).replace("\n    ", " -- ") for problem in read(text, **env)[1].problems]


def test_what_is_not_written_keeps_its_default() -> None:
    settings, reading = read("limits: {queue: 5}")

    assert settings.limits.queue == 5
    assert settings.limits.body == Settings().limits.body
    assert not reading.problems
    assert {path: str(source) for path, source in reading.origins.items()} == {
        "limits.queue": "f.yaml:1"
    }


@pytest.mark.parametrize("text", ["", "limits:", "limits: {}", "backends:", "backends: []"])
def test_an_empty_section_is_all_defaults(text: str) -> None:
    settings, reading = read(text)

    assert settings == Settings()
    assert not reading.problems


def test_all_problems_come_out_of_one_pass() -> None:
    settings, reading = read(
        "limits: {body: 1, queue: 7}\ndrain: {delay: 3}\nbackends: [{url: x}, {name: a b}]\nlog: on"
    )

    assert [problem.path for problem in reading.problems] == [
        "limits.body",
        "drain.delay",
        "backends[0].url",
        "backends[1].name",
        "backends[1].url",
        "log",
    ]
    assert settings.limits.queue == 7
    assert settings.limits.body == Settings().limits.body


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lisen: x", "did you mean listen?"),
        ("limits: {header-timeout: 1s}", "did you mean header_timeout?"),
        ("queue_timeout: 1s", "did you mean limits.queue_timeout?"),
        ("idle: 1s", "did you mean backends[].timeouts.idle or models.timeouts.*.idle or timeouts"),
        ("zebra: 1", "f.yaml:1: zebra: unknown key; allowed: listen, admin, workers, backends,"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(text: str, problem: str) -> None:
    (one,) = told(text)

    assert problem in one


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "f.yaml:1: found a list; allowed: a section with keys"),
        ("limits: [1]", "f.yaml:1: limits: found a list; allowed: a section with keys"),
        ("limits: 3", "f.yaml:1: limits: found '3'; allowed: a section with keys"),
        ("backends: http://a", "backends: found 'http://a'; allowed: a list, each item after -"),
        ("backends: {a: b}", "found a section with keys; allowed: a list, each item after -"),
        ("backends: [http://a:1]", "backends[0]: found 'http://a:1'; allowed: a section with keys"),
        ("listen: [a]", "listen: found a list; allowed: host:port"),
        ("listen: {host: a}", "listen: found a section with keys; allowed: host:port"),
        ("listen:", "listen: no value; allowed: host:port"),
        ("models: {aliases: {a: {b: c}}}", "models.aliases.a: found a section with keys; allowed:"),
        (
            "models: {aliases: {a: [[b]]}}",
            "models.aliases.a[0]: found a list; allowed: the name of",
        ),
        (
            "models: {aliases: {a: [~]}}",
            "models.aliases.a[0]: found no value; allowed: the name of",
        ),
        ("models: {aliases: [a]}", "models.aliases: found a list; allowed: a mapping from names"),
        ("models: {aliases: {'': [b]}}", "found the name ''; allowed: 1 to 256 printable"),
    ],
)
def test_the_wrong_shape_is_told(text: str, problem: str) -> None:
    assert [one for one in told(text) if problem in one]


def test_only_a_key_that_has_a_default_may_be_left_out() -> None:
    without, url = sorted(told("listen:\nbackends: [{url: }]"))

    assert "leave the key out to get the default" in without
    assert "url: no value" in url
    assert "leave the key out" not in url


def test_a_bare_url_in_the_list_gets_the_form_that_works() -> None:
    (one,) = told("backends: [http://a:1]")

    assert one.endswith("-- write - url: http://a:1")


def test_null_is_a_value_where_it_has_a_meaning() -> None:
    settings, reading = read("backends: [{url: http://a:1, max_in_flight: null}]")

    assert settings.backends[0].max_in_flight is None
    assert str(reading.origins["backends[0].max_in_flight"]) == "f.yaml:1"


def test_a_missing_url_is_told_at_the_item() -> None:
    (one,) = told("backends:\n  - url: http://a:1\n  - name: b")

    assert one == (
        "f.yaml:3: backends[1].url: this key is missing"
        " -- it needs http://host:port, https://host:port, either with a path, or unix:///path"
    )


def test_a_secret_is_taken_from_the_environment_and_never_quoted() -> None:
    text = "backends: [{url: http://a:1, api_key: 'sk-${KEY}'}]"

    settings, _ = read(text, KEY="1")
    assert settings.backends[0].api_key is not None
    assert settings.backends[0].api_key.reveal() == "sk-1"
    (one,) = told(text)
    assert "found ***" in one
    assert "KEY is not set" in one
    assert "sk-" not in one


def test_other_keys_are_not_replaced_from_the_environment() -> None:
    (one,) = told("listen: '${HOST}:80'", HOST="a")

    assert one.endswith(
        "only in values that are never shown, as api_key; to override from outside, set"
        " HEADRACE_LISTEN"
    )


def test_one_name_is_a_list_of_one() -> None:
    settings, _ = read("models: {aliases: {a: b, c: [d, 3.1]}}")

    assert settings.models.aliases == {"a": ("b",), "c": ("d", "3.1")}
