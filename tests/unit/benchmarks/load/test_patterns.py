"""Presets, and patterns read from a file."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.load import arrivals, prefixes
from benchmarks.load.lengths import checked
from benchmarks.load.patterns import PERCENTILES, PRESETS, Pattern, find
from benchmarks.load.wording import WorkloadError


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_drawn(name: str) -> None:
    preset = find(name)

    for table in (preset.input, preset.output):
        assert tuple(percentile for percentile, _ in table) == PERCENTILES
        checked(table, name)
    arrivals.parse(preset.arrivals)
    for tenant in preset.tenants:
        arrivals.parse(tenant.arrivals)
    if preset.prefix_groups:
        prefixes.parse(preset.prefix_groups)


def test_tenants_are_unequal_and_share_everything() -> None:
    shares = [tenant.share for tenant in PRESETS["multi-tenant"].tenants]

    assert sum(shares) == pytest.approx(1)
    assert shares[0] > 10 * shares[-1]


def test_a_pattern_in_a_file(tmp_path: Path) -> None:
    pattern = Pattern(name="mine", rate=3, input=((0, 1), (100, 9)), output=((0, 1), (100, 9)))
    file = tmp_path / "mine.json"
    file.write_bytes(msgspec.json.encode(pattern))

    assert find(str(file)) == pattern


def test_a_word_that_is_neither_preset_nor_file() -> None:
    with pytest.raises(WorkloadError, match="code-like, conv-like"):
        find("code-alike")


def test_a_file_without_a_pattern(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"name": "x"}')

    with pytest.raises(WorkloadError, match="holds no pattern"):
        find(str(file))
