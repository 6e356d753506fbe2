"""The flags of a workload as one value."""

import msgspec
import pytest

from benchmarks.load.shape import Shape


def test_a_shape_can_be_written_into_a_report_and_read_back() -> None:
    shape = Shape(rate=50, cancel="5%@200ms", prefix_groups="8:zipf1.1")

    assert msgspec.json.decode(msgspec.json.encode(shape), type=Shape) == shape


def test_a_flag_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(msgspec.ValidationError, match="rtae"):
        msgspec.convert({"rtae": 50}, Shape)
