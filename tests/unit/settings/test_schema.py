"""The tree itself: defaults as promised, secrets that stay secret, timeouts by level."""

import re

import msgspec

from proxy.core.catalog import Model
from proxy.core.selection import Policy
from proxy.settings import fields
from proxy.settings.address import Address
from proxy.settings.credential import Secret
from proxy.settings.schema import (
    KNOWN_TYPES,
    BackendSettings,
    Models,
    PartialTimeouts,
    ServedModels,
    Settings,
    Timeouts,
)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = Settings()

    assert settings.listen == Address(host="127.0.0.1", port=8900)
    assert settings.admin == Address(host="127.0.0.1", port=8901)
    assert settings.balance.policy is Policy.WORK
    assert msgspec.structs.astuple(settings.timeouts) == (2.0, 600.0, 120.0, 0.0)
    assert (settings.limits.body, settings.limits.headers) == (64 << 20, 64 << 10)
    assert (settings.limits.queue, settings.limits.queue_timeout) == (1024, 30.0)
    assert (settings.drain.delay, settings.drain.timeout) == (5.0, 300.0)


def test_a_secret_shows_itself_to_nobody_who_does_not_ask() -> None:
    backend = BackendSettings(url="http://a:1", api_key=Secret("sk-1"))

    assert "sk-1" not in f"{backend!r} {backend} {backend.api_key}"
    assert backend.api_key is not None
    assert backend.api_key.reveal() == "sk-1"


def test_secrets_compare_by_value_so_that_a_changed_one_is_seen() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_a_model_wins_over_its_backend_and_that_over_all() -> None:
    backend = BackendSettings(url="http://a:1", timeouts=PartialTimeouts(idle=5.0, first_token=6.0))
    settings = Settings(
        timeouts=Timeouts(connect=1.0, first_token=2.0, idle=3.0, total=4.0),
        models=Models(timeouts={"llama": PartialTimeouts(idle=7.0, total=0.0)}),
    )

    both = settings.timeouts_for("llama", backend)
    assert msgspec.structs.astuple(both) == (1.0, 6.0, 7.0, 0.0)
    assert settings.timeouts_for("llama").idle == 7.0
    assert settings.timeouts_for("qwen", backend).idle == 5.0
    assert settings.timeouts_for("qwen") is settings.timeouts


def test_a_backend_knows_where_to_connect() -> None:
    assert BackendSettings(url="unix:///run/a.sock").address == Address(path="/run/a.sock")


def test_auto_and_sixteen_kinds_are_known() -> None:
    assert KNOWN_TYPES[0] == "auto"
    assert KNOWN_TYPES[-1] == "openai"
    assert len(KNOWN_TYPES) == 17
    assert tuple(Settings().engines) == KNOWN_TYPES[1:]


def test_models_are_served_by_pattern() -> None:
    listed = [Model(id=name) for name in ("llama-8b", "llama-8b-draft", "qwen")]
    served = ServedModels(include=("llama*",), exclude=("*-draft",))

    assert [model.id for model in served.chosen(listed)] == ["llama-8b"]
    assert ServedModels().chosen(listed) == tuple(listed)


def test_every_key_says_what_it_is_for() -> None:
    assert not [leaf.path for leaf in fields.leaves() if not re.fullmatch(r".+[.]", leaf.doc)]
