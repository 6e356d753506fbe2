"""The schema as data: paths, units, bounds, defaults, environment names."""

from proxy.settings import fields
from proxy.settings.fields import Group, Items, Leaf


def leaf(path: str) -> Leaf:
    return next(one for one in fields.leaves() if one.path == path)


def test_a_leaf_has_unit_bounds_and_default() -> None:
    body = leaf("limits.body")

    assert (body.unit, body.low, body.high, body.default) == ("size", 1 << 10, 2 << 30, 64 << 20)
    assert not body.nullable
    assert not body.required


def test_bounds_reach_through_null_and_unset() -> None:
    assert (leaf("backends[].max_in_flight").low, leaf("backends[].max_in_flight").nullable) == (
        1,
        True,
    )
    assert leaf("backends[].timeouts.idle").unit == "duration"
    assert not leaf("backends[].timeouts.idle").nullable


def test_an_enum_becomes_its_words() -> None:
    assert leaf("log.format").choices == ("auto", "json", "console")
    assert leaf("backends[].type").choices[0] == "auto"


def test_only_a_url_and_a_name_to_look_up_are_required() -> None:
    required = [one.path for one in fields.leaves() if one.required]

    assert required == ["backends[].url", "discovery.dns[].name"]


def test_paths_mark_items_and_names() -> None:
    paths = {one.path for one in fields.leaves()}

    assert {"listen", "models.aliases.*", "models.timeouts.*.total", "backends[].name"} <= paths


def test_single_keys_have_a_variable_and_lists_and_names_have_none() -> None:
    assert leaf("limits.header_timeout").variable == "HEADRACE_LIMITS_HEADER_TIMEOUT"
    assert leaf("backends[].url").variable == ""
    assert leaf("models.aliases.*").variable == ""


def test_no_two_keys_share_a_variable() -> None:
    named = [one.variable for one in fields.leaves() if one.variable]

    assert len(named) == len(set(named))
    assert fields.CONFIG not in fields.variables()
    assert isinstance(fields.variables()["HEADRACE_BACKENDS"], Items)


def test_leaves_of_a_part_are_those_below_it() -> None:
    drain = fields.tree().members["drain"]

    assert isinstance(drain, Group)
    assert [one.path for one in fields.leaves(drain)] == ["drain.delay", "drain.timeout"]
