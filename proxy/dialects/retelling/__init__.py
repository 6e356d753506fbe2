"""Streams an engine gives in its caller's own dialect, told again so that others can go on."""
