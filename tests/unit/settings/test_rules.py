"""Rules across keys, and that they keep quiet about what could not be read."""

import pytest

from proxy.settings.address import Address
from proxy.settings.problems import Layer, Source
from proxy.settings.rules import Scene, broken
from proxy.settings.schema import BackendSettings, Models, PartialTimeouts, ServedModels, Settings


def line(number: int) -> Source:
    return Source(layer=Layer.FILE, name="f.yaml", line=number)


def told(
    settings: Settings, origins: dict[str, Source] | None = None, *unread: str
) -> list[tuple[str, str]]:
    scene = Scene(settings, origins or {}, frozenset(unread))
    return [(problem.path, f"{problem.source}: {problem.found}") for problem in broken(scene)]


def backends(*pairs: tuple[str, str]) -> Settings:
    return Settings(backends=tuple(BackendSettings(name=name, url=url) for name, url in pairs))


HERE = Address(host="127.0.0.1", port=8901)


def test_the_defaults_break_no_rule() -> None:
    assert not told(Settings())


def test_both_listeners_at_one_address_are_told_where_it_was_written() -> None:
    settings = Settings(listen=HERE)

    assert told(settings, {"listen": line(2)}) == [
        ("listen", "f.yaml:2: 127.0.0.1:8901 is also the address of admin (default)")
    ]


@pytest.mark.parametrize("unread", ["listen", "admin"])
def test_a_listener_that_could_not_be_read_clashes_with_nothing(unread: str) -> None:
    assert not told(Settings(listen=HERE), {}, unread)


def test_a_backend_must_not_be_this_proxy() -> None:
    settings = backends(("a", "http://localhost:8900"), ("b", "http://10.0.0.1:8900"))

    assert told(settings, {"backends[0].url": line(4)}) == [
        ("backends[0].url", "f.yaml:4: http://localhost:8900 is this proxy's own listen address")
    ]


def test_a_docker_model_runner_is_named_by_its_address() -> None:
    def runner(url: str, kind: str = "dmr") -> Settings:
        return Settings(backends=(BackendSettings(name="a", url=url, type=kind),))

    for below in ("/engines", "/engines/llama.cpp"):
        ((path, found),) = told(runner(f"http://a:12434{below}"))
        assert path == "backends[0].url"
        assert f"http://a:12434{below} is the base URL of its API" in found
    assert not told(runner("http://a:12434"))
    assert not told(runner("http://a:12434/docker"))
    assert not told(runner("http://a:12434/engines", "openai"))


def test_one_engine_stands_once_and_its_name_is_not_told_besides() -> None:
    settings = backends(("a:1", "http://a:1"), ("a:1", "http://a:1"))

    assert told(settings, {"backends[0].url": line(2), "backends[1].url": line(3)}) == [
        ("backends[1].url", "f.yaml:3: http://a:1 is also the URL of backends[0] (f.yaml:2)")
    ]


def test_one_name_stands_once() -> None:
    settings = backends(("a", "http://a:1"), ("a", "http://b:1"))
    origins = {"backends[0]": line(2), "backends[1].name": line(5)}

    assert told(settings, origins) == [
        ("backends[1].name", "f.yaml:5: 'a' is also the name of backends[0] (f.yaml:2)")
    ]


def test_a_name_nobody_wrote_is_told_at_the_url() -> None:
    settings = backends(("e.sock", "unix:///a/e.sock"), ("e.sock", "unix:///b/e.sock"))

    assert [path for path, _ in told(settings)] == ["backends[1].url"]


def test_what_stands_in_for_an_unread_name_or_url_breaks_no_rule() -> None:
    settings = backends(("", ""), ("", ""), ("a", "http://a:1"), ("a", "http://b:1"))

    assert not told(settings, {}, "backends[0].url", "backends[1].url", "backends[3].name")


@pytest.mark.parametrize(
    ("aliases", "found"),
    [
        ({"a": ("a",)}, "an alias for itself"),
        ({"a": ("b",), "b": ("c",)}, "'b' is an alias too"),
        ({"a": ("b",), "b": ("a",)}, "'b' is an alias too"),
        ({"a": ()}, "an alias for nothing"),
        ({"a": ("m", "m")}, "one model stands twice"),
        ({"a": (" ",)}, "' ' cannot be a model"),
        ({"a": ("m\n",)}, r"'m\n' cannot be a model"),
    ],
)
def test_an_alias_leads_to_models(aliases: dict[str, tuple[str, ...]], found: str) -> None:
    settings = Settings(models=Models(aliases=aliases))

    assert ("models.aliases.a", f"f.yaml:9: {found}") in told(
        settings, {"models.aliases.a": line(9)}
    )


def test_aliases_for_models_break_no_rule() -> None:
    aliases = {"a": ("m", "n"), "b": ("m",)}

    assert not told(Settings(models=Models(aliases=aliases)))


def test_timeouts_are_set_for_models_and_not_for_aliases() -> None:
    settings = Settings(
        models=Models(aliases={"a": ("m", "n")}, timeouts={"a": PartialTimeouts(idle=1.0)})
    )

    assert told(settings) == [("models.timeouts.a", "default: 'a' is an alias")]


def test_a_kind_must_be_known_unless_profiles_could_not_be_read() -> None:
    settings = Settings(backends=(BackendSettings(name="a", url="http://a:1", type="vlm"),))

    assert told(settings, {"backends[0].type": line(4)}) == [
        ("backends[0].type", "f.yaml:4: found 'vlm'")
    ]
    assert not told(settings, {}, "profiles")


@pytest.mark.parametrize("key", ["include", "exclude"])
def test_a_pattern_must_be_able_to_match(key: str) -> None:
    models = ServedModels(**{key: ("llama-*", " ")})
    settings = Settings(backends=(BackendSettings(name="a", url="http://a:1", models=models),))

    assert told(settings) == [(f"backends[0].models.{key}", "default: ' ' matches no model")]
