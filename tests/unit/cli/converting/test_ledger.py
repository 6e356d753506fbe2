"""Nothing of a foreign document is passed over in silence."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.cli.converting.ledger import MISSING, Fate, Ledger, text

DOCUMENT = {"a": {"b": [{"c": 1, "d": None}, 2]}, "e": {}, "f": "x"}


def fates(ledger: Ledger) -> dict[str, Fate]:
    return {line.path: line.fate for line in ledger.report()}


def test_what_stands_at_a_path_can_be_looked_at() -> None:
    ledger = Ledger(DOCUMENT)

    assert ledger.at("a.b[0].c") == 1
    assert ledger.at("a.b[0].d") is None
    assert ledger.at("a.x") is MISSING


def test_what_nobody_spoke_of_is_dropped() -> None:
    ledger = Ledger(DOCUMENT)
    ledger.carried("a.b[0]")
    ledger.approximated("a.x", "is not there")

    assert fates(ledger) == {
        "a.b[0]": Fate.CARRIED,
        "a.b[1]": Fate.DROPPED,
        "f": Fate.DROPPED,
    }


def test_the_report_has_a_line_for_each_key_by_what_became_of_it() -> None:
    ledger = Ledger(DOCUMENT)
    ledger.carried("f")
    ledger.approximated("a.b[1]", "nearly")
    ledger.dropped("a.b[0]", "no")

    assert text(ledger.report()) == (
        "carried: 1\n  f\napproximated: 1\n  a.b[1]: nearly\ndropped: 1\n  a.b[0]: no\n"
    )


NAMES = st.text("abc", min_size=1, max_size=3)
INSIDE = st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))
DOCUMENTS = st.dictionaries(NAMES, INSIDE)


@given(DOCUMENTS, st.sets(NAMES))
def test_every_value_has_a_line_of_its_own_or_above_it(document: dict, taken: set[str]) -> None:  # type: ignore[type-arg]
    ledger = Ledger(document)
    for name in taken:
        ledger.carried(name)

    told = {line.path for line in ledger.report()}

    for name, value in document.items():
        if value not in ([], {}) and not isinstance(value, list | dict):
            assert name in told
        if isinstance(value, list | dict) and name in taken:
            assert [path for path in told if path.startswith(name)].count(name) == 1
