"""Named random streams: each part of a workload has dice of its own.

What is drawn from one stream does not depend on how much another was used. So adding
`--cancel 5%` changes which requests are cancelled and nothing else: arrivals, lengths and prefixes
stay as they were, and two runs can be compared request by request.
"""

import zlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the dice called `name`, at their beginning.

    PCG64 seeded by a SeedSequence, whose results numpy keeps the same over versions and machines;
    the checksum of the name is its spawn key.
    """
    key = zlib.crc32(name.encode())
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(key,))))
