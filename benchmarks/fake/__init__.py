"""A simulated vLLM-like engine with faults that can be switched at run time."""
