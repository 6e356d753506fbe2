"""Namespaces: their functions are called otherwise in a chat, and are told under both names."""

from typing import Any

import msgspec
import orjson
import pytest

from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.namespaces import NONE, Namespace, flat, members, names, renamed, told

SPACE = Namespace(type="namespace", name="team", tools=[], description="Of a team.")


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def test_a_name_there_and_back() -> None:
    name = flat("team", "ask")

    assert name == "team__ask"
    assert flat(None, "ask") == "ask"
    assert told({name: ("team", "ask")}, name) == {"name": "ask", "namespace": "team"}
    assert told(NONE, name) == {"name": name}


def test_the_functions_of_a_namespace_have_their_places() -> None:
    raw = msgspec.Raw(orjson.dumps({"type": "namespace", "name": "team", "tools": [{"a": 1}, {}]}))

    found = list(members(raw, "tools[3]"))

    assert [place for _, _, place in found] == ["tools[3].tools[0]", "tools[3].tools[1]"]
    assert [bytes(member) for _, member, _ in found] == [b'{"a":1}', b"{}"]
    assert found[0][0].name == "team"


def test_a_function_is_shown_with_the_description_of_its_namespace() -> None:
    shown = renamed(tool("ask", description="Asks.", strict=True), SPACE)

    function = shown["function"]
    assert (function["name"], function["strict"]) == ("team__ask", True)
    assert function["description"].split() == ["Of", "a", "team.", "Asks."]
    bare = Namespace(type="namespace", name="team", tools=[])
    assert "description" not in renamed(tool("ask"), bare)["function"]


def test_two_functions_of_one_name_are_refused() -> None:
    found = {"team__ask": ("team", "ask")}
    assert names([tool("team__ask"), tool("ask"), tool("ask")], found) is found

    with pytest.raises(Uncarried) as refused:
        names([tool("team__ask"), tool("team__ask")], found)
    assert "'team__ask'" in refused.value.refusal.message
    assert refused.value.refusal.param == "tools"
