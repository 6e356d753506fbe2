"""Several lists of backends as one."""

from proxy.discovery.merging import Merged, merged
from proxy.settings.address import Address
from proxy.settings.schema import BackendSettings

KINDS = ("vllm", "openai")
OURS = (Address(host="0.0.0.0", port=8900),)


def one(name: str, host: str = "10.0.0.1", port: int = 8000, type: str = "auto") -> BackendSettings:
    return BackendSettings(name=name, url=f"http://{host}:{port}", type=type)


def join(own: list[BackendSettings], *found: list[BackendSettings]) -> Merged:
    titles = "abc"
    return merged(own, list(zip(titles, found, strict=False)), OURS, KINDS)


def test_own_backends_come_first_and_an_engine_is_there_once() -> None:
    result = join([one("own")], [one("same"), one("x", "10.0.0.2")], [one("y", "10.0.0.2")])

    assert [each.name for each in result.backends] == ["own", "x"]
    assert result.problems == (
        "a: same at http://10.0.0.1:8000 is left out: it is own already",
        "b: y at http://10.0.0.2:8000 is left out: it is x already",
    )


def test_a_name_that_is_taken_gets_the_address_added() -> None:
    result = join([], [one("p")], [one("p", "10.0.0.2")])

    assert [each.name for each in result.backends] == ["p", "p@10.0.0.2:8000"]


def test_this_proxy_is_no_backend_of_its_own() -> None:
    result = join([], [one("self", "10.9.9.9", 8900)])

    assert not result.backends
    assert "it is this proxy itself" in result.problems[0]


def test_a_type_there_is_not_is_found_out() -> None:
    result = join([], [one("a", type="vlm"), one("b", "10.0.0.2", type="vllm")])

    assert [each.type for each in result.backends] == ["auto", "vllm"]
    assert result.problems == ("a: a: no type 'vlm'; it is asked instead",)
