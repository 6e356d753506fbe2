"""`headrace explain`: YAML that loads to the same settings, origins beside, secrets masked."""

from pathlib import Path

import orjson

from proxy.cli import explain
from proxy.settings import describe, fields
from proxy.settings.load import Flags, Loaded, load
from proxy.settings.rows import rows


def loaded(tmp_path: Path, text: str, **env: str) -> Loaded:
    file = tmp_path / "headrace.yaml"
    file.write_text(text)
    return load(file, env)


def test_the_output_loads_to_the_same_settings(tmp_path: Path) -> None:
    first = loaded(tmp_path, describe.example())

    assert loaded(tmp_path, explain.as_yaml(first)).settings == first.settings


def test_the_output_of_the_defaults_loads_to_the_defaults(tmp_path: Path) -> None:
    first = load(None, {})

    shown = explain.as_yaml(first)

    assert loaded(tmp_path, shown).settings == first.settings
    assert "backends: []" in shown
    assert all(line.endswith(("# default", ":")) for line in shown.splitlines())


def test_every_key_stands_with_where_it_came_from(tmp_path: Path) -> None:
    file = tmp_path / "headrace.yaml"
    file.write_text("limits:\n  queue: 5\nmodels: {aliases: {a: m}}")
    shown = load(file, {"HEADRACE_LOG_LEVEL": "debug"}, Flags(listen="a:1"))

    found = {
        row.path: str(row.source)
        for row in rows(shown.settings, shown.origins)
        if row.value is not None
    }

    assert found["listen"] == "--listen"
    assert found["log.level"] == "env HEADRACE_LOG_LEVEL"
    assert found["limits.queue"] == f"{file}:2"
    assert found["models.aliases.a"] == f"{file}:3"
    assert found["limits.body"] == "default"
    assert {leaf.path for leaf in fields.leaves() if leaf.variable} <= found.keys()


def test_names_that_need_it_are_quoted(tmp_path: Path) -> None:
    first = loaded(
        tmp_path, 'models: {aliases: {"on": "a: b", "1.5": m}, timeouts: {"x:y": {idle: 1s}}}'
    )

    shown = explain.as_yaml(first)

    assert '"on": ["a: b"]' in shown
    assert loaded(tmp_path, shown).settings == first.settings


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-file")
    first = loaded(
        tmp_path,
        "backends:\n"
        "  - {url: 'http://a:1', api_key: '${KEY}'}\n"
        "  - {url: 'http://b:1', api_key_file: key}\n",
        KEY="sk-env",
    )

    shown, as_json = explain.as_yaml(first), explain.as_json(first)

    assert "sk-" not in shown + as_json
    assert shown.count('api_key: "***"') == 1
    assert "api_key_file: key" in shown


def test_json_is_a_list_of_keys(tmp_path: Path) -> None:
    rows = orjson.loads(explain.as_json(loaded(tmp_path, "backends: [{url: 'http://a:1'}]")))

    assert {"path": "timeouts.connect", "value": "2s", "origin": "default"} in rows
    assert {row["path"] for row in rows} >= {"backends[0].url", "backends[0].name"}
    assert not [row for row in rows if row["path"] in {"limits", "backends"}]
