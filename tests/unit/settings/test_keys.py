"""Keys in the settings: read, judged, and turned into what calls are judged by."""

from pathlib import Path

import pytest

from proxy.core import keys
from proxy.settings import rules
from proxy.settings.credential import Secret
from proxy.settings.keys import ClientKey, Keys, Price, key_of, moment, rates
from proxy.settings.load import load
from proxy.settings.problems import SettingsError

HASH = keys.written(keys.digest("a"))
FULL = f"""
keys:
  clients:
    team-a:
      hash: ["{HASH}"]
      key: ${{TEAM_KEY}}
      models: [llama-*]
      requests_per_minute: 600
      tokens_per_minute: 1000
      concurrency: 3
      budget_tokens: 5000
      budget_money: 2.5
      budget_period: day
      priority: -1
      tenant: research
      expires: 2027-01-31
  prices:
    llama-*: {{input: 0.5, output: 1.5}}
"""


def loaded(tmp_path: Path, text: str, **env: str) -> Keys:
    file = tmp_path / "headrace.yaml"
    file.write_text(text)
    return load(file, env).settings.keys


def problems(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text)
    return str(caught.value)


def test_every_key_of_a_client_is_read(tmp_path: Path) -> None:
    found = loaded(tmp_path, FULL, TEAM_KEY="secret")

    (key,) = found.listed()
    assert [one.digest for one in key.credentials] == [keys.digest("a"), keys.digest("secret")]
    assert {one.expires_at for one in key.credentials} == {1_801_353_600.0}
    assert (key.name, key.tenant, key.priority) == ("team-a", "research", -1)
    assert (key.models, key.concurrency) == (("llama-*",), 3)
    assert (key.requests_per_minute, key.tokens_per_minute) == (600, 1000)
    assert (key.budget_tokens, key.budget_money, key.budget_period) == (5000, 2.5, "day")
    assert found.prices == {"llama-*": Price(input=0.5, output=1.5)}
    assert found.wanted


def test_a_key_alone_is_enough() -> None:
    key = key_of("team", ClientKey(key=Secret("x")))

    assert (key.tenant, key.budget_period, key.models) == ("team", "month", ())
    assert not Keys().wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clients: {a: {}}", "a key that nobody has"),
        ("clients: {a: {hash: abc}}", "'abc' is no hash of a key"),
        (f"clients: {{a: {{hash: '{HASH}'}}, b: {{key: a}}}}", "the same key as that of 'a'"),
        (f"{{clients: {{a: {{hash: '{HASH}'}}}}, pass_through: true}}", "engines must not get"),
        ("shared: {url: http://r:1}", "this is no address of a Redis server"),
        ("ledger: mysql://r:1", "this is no address of a PostgreSQL server"),
        (f"clients: {{a: {{hash: '{HASH}', expires: soon}}}}", "write a day, 2027-01-31"),
        (f"clients: {{a: {{hash: '{HASH}', concurrency: -1}}}}", "keys.clients.a.concurrency"),
        (f"clients: {{a: {{hash: '{HASH}', tenant: 'a b'}}}}", "it stands in metrics and logs"),
        (f"clients: {{a: {{hash: '{HASH}', rpm: 1}}}}", "unknown key"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, text: str, said: str) -> None:
    found = problems(tmp_path, f"keys:\n  {text}\n")

    assert said in found
    assert "1 problem" in found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86400.0),
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:01+01:00", 1.0),
    ],
)
def test_moments_are_in_utc(text: str, seconds: float) -> None:
    assert moment(text) == seconds


def test_costs_are_for_a_million_tokens() -> None:
    assert rates(Price(input=1.0, output=10.0)) == (1e-6, 1e-5)


def test_a_store_needs_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "keys: {shared: {url: redis://r:1}}\n"
    assert loaded(tmp_path, text).shared.url == Secret("redis://r:1")

    monkeypatch.setattr(rules, "find_spec", lambda _name: None)

    assert "headrace[redis]" in problems(tmp_path, text)
    assert "headrace[postgres]" in problems(tmp_path, "keys: {ledger: postgres://r:1}\n")
