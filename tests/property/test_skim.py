"""Whatever a body holds and however it is cut, skimming keeps its top level and nothing else."""

import json

from hypothesis import given
from hypothesis import strategies as st

from proxy.core import peek
from proxy.core.skim import Skim

TEXT = st.text(st.sampled_from('model{}[]",:\\/ \n') | st.characters(codec="utf-8"), max_size=12)
LEAVES = st.none() | st.booleans() | st.integers() | TEXT
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)
SIZES = st.integers(1, 40)


def skimmed(text: bytes, size: int) -> Skim:
    skim = Skim(text, size)
    while not skim.step():
        pass
    return skim


@given(value=VALUES, size=SIZES, ascii_only=st.booleans())
def test_values_become_empty_and_all_else_stays(value: object, size: int, ascii_only: bool) -> None:
    skim = skimmed(json.dumps(value, ensure_ascii=ascii_only).encode(), size)

    assert skim.flaw == ""
    assert json.loads(skim.kept) == _emptied(value)


@given(
    before=st.dictionaries(TEXT.filter(lambda key: key.lower() != "model"), VALUES, max_size=4),
    inner=VALUES,
    model=TEXT.filter(bool),
    size=SIZES,
)
def test_the_model_is_found_and_renamed(
    before: dict[str, object], inner: object, model: str, size: int
) -> None:
    value = {**before, "inner": {"model": inner}, "model": model, "z": {"model": "x"}}
    body = json.dumps(value).encode()
    skim = skimmed(body, size)

    found = peek.Reader().conclude(skim)
    renamed = peek.rename(body, "n", place=peek.place_in(skim))

    assert isinstance(found, peek.Peek)
    assert found.model == model
    assert json.loads(renamed) == {**value, "model": "n"}
    assert peek.rename(body, "n") == renamed


@given(text=st.text(st.sampled_from('{}[]",:\\ 1')).map(str.encode), size=SIZES)
def test_any_bytes_are_taken(text: bytes, size: int) -> None:
    skim = skimmed(text, size)

    try:
        json.loads(text)
    except ValueError:
        return
    assert skim.flaw == ""


def _emptied(value: object) -> object:
    if not isinstance(value, list | dict):
        return value
    items = value.items() if isinstance(value, dict) else enumerate(value)
    emptied = {key: type(item)() if isinstance(item, list | dict) else item for key, item in items}
    return emptied if isinstance(value, dict) else list(emptied.values())
