"""The table of `make gray`."""

from benchmarks.driver.gray import EVILS, Count, table


def counted(bad: int, everything: int, broken: int) -> Count:
    count = Count()
    count.bad, count.all, count.broken = bad, everything, broken
    return count


def test_a_share_is_of_all_attempts() -> None:
    assert counted(3, 300, 0).share == 0.01
    assert Count().share == 0.0


def test_the_table_has_a_line_for_each_burden() -> None:
    lines = table([("silent", counted(10, 100, 4), counted(1, 200, 1))]).splitlines()

    assert len(lines) == 2
    assert lines[1].split() == ["silent", "10.0%", "0.5%", "5"]


def test_burdens_have_names_of_their_own() -> None:
    assert len({evil.name for evil in EVILS}) == len(EVILS)
