"""The life of one call: intake, attempts, relay, finish."""
