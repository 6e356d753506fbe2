"""Speeds and sizes of real deployments, as starting points for a simulated one.

A step takes `pace + pace_per_sequence x running + prefill x admitted + prefill_per_token x read`.

Where the numbers come from: time to first token and between tokens, their spread and their growth
under load are the reference values published with llm-d's inference simulator; nobody measured
them here. A first token after 30 ms + 0.25 ms per prompt token, then one each 12 ms, becomes a
pace of 12 ms, 18 ms for a prompt that begins and 0.25 ms for each of its tokens; "twice as slow
with all 256 places taken" becomes 12 ms / 256 for each sequence. Cache sizes are what 90 % of the
memory holds beside 16-bit weights: 128 KiB a token for 8B, 320 KiB for 70B, 112 KiB for 3B. The
pace of the small one is the time an L40S needs to read its weights (6.4 GB at 864 GB/s) and a
little more.
"""

from typing import Final

import msgspec

from benchmarks.fake.profile import Profile

PRESETS: Final[dict[str, Profile]] = {
    "h100-8b": Profile(
        models=("llama-3.1-8b",),
        pace=0.012,
        pace_per_sequence=0.012 / 256,
        jitter=0.16,
        prefill=0.018,
        prefill_per_token=0.00025,
        max_batched_tokens=2048,
        max_num_seqs=256,
        kv_tokens=440_000,
        prefix_blocks=16_384,
        context_length=131_072,
        output_tokens=256,
    ),
    "h100-70b-tp8": Profile(
        models=("llama-3.1-70b",),
        pace=0.025,
        pace_per_sequence=0.05 / 256,
        jitter=0.16,
        prefill=0.055,
        prefill_per_token=0.0005,
        max_batched_tokens=2048,
        max_num_seqs=256,
        kv_tokens=1_300_000,
        prefix_blocks=65_536,
        context_length=131_072,
        output_tokens=256,
    ),
    "l40s-3b": Profile(
        models=("llama-3.2-3b",),
        pace=0.009,
        pace_per_sequence=0.009 / 128,
        jitter=0.16,
        prefill=0.011,
        prefill_per_token=0.00035,
        max_batched_tokens=2048,
        max_num_seqs=128,
        kv_tokens=310_000,
        prefix_blocks=8_192,
        context_length=32_768,
        output_tokens=256,
    ),
}


def preset(name: str) -> Profile:
    """Return the preset of this name; "" is the plain default. Raises ValueError naming all."""
    if not name:
        return Profile()
    found = PRESETS.get(name)
    if found is None:
        raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return found


def numbered(profile: Profile, count: int) -> list[Profile]:
    """Return the profiles of `count` engines that differ in name, seed and, if given, ports.

    A single one keeps the profile as it is.
    """
    if count == 1:
        return [profile]
    return [
        msgspec.structs.replace(
            profile,
            name=f"{profile.name}-{number + 1}",
            seed=profile.seed + number,
            port=profile.port + number if profile.port else 0,
            admin_port=profile.admin_port + number if profile.admin_port else profile.admin_port,
        )
        for number in range(count)
    ]
