"""The catalog: who serves what, under which names, and what a swap changes."""

import pytest

from proxy.core.backend import Backend
from proxy.core.catalog import (
    Catalog,
    Directory,
    Model,
    Unify,
    build,
    chosen,
    contradict,
    diff,
    is_pattern,
    matches,
)
from tests.fixtures.fleet import make_backend, take_down, trip


def model(name: str, **more: object) -> Model:
    return Model(id=name, **more)  # type: ignore[arg-type]


def served(catalog: Catalog, name: str) -> list[list[str]]:
    return [[backend.name for backend in t.candidates] for t in catalog.resolve(name)]


def test_a_model_resolves_to_the_backends_that_serve_it() -> None:
    a, b = make_backend("a"), make_backend("b")

    catalog = build({a: [model("llama"), model("qwen")], b: [model("llama")]}, {})

    assert served(catalog, "llama") == [["a", "b"]]
    assert served(catalog, "qwen") == [["a"]]
    assert catalog.backends == (a, b)


@pytest.mark.parametrize("name", ["", "LLAMA", "llama ", "llam", "llama:latest", "org/llama"])
def test_names_match_exactly(name: str) -> None:
    assert build({make_backend(): [model("llama")]}, {}).resolve(name) == ()


def test_candidates_stand_in_order_of_priority_then_of_configuration() -> None:
    spare, b, a = make_backend("spare", priority=1), make_backend("b"), make_backend("a")

    catalog = build({each: [model("m")] for each in (spare, b, a)}, {})

    assert served(catalog, "m") == [["b", "a", "spare"]]


def test_an_alias_is_an_ordered_list_of_models() -> None:
    a, b = make_backend("a"), make_backend("b")
    catalog = build(
        {a: [model("qwen")], b: [model("llama")]}, {"gpt-4o": ["llama", "absent", "qwen", "llama"]}
    )

    assert [target.model.id for target in catalog.resolve("gpt-4o")] == ["llama", "qwen"]
    assert catalog.resolve("gpt-4o")[0] is catalog.resolve("llama")[0]


def test_an_alias_without_a_served_model_does_not_resolve() -> None:
    catalog = build({make_backend(): [model("m")]}, {"gpt-4o": ["absent"]})

    assert catalog.resolve("gpt-4o") == ()
    assert catalog.names() == ("m",)
    assert catalog.aliases["gpt-4o"] == ("absent",)


def test_an_alias_hides_a_model_of_its_name_and_may_list_it() -> None:
    backend = make_backend()
    models = {backend: [model("small"), model("big")]}

    hidden = build(models, {"small": ["big"]})
    listed = build(models, {"small": ["small", "big"]})

    assert [target.model.id for target in hidden.resolve("small")] == ["big"]
    assert [target.model.id for target in listed.resolve("small")] == ["small", "big"]


def test_an_alias_never_refers_to_another() -> None:
    catalog = build({make_backend(): [model("m")]}, {"one": ["m"], "two": ["one"]})

    assert catalog.resolve("two") == ()


def test_each_backend_keeps_its_own_name_for_the_model() -> None:
    a, b = make_backend("a"), make_backend("b")

    (target,) = build({a: [model("m", native="m:latest")], b: [model("m")]}, {}).resolve("m")

    assert target.native == {"a": "m:latest", "b": "m"}
    assert target.model.native == ""


HASHES = {name: f"sha256:{name}" for name in "xyz"}


def test_one_proof_joins_models_of_different_names() -> None:
    a, b, c = make_backend("a"), make_backend("b"), make_backend("c")
    catalog = build(
        {
            a: [model("tiny", weights="hf:org/tiny", context_length=4096)],
            b: [model("org/tiny", weights="hf:org/tiny", context_length=2048)],
            c: [model("other", weights="hf:org/other")],
        },
        {},
    )

    assert served(catalog, "tiny") == [["a", "b"]]
    assert served(catalog, "org/tiny") == [["b", "a"]]
    assert served(catalog, "other") == [["c"]]
    assert catalog.resolve("tiny")[0].native == {"a": "tiny", "b": "org/tiny"}
    assert catalog.resolve("tiny")[0].model.id == "tiny"
    assert catalog.resolve("tiny")[0].model.context_length == 2048
    assert catalog.split == ()


def test_likeness_without_proof_joins_nothing() -> None:
    a, b = make_backend("a"), make_backend("b")

    catalog = build({a: [model("llama3.1:8b")], b: [model("Llama-3.1-8B")]}, {})

    assert served(catalog, "llama3.1:8b") == [["a"]]


