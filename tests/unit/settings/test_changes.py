"""What differs between two sets of settings, and what of it needs a restart."""

from pathlib import Path

import pytest

from proxy.dialects.registry import engine
from proxy.settings.address import Address
from proxy.settings.changes import Change, between, differences, with_fixed
from proxy.settings.credential import Secret
from proxy.settings.load import load
from proxy.settings.logging import Log, LogFormat, LogLevel
from proxy.settings.profiles import Profiles
from proxy.settings.schema import (
    BackendSettings,
    Limits,
    Models,
    PartialTimeouts,
    Settings,
)
from proxy.settings.tracing import Content, Tracing

A = BackendSettings(name="a", url="http://a:1", api_key=Secret("sk-1"))
B = BackendSettings(name="b", url="http://b:1", weight=2.0)
OLD = Settings(backends=(A, B), models=Models(aliases={"x": ("m",)}))


def told(new: Settings) -> list[str]:
    return [str(change) for change in between(OLD, new)]


def with_backends(*backends: BackendSettings) -> Settings:
    return Settings(backends=backends, models=OLD.models)


def test_equal_settings_have_no_changes() -> None:
    assert told(with_backends(A, B)) == []


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        (with_backends(A), ['backends[b]: removed ("http://b:1")']),
        (
            with_backends(A, B, BackendSettings(name="c", url="http://c:1")),
            ['backends[c]: added ("http://c:1")'],
        ),
        (with_backends(B, A), ["backends: a, b -> b, a"]),
        (
            with_backends(A, BackendSettings(name="b", url="http://b:1", weight=3.0)),
            ["backends[b].weight: 2 -> 3"],
        ),
        (
            with_backends(
                A,
                BackendSettings(
                    name="b", url="http://b:1", weight=2.0, timeouts=PartialTimeouts(idle=9.0)
                ),
            ),
            ["backends[b].timeouts.idle: added (9s)"],
        ),
        (
            Settings(backends=(A, B), models=Models(aliases={"y": ("m",)})),
            ["models.aliases.x: removed ([m])", "models.aliases.y: added ([m])"],
        ),
    ],
)
def test_each_change_is_told(new: Settings, changes: list[str]) -> None:
    assert told(new) == changes


def test_another_key_is_told_and_not_shown() -> None:
    rotated = BackendSettings(name="a", url="http://a:1", api_key=Secret("sk-2"))
    bare = BackendSettings(name="a", url="http://a:1")

    assert told(with_backends(rotated, B)) == ["backends[a].api_key: changed"]
    assert told(with_backends(bare, B)) == ["backends[a].api_key: *** -> null"]
    assert "sk-" not in repr(between(OLD, with_backends(rotated, B)))


def test_what_needs_a_restart_keeps_its_value() -> None:
    new = Settings(
        listen=Address(host="127.0.0.1", port=1),
        limits=Limits(queue=5),
        log=Log(level=LogLevel.DEBUG, format=LogFormat.CONSOLE),
    )

    changes = between(Settings(), new)
    fixed = with_fixed(Settings(), new)

    assert {change.path: change.restart for change in changes} == {
        "listen": True,
        "limits.queue": False,
        "log.level": False,
        "log.format": True,
    }
    assert str(changes[0]).endswith("(needs a restart)")
    assert (fixed.listen, fixed.log.format) == (Settings().listen, LogFormat.AUTO)
    assert (fixed.limits.queue, fixed.log.level) == (5, LogLevel.DEBUG)


def test_whose_words_are_noted_needs_no_restart() -> None:
    new = Settings(tracing=Tracing(ratio=1.0, content={"m": Content()}))

    changes = {change.path: change.restart for change in between(Settings(), new)}
    fixed = with_fixed(Settings(), new)

    assert changes == {
        "tracing.ratio": True,
        "tracing.content.m.limit": False,
        "tracing.content.m.keys": False,
    }
    assert (fixed.tracing.ratio, fixed.tracing.content) == (0.01, {"m": Content()})


def test_kinds_that_came_went_or_changed_are_told() -> None:
    old = Profiles(folder="p", engines={"x": engine("vllm"), "y": engine("vllm")})
    new = Profiles(folder="p", engines={"y": engine("ollama"), "z": engine("vllm")})

    assert [str(one) for one in between(Settings(profiles=old), Settings(profiles=new))] == [
        "profiles[x]: removed (x)",
        "profiles[y]: changed",
        "profiles[z]: added (z)",
    ]


def test_a_profile_that_says_the_same_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine.yaml").write_text(
        "profile: mine\nschema: 1\ntitle: Mine\nready: {probes: [{get: /up}]}\n"
        "operations: {/v1/chat/completions: {}}\n"
    )
    file = tmp_path / "headrace.yaml"
    file.write_text("profiles: p\n")

    first, second = load(file, {}).settings, load(file, {}).settings

    assert between(first, second) == []
    assert first == second


def test_keys_that_only_one_side_shows_are_no_change() -> None:
    # A key from a file has no row.
    rows = {"backends[a].name": "a", "backends[a].url": "u"}

    assert differences({**rows, "backends[a].api_key": "null"}, rows) == []
    assert differences(rows, {**rows, "x": "1"}) == [Change(path="x", old=None, new="1")]
