"""What can be said in a profile, and that those of the package say it in order."""

from collections.abc import Iterator

import msgspec
import pytest

from proxy.dialects.profile import ASKED, Cost, Stops
from proxy.dialects.registry import ENGINES

PROFILES = {name: record.profile for name, record in ENGINES.items()}


def structs(value: object) -> Iterator[msgspec.Struct]:
    """Yield every section below a value, itself included."""
    if isinstance(value, msgspec.Struct):
        yield value
        for field in value.__struct_fields__:
            yield from structs(getattr(value, field))
    elif isinstance(value, tuple):
        for item in value:
            yield from structs(item)
    elif hasattr(value, "values"):
        for item in value.values():
            yield from structs(item)


def test_only_harmless_questions_are_asked() -> None:
    assert {Cost.FREE, Cost.QUEUE} == ASKED


def test_every_get_of_a_profile_is_found() -> None:
    sglang = PROFILES["sglang"]

    assert ("identity.confirm[1]", "/get_model_info", Cost.FREE) in sglang.gets()
    assert ("ready.probes[0]", "/ready", Cost.FREE) in sglang.gets()
    assert ("capacity", "/v1/loads?include=core", Cost.FREE) in sglang.gets()
    assert ("load[1]", "/get_load", Cost.FREE) in sglang.gets()
    assert ("models.details[0]", "/model_info", Cost.FREE) in sglang.gets()
    assert ("models", "/v1/models", Cost.FREE) in sglang.gets()


def test_every_profile_says_what_it_was_learned_from() -> None:
    assert not [name for name, profile in PROFILES.items() if not profile.evidence]


def test_every_key_of_the_schema_is_used_by_some_profile() -> None:
    known, used = set(), set()
    for one in structs(tuple(PROFILES.values())):
        for field in one.__struct_fields__:
            known.add(f"{type(one).__name__}.{field}")
            if _differs(one, field):
                used.add(f"{type(one).__name__}.{field}")

    assert known - used == {
        # What all sixteen agree on, and an engine of a user's own may not.
        *("Details.cost", "Expect.status", "Fields.owner", "Fields.parent", "Models.id"),
        *("Capacity.cost", "Probe.cost", "Source.cost", "Models.items", "Stream.done"),
    }


def _differs(one: msgspec.Struct, field: str) -> bool:
    (info,) = [f for f in msgspec.structs.fields(type(one)) if f.name == field]
    return info.required or getattr(one, field) != info.default


@pytest.mark.parametrize("name", PROFILES)
def test_an_engine_that_runs_on_is_one_that_is_asked_for_streams(name: str) -> None:
    cancel = PROFILES[name].cancel

    assert cancel.stream_upstream or cancel.plain is not Stops.NEVER
