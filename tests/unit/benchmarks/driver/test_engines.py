"""What the simulated engines of a scene look like."""

from benchmarks.driver.engines import STAMP, Pace, profile
from benchmarks.driver.workload import MODEL
from benchmarks.fake.profile import Stamps


def test_engines_stamp_and_never_end_by_themselves() -> None:
    found = profile(Pace(name="paced", step=0.02), 20_001)

    assert (found.port, found.pace, found.models) == (20_001, 0.02, (MODEL,))
    assert found.stamps is Stamps.FIELD
    assert found.output_tokens > 100_000
    assert found.context_length > 25_000, "a 100 kB prompt fits"


def test_the_stamp_is_found_in_an_event() -> None:
    assert STAMP.findall(b'data: {"stamp_ns":123,"id":"x"}\n\n') == [b"123"]
