"""The simulated engine, load drivers and measures that tell what a proxy costs."""