def test_different_hashes_part_models_of_one_name() -> None:
    a, b, c, d = (make_backend(name) for name in "abcd")
    catalog = build(
        {
            a: [model("m", weights=HASHES["x"])],
            b: [model("m", weights=HASHES["y"])],
            c: [model("m", weights=HASHES["x"])],
            d: [model("m")],  # tells no proof: the name is all there is
        },
        {"alias": ["m"]},
    )

    assert served(catalog, "m") == [["a", "c", "d"], ["b"]]
    assert served(catalog, "alias") == served(catalog, "m")
    assert catalog.split == ("m",)
    assert len(catalog.targets_of(b)) == 1


def test_names_alone_decide_if_that_is_wanted() -> None:
    a, b = make_backend("a"), make_backend("b")
    models = {
        a: [model("m", weights=HASHES["x"]), model("one", weights="hf:o/r")],
        b: [model("m", weights=HASHES["y"]), model("two", weights="hf:o/r")],
    }

    catalog = build(models, {}, Unify.NAMES)

    assert served(catalog, "m") == [["a", "b"]]
    assert served(catalog, "one") == [["a"]]
    assert catalog.split == ()


def test_who_is_joined_by_proof_stands_in_its_tier() -> None:
    spare, b = make_backend("spare", priority=1), make_backend("b")
    models = {spare: [model("m", weights="hf:o/r")], b: [model("n", weights="hf:o/r")]}

    assert served(build(models, {}), "m") == [["b", "spare"]]


def test_a_backend_with_two_names_for_one_thing_serves_each_under_its_own() -> None:
    a = make_backend("a")
    catalog = build({a: [model("m", weights="hf:o/r"), model("n", weights="hf:o/r")]}, {})

    assert catalog.resolve("m")[0].native == {"a": "m"}
    assert catalog.resolve("n")[0].native == {"a": "n"}


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("sha256:x", "sha256:y", True),
        ("sha256:x", "sha256:x", False),
        ("hf:a/b", "hf:c/d", False),  # the name they share is their operator's word
        ("sha256:x", "hf:a/b", False),
        ("", "sha256:x", False),
    ],
)
def test_only_hashes_contradict(one: str, other: str, differ: bool) -> None:
    assert contradict(one, other) is differ


def test_names_an_engine_takes_besides_resolve_and_are_not_listed() -> None:
    a, b, c = make_backend("a"), make_backend("b"), make_backend("c")
    catalog = build(
        {
            a: [model("llama3:latest", also=("llama3",))],
            b: [model("llama3:latest", also=("llama3",))],
            c: [model("x:latest", also=("x", "alias")), model("x")],
        },
        {"alias": ["x"]},
    )

    assert served(catalog, "llama3") == [["a", "b"]]
    assert catalog.resolve("llama3")[0].native == {"a": "llama3:latest", "b": "llama3:latest"}
    assert catalog.names() == ("alias", "llama3:latest", "x", "x:latest")
    assert catalog.resolve("x")[0].native == {"c": "x"}  # what is listed goes before
    assert catalog.resolve("alias")[0].native == {"c": "x"}


def test_an_alias_may_list_patterns() -> None:
    a = make_backend("a")
    catalog = build(
        {a: [model("llama-b"), model("llama-a"), model("qwen"), model("lama")]},
        {"any": ["qwen", "llama-*"], "all": ["*"], "none": ["gpt-*"]},
    )

    assert [t.model.id for t in catalog.resolve("any")] == ["qwen", "llama-a", "llama-b"]
    assert [t.model.id for t in catalog.resolve("all")] == ["lama", "llama-a", "llama-b", "qwen"]
    assert catalog.resolve("none") == ()


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("llama*", "llama-3", True),
        ("*llama*", "meta-llama/x", True),
        ("llama-?b", "llama-8b", True),
        ("llama-?b", "llama-70b", False),
        ("llama", "llama-3", False),
        ("llama-3.1", "llama-3x1", False),
        ("[a]*", "[a]b", True),
        ("Llama", "llama", False),
    ],
)
def test_a_pattern_is_stars_and_question_marks_and_nothing_else(
    pattern: str, name: str, fits: bool
) -> None:
    assert matches(pattern, name) is fits
    assert is_pattern(pattern) is ("*" in pattern or "?" in pattern)


def test_models_are_chosen_by_pattern_and_excluding_wins() -> None:
    models = [model(name) for name in ("llama-8b", "llama-8b-draft", "qwen")]

    assert list(chosen(models, [], [])) == models
    assert [m.id for m in chosen(models, ["llama*"], ["*-draft"])] == ["llama-8b"]
    assert [m.id for m in chosen(models, ["llama*", "qwen"], ["llama*"])] == ["qwen"]


def test_what_backends_say_is_merged() -> None:
    a, b, c = make_backend("a"), make_backend("b"), make_backend("c")

    (target,) = build(
        {
            a: [model("m")],
            b: [model("m", context_length=32_768, owned_by="meta", created=7)],
            c: [model("m", context_length=8192, owned_by="other", created=9)],
        },
        {},
    ).resolve("m")

    assert target.model.context_length == 8192
    assert target.model.owned_by == "meta"
    assert target.model.created == 7


