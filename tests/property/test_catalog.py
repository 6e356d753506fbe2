"""The catalog against a plain reading of what backends serve, and diffs against the catalogs."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.backend import Backend
from proxy.core.catalog import Catalog, Directory, Model, build, diff, with_peers
from tests.fixtures.fleet import make_backend

FLEET = tuple(make_backend(f"b{n}", priority=n % 3) for n in range(6))
NAMES = st.sampled_from(["m1", "m2", "m3", "m4"])
MODELS = st.lists(
    st.builds(
        lambda name, context, native: Model(id=name, context_length=context, native=native),
        NAMES,
        st.sampled_from([None, 4096, 8192]),
        st.sampled_from(["", "own"]),
    ),
    max_size=4,
)
SERVING = st.dictionaries(st.sampled_from(FLEET), MODELS)
ALIASES = st.dictionaries(st.sampled_from(["x", "y", "m1"]), st.lists(NAMES, max_size=4))


@given(serving=SERVING, aliases=ALIASES)
def test_it_says_what_backends_say(
    serving: Mapping[Backend, Sequence[Model]], aliases: Mapping[str, Sequence[str]]
) -> None:
    catalog = build(serving, aliases)

    for name in ("m1", "m2", "m3", "m4", "x", "y"):
        targets = catalog.resolve(name)
        wanted = aliases.get(name, [name])
        assert [target.model.id for target in targets] == [
            each
            for place, each in enumerate(wanted)
            if each not in wanted[:place]
            and any(m.id == each for models in serving.values() for m in models)
        ]
        assert bool(targets) == (name in catalog.names())
        for target in targets:
            own = {b for b, models in serving.items() if target.model.id in {m.id for m in models}}
            assert set(target.candidates) == own
            assert len(target.candidates) == len(own)
            assert [b.priority for b in target.candidates] == sorted(b.priority for b in own)
            assert set(target.native) == {b.name for b in own}
    assert tuple(entry.id for entry in catalog.listing()) == catalog.names()


@given(serving=SERVING, aliases=ALIASES)
def test_it_knows_each_backends_models_and_who_has_peers(
    serving: Mapping[Backend, Sequence[Model]], aliases: Mapping[str, Sequence[str]]
) -> None:
    catalog = build(serving, aliases)

    names = {backend: {model.id for model in serving.get(backend, ())} for backend in FLEET}
    for backend in FLEET:
        found = catalog.targets_of(backend)
        assert {target.model.id for target in found} == names[backend]
        assert len(found) == len(names[backend])
    assert with_peers(catalog) == {
        one
        for one in FLEET
        if any(
            names[one] & names[other] and one.priority == other.priority
            for other in FLEET
            if other is not one
        )
    }


@given(first=SERVING, second=SERVING, aliases=ALIASES, others=ALIASES)
def test_a_diff_says_what_a_swap_changes(
    first: Mapping[Backend, Sequence[Model]],
    second: Mapping[Backend, Sequence[Model]],
    aliases: Mapping[str, Sequence[str]],
    others: Mapping[str, Sequence[str]],
) -> None:
    old, new = build(first, aliases), build(second, others)
    directory = Directory()
    directory.swap(old)

    changes = directory.swap(new)

    assert directory.current is new
    assert set(old.names()) - set(changes.removed) | set(changes.added) == set(new.names())
    assert set(changes.changed) <= set(old.names()) & set(new.names())
    for name in set(old.names()) & set(new.names()) - set(changes.changed):
        assert plain(old, name) == plain(new, name)
    for name in changes.changed:
        assert plain(old, name) != plain(new, name)
    assert not diff(new, new)


def plain(catalog: Catalog, name: str) -> object:
    return [(t.model, t.candidates, dict(t.native)) for t in catalog.resolve(name)]
