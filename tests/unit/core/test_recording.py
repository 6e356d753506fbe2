"""Of which calls words are noted, and what stands for none."""

from proxy.core.recording import DEFAULT, Rule, Spoken


def test_a_rule_without_keys_covers_every_call() -> None:
    assert Rule().covers("")
    assert Rule().covers("team-a")
    assert Rule().limit == DEFAULT


def test_a_rule_with_keys_covers_those_alone() -> None:
    rule = Rule(keys=frozenset({"team-a"}))

    assert rule.covers("team-a")
    assert not rule.covers("team-b")
    assert not rule.covers(""), "a call without a key is nobody's"


def test_nothing_said_is_nothing() -> None:
    assert not any(getattr(Spoken(), name) for name in Spoken.__struct_fields__)
