"""headrace: an LLM inference proxy. Start reading at `proxy.core`, then `proxy.flow`."""

__version__ = "0.1.0"