def test_one_listed_twice_by_a_backend_is_one_candidate() -> None:
    assert served(build({make_backend("a"): [model("m"), model("m")]}, {}), "m") == [["a"]]


def test_the_listing_has_every_name_that_resolves() -> None:
    catalog = build(
        {make_backend(): [model("b", owned_by="x"), model("a")]},
        {"alias": ["b"], "dead": ["none"]},
    )

    assert [entry.id for entry in catalog.listing()] == ["a", "alias", "b"]
    assert [entry.owned_by for entry in catalog.listing()] == ["", "x", "x"]
    assert catalog.names() == ("a", "alias", "b")


def test_a_snapshot_does_not_follow_what_it_was_built_from() -> None:
    backend = make_backend()
    models: dict[Backend, list[Model]] = {backend: [model("m")]}
    aliases = {"x": ["m"]}
    catalog = build(models, aliases)

    models[backend].clear()
    aliases["x"].clear()

    assert catalog.names() == ("m", "x")
    assert len(catalog.resolve("x")) == 1
    assert catalog.aliases["x"] == ("m",)
    with pytest.raises(TypeError):
        catalog.aliases["y"] = ()  # type: ignore[index]


def test_equal_catalogs_differ_in_nothing() -> None:
    a = make_backend("a")

    def once() -> Catalog:
        return build({a: [model("m", extra={"x": 1})]}, {"alias": ["m"]})

    assert not diff(once(), once())


def test_diff_names_what_came_went_and_changed() -> None:
    a, b = make_backend("a"), make_backend("b")
    old = build({a: [model("stays"), model("goes"), model("moves")]}, {"alias": ["moves"]})
    new = build({a: [model("stays"), model("comes")], b: [model("moves")]}, {"alias": ["moves"]})

    changes = diff(old, new)

    assert changes
    assert changes.added == ("comes",)
    assert changes.removed == ("goes",)
    assert changes.changed == ("alias", "moves")
    assert (changes.backends_added, changes.backends_removed) == ((b,), ())
    assert diff(new, old).backends_removed == (b,)


@pytest.mark.parametrize("change", [{"native": "m:q4"}, {"context_length": 4096}])
def test_diff_sees_what_a_backend_says_otherwise(change: dict[str, object]) -> None:
    a = make_backend("a")

    assert diff(build({a: [model("m")]}, {}), build({a: [model("m", **change)]}, {})).changed


def test_a_directory_starts_empty_and_swaps_whole() -> None:
    directory = Directory()
    before = directory.current
    new = build({make_backend(): [model("m")]}, {})

    changes = directory.swap(new)

    assert before.names() == ()
    assert directory.current is new
    assert changes.added == ("m",)


def starve(backend: Backend) -> None:
    """Let most requests be told that the engine is full."""
    for _ in range(30):
        backend.breaker.failed(backend.breaker.admit(1.0), 1.0, hard=False, soft=True)


@pytest.mark.parametrize(("size", "lost"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_a_low_success_rate_takes_half_of_a_models_backends_at_most(size: int, lost: int) -> None:
    fleet = [make_backend(f"b{n}") for n in range(size)]
    Directory().swap(build({each: [model("m")] for each in fleet}, {}))

    for backend in fleet:
        starve(backend)

    assert sum(not backend.breaker.closed for backend in fleet) == lost


def test_refused_connections_are_not_held_back() -> None:
    fleet = [make_backend(f"b{n}") for n in range(3)]
    Directory().swap(build({each: [model("m")] for each in fleet}, {}))

    for backend in fleet:
        trip(backend, 1.0)

    assert not any(backend.breaker.closed for backend in fleet)


def test_a_backend_that_is_down_counts_as_lost_too() -> None:
    a, b = make_backend("a"), make_backend("b")
    Directory().swap(build({a: [model("m")], b: [model("m")]}, {}))
    take_down(a, 1.0)

    starve(b)

    assert b.breaker.closed


def test_every_model_of_a_backend_has_a_say() -> None:
    a, b, c = make_backend("a"), make_backend("b"), make_backend("c")
    Directory().swap(build({a: [model("m")], b: [model("m"), model("only-here")], c: []}, {}))

    starve(b)

    assert b.breaker.closed  # a could take over "m", but nobody "only-here"


def test_the_newest_catalog_decides() -> None:
    a, b = make_backend("a"), make_backend("b")
    directory = Directory()
    directory.swap(build({a: [model("m")]}, {}))
    directory.swap(build({a: [model("m")], b: [model("m")]}, {}))

    starve(a)

    assert not a.breaker.closed


def test_reprs_show_names_and_sizes() -> None:
    catalog = build({make_backend("a"): [model("m")]}, {})
    assert "1 names" in repr(catalog)
    assert "'m' at a" in repr(catalog.resolve("m")[0])
