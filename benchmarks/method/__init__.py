"""The method: arms, interleaved blocks, paired differences, and when to believe them."""
