"""Settings as rows: secrets hidden, backends told apart by name. More in cli/test_explain.py."""

from proxy.settings.credential import Secret
from proxy.settings.problems import Layer, Source
from proxy.settings.rows import by_name, listed
from proxy.settings.schema import BackendSettings, Settings

FLAG = Source(layer=Layer.FLAG, name="--listen")


def test_every_key_is_listed_with_its_origin_and_no_secret() -> None:
    keyed = BackendSettings(name="a", url="http://a:1", api_key=Secret("sk-1"))
    found = listed(Settings(backends=(keyed,)), {"listen": FLAG, "backends[0].api_key": FLAG})

    rows = {row["path"]: (row["value"], row["origin"]) for row in found}
    assert rows["listen"] == ('"127.0.0.1:8900"', "--listen")
    assert rows["backends[0].api_key"] == ('"***"', "--listen")
    assert rows["limits.queue"][1] == "default"


def test_backends_are_named_whatever_their_place() -> None:
    pairs = [
        ("backends[0].url", "http://a:1"),
        ("backends[0].name", '"a:1"'),
        ("backends[1].url", "http://b:1"),
        ("backends[1].name", "gpu-b"),
        ("limits.queue", "5"),
    ]

    assert list(by_name(pairs)) == [
        "backends[a:1].url",
        "backends[a:1].name",
        "backends[gpu-b].url",
        "backends[gpu-b].name",
        "limits.queue",
    ]
