"""The commands of the bench: each takes its options, measures and returns an exit code."""
