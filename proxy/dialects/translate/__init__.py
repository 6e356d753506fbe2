"""Translation: callers of one API, engines of another; pure functions between bytes and bytes."""
